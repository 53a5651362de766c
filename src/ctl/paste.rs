//! Commands that work when they are pasted into the shell that this run was typed in.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::settings::Settings;
use crate::base::env;

/// How this program is called with the same context, files and home as this run.
pub fn command(settings: &Settings, arguments: &[&str]) -> String {
    let mut words = Vec::new();
    if let Some(home) = env::get(env::MESHERY_HOME) {
        words.push(format!("{}={}", env::MESHERY_HOME, quoted(&absolute(Path::new(&home)))));
    }
    words.push(program());
    words.extend(arguments.iter().map(|word| quoted(word)));
    words.extend(settings.chosen_by_flag().into_iter().map(|(flag, value)| format!("--{flag} {}", quoted(&value))));
    words.join(" ")
}

/// The word that calls this program: its name where PATH leads to it, else its path, short where that works.
fn program() -> String {
    let Ok(own) = std::env::current_exe() else { return "mesheryctl".to_owned() };
    let same =
        |path: &PathBuf| std::fs::canonicalize(path).is_ok_and(|found| Some(found) == std::fs::canonicalize(&own).ok());
    let name = own.file_name().unwrap_or(OsStr::new("mesheryctl"));
    let on_path = env::get("PATH").is_some_and(|list| {
        // The first of that name is the one the shell runs.
        std::env::split_paths(&list)
            .map(|dir| dir.join(name))
            .find(|path| path.is_file())
            .is_some_and(|path| same(&path))
    });
    if on_path {
        return quoted(&name.to_string_lossy());
    }
    let here = std::env::current_dir().ok().and_then(|dir| own.strip_prefix(dir).ok().map(Path::to_owned));
    quoted(&here.map_or_else(|| own.display().to_string(), |path| format!("./{}", path.display())))
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A word of a shell, quoted where it holds more than plain characters.
pub fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+@:=,%".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("a/b-c.yaml"), "a/b-c.yaml");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
