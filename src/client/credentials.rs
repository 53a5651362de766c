//! Token files: the token of the plane itself, and the session of a user at a remote provider.
//!
//! One rule for every token file: it holds the plane's own token while it is the local provider's or not there yet. While
//! it holds a session of a remote provider, the plane's token stands beside it: `run/token.json` for `auth.json`,
//! `NAME.plane.json` for `NAME.json`. A login puts the plane's token there, a logout brings it back, and nothing else
//! overwrites a session. All have the same form and mode 0600. A token that exists is kept; an empty one (as old
//! versions wrote) is replaced by a random one.

use std::path::{Path, PathBuf};

use crate::base::error::Place;
use crate::base::{Code, Error, Result, dirs, id};
use crate::model::provider;
use crate::wire::rest::TokenFile;

/// Reads a token file; `None` when it is missing or empty. Keys of old and later versions beside the two are ignored.
pub fn read(path: &Path) -> Result<Option<TokenFile>> {
    let Some(text) = dirs::read_optional(path)? else { return Ok(None) };
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let place = Place { file: path.display().to_string(), line: Some(error.line()), column: Some(error.column()) };
        Error::new(Code::TokenFile, "the token file is not an object with `meshery-provider` and `token`")
            .at(place)
            .remedy("Write it anew with `mesheryctl system login`, or correct it.")
    })
}

/// Whether a token file holds a session of a remote provider.
pub fn is_session(file: &TokenFile) -> bool {
    !provider::is_local(&file.provider)
}

/// The token of the local plane of a home, where one was made.
pub fn find(home: &Path) -> Result<Option<TokenFile>> {
    Ok(read(&file(home)?)?.filter(|found| !found.token.is_empty()))
}

/// The file that holds the token of the local plane of a home.
pub fn file(home: &Path) -> Result<PathBuf> {
    plane_file(&dirs::token_file(home))
}

/// The file that holds the plane's own token, given the token file of its context.
pub fn plane_file(path: &Path) -> Result<PathBuf> {
    Ok(match read(path)? {
        Some(found) if is_session(&found) => beside(path),
        _ => path.to_owned(),
    })
}

/// Where the plane's own token stands while its file holds a session.
fn beside(path: &Path) -> PathBuf {
    let (dir, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
    if name == "auth.json" {
        return dirs::run(dir).join("token.json");
    }
    dir.join(format!("{}.plane.json", path.file_stem().unwrap_or_default().to_string_lossy()))
}

/// The token of the local plane of a home; makes one where none is.
pub fn ensure(home: &Path) -> Result<TokenFile> {
    ensure_in(&dirs::token_file(home))
}

/// The plane's own token, given the token file of its context; makes one where none is.
pub fn ensure_in(path: &Path) -> Result<TokenFile> {
    dirs::locked(path, || {
        let path = plane_file(path)?;
        let found = read(&path)?;
        if let Some(found) = found.as_ref().filter(|found| !found.token.is_empty()) {
            return Ok(found.clone());
        }
        let provider = found.map_or_else(|| provider::LOCAL.to_owned(), |found| found.provider);
        let made = TokenFile { provider, token: id::secret()? };
        write(&path, &made)?;
        Ok(made)
    })
}

/// Puts a session into a token file. The plane's own token in it is put beside it first, so that it is there at any
/// moment; a file that cannot be read is replaced.
pub fn log_in(path: &Path, session: &TokenFile) -> Result<()> {
    dirs::locked(path, || {
        if let Ok(Some(own)) = read(path)
            && !is_session(&own)
            && !own.token.is_empty()
        {
            write(&beside(path), &own)?;
        }
        write(path, session)
    })
}

/// Puts the plane's own token into its file, where a session may have been.
pub fn put_own(path: &Path, own: &TokenFile) -> Result<()> {
    dirs::locked(path, || {
        write(path, own)?;
        remove(&beside(path))
    })
}

/// Takes a session out of a token file and brings the plane's own token back, where there is one; what the file held.
/// A file that holds no session stays as it is, one that cannot be read is removed.
pub fn log_out(path: &Path) -> Result<Option<TokenFile>> {
    dirs::locked(path, || {
        let held = read(path);
        if matches!(&held, Ok(Some(own)) if !is_session(own)) {
            return Ok(None);
        }
        let own = read(&beside(path)).ok().flatten().filter(|own| !is_session(own) && !own.token.is_empty());
        match own {
            Some(own) => {
                write(path, &own)?;
                remove(&beside(path))?;
            }
            None => remove(path)?,
        }
        Ok(held.ok().flatten())
    })
}

/// Replaces the token of a session by the one that its provider gave for it, unless the file changed in between.
pub fn renew(path: &Path, old: &TokenFile, token: &str) -> Result<()> {
    dirs::locked(path, || {
        if read(path)?.as_ref() != Some(old) {
            return Ok(());
        }
        write(path, &TokenFile { provider: old.provider.clone(), token: token.to_owned() })
    })
}

fn write(path: &Path, file: &TokenFile) -> Result<()> {
    let text = serde_json::to_vec_pretty(file)
        .map_err(|error| Error::internal("a token file cannot be written as JSON").because(error))?;
    dirs::write_atomic(path, &text, 0o600)
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(find(home.path()).unwrap(), None);
        let made = ensure(home.path()).unwrap();
        assert_eq!((made.provider.as_str(), made.token.len()), ("None", 64));
        assert_eq!(ensure(home.path()).unwrap(), made);
        assert_eq!(find(home.path()).unwrap(), Some(made));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dirs::token_file(home.path())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn empty_files_and_empty_tokens_are_filled() {
        for text in ["", "\n", r#"{"meshery-provider":"None","token":""}"#] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(dirs::token_file(home.path()), text).unwrap();
            assert_eq!(ensure(home.path()).unwrap().token.len(), 64, "{text}");
        }
    }

    #[test]
    fn a_remote_session_and_a_broken_file_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = dirs::token_file(home.path());
        let session = r#"{"meshery-provider":"Meshery","token":"jwt"}"#;
        std::fs::write(&path, session).unwrap();
        let made = ensure(home.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), session);
        assert_eq!(find(home.path()).unwrap(), Some(made));
        std::fs::write(&path, "{\n oops").unwrap();
        let error = ensure(home.path()).unwrap_err();
        assert_eq!((error.code(), error.place().unwrap().line), (Code::TokenFile, Some(2)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n oops");
    }

    fn session(token: &str) -> TokenFile {
        TokenFile { provider: "Team".into(), token: token.into() }
    }

    #[test]
    fn a_login_puts_the_planes_token_aside_and_a_logout_brings_it_back() {
        for name in ["auth.json", "ci.json"] {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join(name);
            let own = ensure_in(&path).unwrap();
            log_in(&path, &session("one")).unwrap();
            log_in(&path, &session("two")).unwrap();
            assert_eq!(read(&path).unwrap(), Some(session("two")));
            assert_eq!(ensure_in(&path).unwrap(), own, "{name}: the plane keeps its token");
            assert_eq!(log_out(&path).unwrap(), Some(session("two")));
            assert_eq!(read(&path).unwrap(), Some(own.clone()));
            assert_eq!(log_out(&path).unwrap(), None, "once more changes nothing");
            assert_eq!(ensure_in(&path).unwrap(), own);
            let text = std::fs::read_to_string(&path).unwrap();
            let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(keys.keys().collect::<Vec<_>>(), ["meshery-provider", "token"]);
        }
    }

    #[test]
    fn without_a_plane_a_logout_leaves_no_file_and_a_login_replaces_what_is_broken() {
        let home = tempfile::tempdir().unwrap();
        let path = dirs::token_file(home.path());
        assert_eq!(log_out(&path).unwrap(), None);
        std::fs::write(&path, "{ oops").unwrap();
        log_in(&path, &session("one")).unwrap();
        assert_eq!(read(&path).unwrap(), Some(session("one")));
        log_out(&path).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "{ oops").unwrap();
        assert_eq!(log_out(&path).unwrap(), None);
        assert!(!path.exists());
    }

    #[test]
    fn a_renewed_token_replaces_only_the_one_it_came_for() {
        let home = tempfile::tempdir().unwrap();
        let path = dirs::token_file(home.path());
        log_in(&path, &session("one")).unwrap();
        renew(&path, &session("one"), "two").unwrap();
        renew(&path, &session("one"), "three").unwrap();
        assert_eq!(read(&path).unwrap(), Some(session("two")));
    }

    #[test]
    fn bodies_that_old_clients_stored_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = dirs::token_file(home.path());
        for text in [
            r#"{"meshery-provider":"Meshery","token":"abc"}"#,
            "{\n \"token\": \"abc\", \"meshery-provider\": \"Meshery\", \"session_cookie\": \"x\"}\n",
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap().unwrap().token, "abc");
        }
    }
}
