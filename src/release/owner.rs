//! Package managers that own the program: known by where its file lies, or asked whose it is. What they installed is theirs
//! to change.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::PROGRAM;
use crate::base::process::in_path;
use crate::base::{Code, Error, dirs, env};

/// How long a package manager may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Who owns the program, and how it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The package manager, as people call it.
    pub manager: String,
    /// The command that brings a newer version.
    pub update: String,
    /// The command that removes it.
    pub remove: String,
}

/// What is about to be done to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Another version takes its place.
    Update,
    /// The version before comes back.
    Rollback,
    /// It goes.
    Remove,
}

impl Owner {
    fn new(manager: &str, update: impl Into<String>, remove: impl Into<String>) -> Self {
        Self { manager: manager.to_owned(), update: update.into(), remove: remove.into() }
    }

    /// The refusal to do it here, with the command that does.
    pub fn refusal(&self, path: &Path, act: Act) -> Error {
        let Self { manager, update, remove } = self;
        let (verb, command) = match act {
            Act::Update => ("updated", update),
            Act::Rollback => ("rolled back", update),
            Act::Remove => ("removed", remove),
        };
        let error =
            Error::new(Code::SelfManaged, format!("{} belongs to {manager} and is not {verb} here", path.display()));
        match act {
            Act::Rollback => error.remedy(format!(
                "Choose the version with {manager}: `{command}` takes the newest; see its manual for an older one."
            )),
            _ => error.remedy(format!("Run `{command}`.")),
        }
    }
}

/// The package manager that owns the file at `path`, links resolved; `None` when nobody does.
pub async fn of(path: &Path) -> Option<Owner> {
    let home = dirs::user_home();
    let cargo = env::get(env::CARGO_HOME).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".cargo")));
    if let Some(owner) = by_place(path, cargo.as_deref()) {
        return Some(owner);
    }
    // System packages own nothing in a user's home.
    if home.is_some_and(|home| path.starts_with(&home) && home != Path::new("/")) {
        return None;
    }
    by_asking(path).await
}

/// Package managers that keep programs in places of their own.
fn by_place(path: &Path, cargo: Option<&Path>) -> Option<Owner> {
    let has = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
    if path.starts_with("/nix/store") || path.starts_with("/gnu/store") {
        return Some(Owner::new(
            "nix",
            format!("nix profile upgrade {PROGRAM}"),
            format!("nix profile remove {PROGRAM}"),
        ));
    }
    if path.starts_with("/snap") {
        return Some(Owner::new("snap", format!("sudo snap refresh {PROGRAM}"), format!("sudo snap remove {PROGRAM}")));
    }
    if has("Cellar") || has("Caskroom") {
        return Some(Owner::new("Homebrew", format!("brew upgrade {PROGRAM}"), format!("brew uninstall {PROGRAM}")));
    }
    if has("scoop") && has("apps") {
        return Some(Owner::new("scoop", format!("scoop update {PROGRAM}"), format!("scoop uninstall {PROGRAM}")));
    }
    for manager in ["mise", "asdf"] {
        if (has(manager) || has(&format!(".{manager}"))) && has("installs") {
            return Some(Owner::new(
                manager,
                format!("{manager} install {PROGRAM}@latest"),
                format!("{manager} uninstall {PROGRAM}"),
            ));
        }
    }
    let folder = path.parent()?;
    if let Some(cargo) = cargo.filter(|cargo| is_same_folder(folder, &cargo.join("bin"))) {
        let source = installed_from(cargo);
        return Some(Owner::new(
            "cargo",
            format!("cargo install {source} --locked --force"),
            format!("cargo uninstall {PROGRAM}"),
        ));
    }
    let is_build = [".fingerprint", "deps"].iter().all(|part| folder.join(part).is_dir());
    is_build.then(|| Owner::new("a build of this program's source", "cargo build", "cargo clean"))
}

fn is_same_folder(left: &Path, right: &Path) -> bool {
    left == right || std::fs::canonicalize(right).is_ok_and(|right| left == right)
}

/// What `cargo install` was told, from cargo's own list: `"mesheryctl 0.1.0 (git+https://…#commit)" = ["mesheryctl"]`.
fn installed_from(cargo: &Path) -> String {
    let list = std::fs::read_to_string(cargo.join(".crates.toml")).unwrap_or_default();
    let source = list.lines().find_map(|line| {
        let entry = line.trim().strip_prefix('"')?.strip_prefix(PROGRAM)?.strip_prefix(' ')?;
        Some(entry.split_once('(')?.1.split_once(')')?.0.to_owned())
    });
    match source.as_deref().and_then(|source| source.split_once('+')) {
        Some(("git", url)) => {
            let url = url.split(['#', '?']).next().unwrap_or_default();
            format!("--git {url} {PROGRAM}")
        }
        Some(("path", url)) => format!("--path {}", url.trim_start_matches("file://")),
        _ => PROGRAM.to_owned(),
    }
}

/// Package managers that put programs among everybody's and keep a list of them.
async fn by_asking(path: &Path) -> Option<Owner> {
    // Systems that merged /bin into /usr/bin still list some files by the old name.
    let short = path.strip_prefix("/usr").ok().map(|rest| Path::new("/").join(rest));
    for path in std::iter::once(path).chain(short.as_deref()) {
        if let Some(line) = ask("dpkg-query", &["-S"], path).await {
            let package = line.split([':', ',']).next().unwrap_or(PROGRAM);
            return Some(Owner::new(
                "apt",
                format!("sudo apt-get install --only-upgrade {package}"),
                format!("sudo apt-get remove {package}"),
            ));
        }
        if let Some(package) = ask("rpm", &["-qf", "--qf", "%{NAME}\\n"], path).await {
            let manager = ["dnf", "zypper", "yum"].into_iter().find(|program| in_path(&[program]).is_some());
            let manager = manager.unwrap_or("dnf");
            let update = if manager == "zypper" { "update" } else { "upgrade" };
            return Some(Owner::new(
                "rpm",
                format!("sudo {manager} {update} {package}"),
                format!("sudo {manager} remove {package}"),
            ));
        }
        if let Some(package) = ask("pacman", &["-Qqo"], path).await {
            return Some(Owner::new("pacman", "sudo pacman -Syu".to_owned(), format!("sudo pacman -R {package}")));
        }
        if ask("apk", &["info", "--who-owns"], path).await.is_some_and(|line| line.contains("is owned by")) {
            return Some(Owner::new("apk", format!("apk upgrade {PROGRAM}"), format!("apk del {PROGRAM}")));
        }
    }
    None
}

/// The first line a package manager answers; `None` when it is not there, or the file is none of its own.
async fn ask(program: &str, arguments: &[&str], path: &Path) -> Option<String> {
    let program = in_path(&[program])?;
    let run = Command::new(program)
        .args(arguments)
        .arg(path)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run).await.ok()?.ok()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next().map(str::trim).unwrap_or_default().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn update(path: &str) -> Option<String> {
        by_place(Path::new(path), Some(Path::new("/home/u/.cargo"))).map(|owner| owner.update)
    }

    #[test]
    fn package_managers_are_known_by_their_places() {
        for (path, command) in [
            ("/nix/store/abc-mesheryctl-0.1.0/bin/mesheryctl", "nix profile upgrade mesheryctl"),
            ("/snap/mesheryctl/12/bin/mesheryctl", "sudo snap refresh mesheryctl"),
            ("/opt/homebrew/Cellar/mesheryctl/0.1.0/bin/mesheryctl", "brew upgrade mesheryctl"),
            ("/home/linuxbrew/.linuxbrew/Cellar/mesheryctl/0.1.0/bin/mesheryctl", "brew upgrade mesheryctl"),
            ("/home/u/.asdf/installs/mesheryctl/0.1.0/bin/mesheryctl", "asdf install mesheryctl@latest"),
            ("/home/u/.local/share/mise/installs/mesheryctl/0.1.0/mesheryctl", "mise install mesheryctl@latest"),
            ("/home/u/.cargo/bin/mesheryctl", "cargo install mesheryctl --locked --force"),
        ] {
            assert_eq!(update(path).as_deref(), Some(command), "{path}");
        }
        for path in ["/home/u/.local/bin/mesheryctl", "/usr/local/bin/mesheryctl", "/home/u/snap/bin/mesheryctl"] {
            assert_eq!(update(path), None, "{path}");
        }
    }

    #[test]
    fn cargo_is_told_again_what_it_was_told() {
        let cargo = tempfile::tempdir().unwrap();
        let of = |source: &str| {
            let list =
                format!("[v1]\n\"other 1.0.0 (x+y)\" = [\"o\"]\n\"mesheryctl 0.1.0 ({source})\" = [\"mesheryctl\"]\n");
            std::fs::write(cargo.path().join(".crates.toml"), list).unwrap();
            installed_from(cargo.path())
        };
        assert_eq!(of("registry+https://github.com/rust-lang/crates.io-index"), "mesheryctl");
        assert_eq!(of("git+https://example.org/m.git?branch=main#abc"), "--git https://example.org/m.git mesheryctl");
        assert_eq!(of("path+file:///src/m"), "--path /src/m");
    }

    #[test]
    fn a_build_folder_is_known() {
        let debug = tempfile::tempdir().unwrap();
        let program = debug.path().join("mesheryctl");
        std::fs::create_dir(debug.path().join("deps")).unwrap();
        assert_eq!(by_place(&program, None), None);
        std::fs::create_dir(debug.path().join(".fingerprint")).unwrap();
        assert_eq!(by_place(&program, None).unwrap().update, "cargo build");
    }
}
