//! The token of the local plane.
//!
//! One rule: the server's token stands in `auth.json` when that file is the local provider's or not there yet, else in
//! `run/token.json`, because a file with the session of a remote provider is never overwritten. Both have the same form
//! and mode 0600. A token that exists is kept; an empty one (as old versions wrote) is replaced by a random one.

use std::path::{Path, PathBuf};

use crate::base::error::Place;
use crate::base::{Code, Error, Result, dirs, id};
use crate::model::provider;
use crate::wire::rest::TokenFile;

/// Reads a token file; `None` when it is missing or empty.
pub fn read(path: &Path) -> Result<Option<TokenFile>> {
    let Some(text) = dirs::read_optional(path)? else { return Ok(None) };
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let place = Place { file: path.display().to_string(), line: Some(error.line()), column: Some(error.column()) };
        Error::new(Code::TokenFile, "the token file is not an object with `meshery-provider` and `token`")
            .at(place)
            .remedy("Correct the file, or move it away: `mesheryctl system start` writes a fresh one.")
    })
}

/// The token of the local plane of a home, where one was made.
pub fn find(home: &Path) -> Result<Option<TokenFile>> {
    Ok(read(&file(home)?)?.filter(|found| !found.token.is_empty()))
}

/// The file that holds the token of the local plane of a home.
pub fn file(home: &Path) -> Result<PathBuf> {
    let usual = dirs::token_file(home);
    match read(&usual)? {
        Some(found) if !provider::is_local(&found.provider) => Ok(dirs::run(home).join("token.json")),
        _ => Ok(usual),
    }
}

/// The token of the local plane of a home; makes one where none is.
pub fn ensure(home: &Path) -> Result<TokenFile> {
    ensure_in(&file(home)?)
}

/// The token in a file; makes one where none is.
pub fn ensure_in(path: &Path) -> Result<TokenFile> {
    dirs::locked(path, || {
        let found = read(path)?;
        if let Some(found) = found.as_ref().filter(|found| !found.token.is_empty()) {
            return Ok(found.clone());
        }
        let provider = found.map_or_else(|| provider::LOCAL.to_owned(), |found| found.provider);
        let made = TokenFile { provider, token: id::secret()? };
        let text = serde_json::to_vec_pretty(&made)
            .map_err(|error| Error::internal("a token file cannot be written as JSON").because(error))?;
        dirs::write_atomic(path, &text, 0o600)?;
        Ok(made)
    })
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
}
