//! A token that the user brings along: in a file, on standard input, or in a variable; with its provider or alone.

use std::path::Path;

use serde_json::Value;

use crate::base::{Code, Error, Result, dirs, env};
use crate::ctl::Ctl;
use crate::ctl::cmd::secret;
use crate::wire::rest::TokenFile;

/// A token.
pub(super) struct Given {
    /// Its provider, where that stands beside it.
    pub provider: Option<String>,
    /// The token.
    pub token: String,
    /// What it came from, for messages.
    pub origin: String,
}

impl Given {
    /// The token that flags or `MESHERY_TOKEN` bring.
    pub(super) fn read(ctx: &Ctl, file: Option<&Path>, stdin: bool) -> Result<Option<Self>> {
        let (text, from) = match file {
            Some(path) if path != Path::new("-") => {
                let text = std::fs::read_to_string(path).map_err(|error| dirs::read_error(path, &error))?;
                (text, path.display().to_string())
            }
            None if !stdin => match env::get(env::MESHERY_TOKEN) {
                Some(text) => (text, env::MESHERY_TOKEN.to_owned()),
                None => return Ok(None),
            },
            _ => (secret::from_stdin(ctx, "token")?, "standard input".to_owned()),
        };
        let read = Self::parse(&text).map(|(provider, token)| Self { provider, token, origin: from.clone() });
        read.map(Some).map_err(|reason| {
            Error::new(Code::TokenFile, format!("no token is in {from}"))
                .because(reason)
                .remedy("It holds a token file (`meshery-provider` and `token`), or the token alone on one line.")
        })
    }

    /// Reads the body that servers and old clients write, an OAuth object as it is, or the token alone: the provider,
    /// where it stands beside the token, and the token.
    fn parse(text: &str) -> Result<(Option<String>, String), &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        if let Ok(file) = serde_json::from_str::<TokenFile>(text) {
            let provider = Some(file.provider).filter(|name| !name.is_empty());
            return if file.token.is_empty() { Err("its token is empty") } else { Ok((provider, file.token)) };
        }
        if text.starts_with('{') {
            return Ok((None, oauth(text)?));
        }
        if text.contains(char::is_whitespace) {
            return Err("it holds more than one word");
        }
        Ok((None, text.to_owned()))
    }
}

/// The OAuth object that tokens are made of, before it was put into base64.
fn oauth(text: &str) -> Result<String, &'static str> {
    use base64::Engine;
    let object: Value = serde_json::from_str(text).map_err(|_| "it begins like JSON but cannot be read as it")?;
    if object.get("access_token").is_none_or(|token| !token.is_string()) {
        return Err("it is a JSON object without a token");
    }
    Ok(base64::engine::general_purpose::STANDARD_NO_PAD.encode(object.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::session_token::SessionToken;

    #[test]
    fn every_form_of_a_token_is_read() {
        let of = Given::parse;
        let file = r#"{"meshery-provider":"Team","token":"abc","session_cookie":"x"}"#;
        assert_eq!(of(file), Ok((Some("Team".to_owned()), "abc".to_owned())));
        assert_eq!(of(" abc\n"), Ok((None, "abc".to_owned())));
        let (_, token) = of(r#"{"access_token":"inner","expiry":"2021-07-13T10:00:00Z"}"#).unwrap();
        assert_eq!(SessionToken::parse(&token).unwrap().access(), "inner");
        for wrong in ["", " \n", "a b", "{", "{}", "[]x y", r#"{"meshery-provider":"Team","token":""}"#] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
