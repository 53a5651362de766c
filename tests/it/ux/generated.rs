//! Generated files, and scripts that shells must accept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::Env;

fn files_below(root: &Path, dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![root.join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { found.push(path.strip_prefix(root).unwrap().to_owned()) }
        }
    }
    found.sort();
    found
}

/// Completions, manual pages and the reference are what the program would write now.
#[test]
fn row_84_generated_files_are_current() {
    let env = Env::new();
    env.ctl(["generate-docs", "."]).ok();
    let (committed, fresh) = (Path::new(env!("CARGO_MANIFEST_DIR")), env.path("work"));
    let remedy = "run `mesheryctl generate-docs .` in the repository";
    assert_eq!(files_below(committed, "completions"), files_below(&fresh, "completions"), "{remedy}");
    for path in files_below(&fresh, "completions").into_iter().chain([PathBuf::from("docs/cli.md")]) {
        let read = |root: &Path| fs::read_to_string(root.join(&path)).unwrap();
        assert!(read(committed) == read(&fresh), "{} is out of date; {remedy}", path.display());
    }
}

#[test]
fn row_79_shells_accept_the_completion_scripts() {
    let env = Env::new();
    for (shell, program) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let script = env.ctl(["completion", shell]).ok().stdout;
        assert!(script.contains("mesheryctl"), "{shell}: {script}");
        let path = env.write(&format!("script.{shell}"), script);
        // Shells that are not installed here are checked where they are.
        let Ok(output) = Command::new(program).arg("-n").arg(&path).output() else { continue };
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for shell in ["elvish", "powershell"] {
        assert!(env.ctl(["completion", shell]).ok().stdout.contains("mesheryctl"));
    }
}

#[test]
fn row_79_there_is_a_manual_page_for_every_command() {
    let env = Env::new();
    env.ctl(["man", "--dir", "man/man1"]).ok();
    for (path, _) in super::help::nodes() {
        let name = std::iter::once("mesheryctl".to_owned()).chain(path).collect::<Vec<_>>().join("-");
        let page = env.read(&format!("work/man/man1/{name}.1"));
        assert!(page.contains(".SH NAME") && page.contains("EXAMPLES"), "{name}: {page}");
    }
}

#[test]
fn row_74_aliases_say_nothing_of_their_own() {
    let env = Env::with_contexts();
    let alias = env.ctl(["system", "context", "ls", "-o", "json"]).ok();
    let name = env.ctl(["system", "context", "list", "-o", "json"]).ok();
    assert_eq!((alias.stdout, alias.stderr.as_str()), (name.stdout, ""));
}
