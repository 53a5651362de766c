//! The laws of the house: which module may import which, where frameworks live, how large files may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by rank: a module imports only lower ranks. Several of one rank never import each other.
const RANKS: &[&[&str]] = &[
    &["base"],
    &["model"],
    &["wire"],
    &["pattern", "plane", "perf", "schedule"],
    &["store", "cluster", "client", "oci", "docker", "release"],
    &["platform", "load"],
    &["server", "sample", "adapter", "provider"],
    &["ctl"],
    &["app"],
];

/// What `ctl` may use: the client, engines for what it can do offline, registries and release feeds, which the user
/// names, and `platform`, because no server can bring itself up.
const FOR_CTL: &[&str] =
    &["base", "model", "wire", "pattern", "plane", "perf", "schedule", "client", "oci", "release", "platform"];

/// Frameworks, and the paths (below src/, without .rs) that may use them.
const FRAMEWORKS: &[(&str, &[&str])] = &[
    ("clap", &["ctl", "app"]),
    ("clap_complete", &["ctl", "app"]),
    ("clap_mangen", &["ctl"]),
    ("argon2", &["provider"]),
    ("axum", &["server", "sample", "provider"]),
    ("kube", &["cluster"]),
    ("bollard", &["docker"]),
    ("tonic", &["wire", "client", "adapter"]),
    ("tonic_prost", &["wire"]),
    ("prost", &["wire", "client", "adapter"]),
    ("self_update", &["release"]),
    ("zipsign_api", &["release"]),
    ("sea_orm", &["store"]),
    ("sea_orm_migration", &["store"]),
    ("reqwest", &["base/http", "client", "oci", "release"]),
    ("indicatif", &["ctl/ui"]),
    ("comfy_table", &["ctl/ui"]),
    ("dialoguer", &["ctl/ui"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Sources with their path below src/, without `.rs`.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let name = |path: &Path| path.strip_prefix(&src).unwrap().with_extension("").display().to_string();
    rust_files(&src).iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn module_of(path: &str) -> &str {
    path.split('/').next().unwrap()
}

/// The code without comments and without the unit tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Modules of this crate that the code names: `crate::x` and the members of `crate::{x, y}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.extend(words(rest).next().map(str::to_owned)),
            Some(group) => {
                let mut depth = 0;
                let mut member = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.extend(words(&std::mem::take(&mut member)).next().map(str::to_owned));
                        }
                        c => member.push(c),
                    }
                }
                found.extend(words(&member).next().map(str::to_owned));
            }
        }
    }
    found
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn modules_import_only_lower_ranks() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("src/{path}.rs: give the module `{module}` a rank"));
        for import in imports(&code(&text)).iter().filter(|import| *import != module) {
            let Some(theirs) = rank(import) else { continue };
            if theirs >= own || (module == "ctl" && !FOR_CTL.contains(&import.as_str())) {
                faults.push(format!("src/{path}.rs imports {import}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn frameworks_stay_where_they_belong() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        for (framework, homes) in FRAMEWORKS {
            let is_home = homes.iter().any(|home| path == *home || path.starts_with(&format!("{home}/")));
            let used = ["::", " as ", ";"].iter().any(|end| {
                code.match_indices(&format!("{framework}{end}")).any(|(at, _)| {
                    let before = &code[..at];
                    let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                    whole && (*end == "::" || before.trim_end().ends_with("use"))
                })
            });
            if used && !is_home {
                faults.push(format!("src/{path}.rs uses {framework}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_laws_would_notice_a_breach() {
    assert_eq!(
        imports("use crate::{base::Error, server::{x, y}, ctl};"),
        ["base", "ctl", "server"].map(String::from).into()
    );
    assert_eq!(imports("crate::store::open(); mycrate::app()"), ["store"].map(String::from).into());
}

#[test]
fn files_stay_small() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let limit = if path == "main" { 40 } else { 900 };
        if lines > limit && !text.contains("A data table:") && !text.contains("@generated by prost-build") {
            faults.push(format!("src/{path}.rs has {lines} lines, {limit} are allowed"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = root().join("tests/it");
    let mut listed = BTreeSet::from([tests.join("main.rs")]);
    let mut queue = vec![tests.join("main.rs")];
    while let Some(file) = queue.pop() {
        let is_root = file.file_stem().is_some_and(|stem| stem == "main");
        let dir = if is_root { tests.clone() } else { file.with_extension("") };
        for line in fs::read_to_string(&file).unwrap().lines() {
            let Some(name) = line.trim().trim_start_matches("pub ").strip_prefix("mod ") else { continue };
            let Some(name) = name.strip_suffix(';') else { continue };
            let path = dir.join(format!("{name}.rs"));
            listed.insert(path.clone());
            queue.push(path);
        }
    }
    let forgotten: Vec<PathBuf> = rust_files(&tests).into_iter().filter(|path| !listed.contains(path)).collect();
    assert!(forgotten.is_empty(), "no `mod` names {forgotten:#?}");
}
