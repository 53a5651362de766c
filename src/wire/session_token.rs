//! The token of a session at a remote provider, in the forms that providers have given out: an OAuth token object in
//! unpadded base64, a JWT as it is, or a text that only the provider understands.
//!
//! Whether a token holds is the provider's word. What is read here tells when it ends, and that it is no token at all.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::clock::Timestamp;

/// Tokens are cookies, and browsers and servers refuse cookies beyond this.
const LONGEST: usize = 8 << 10;

/// A session token.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    raw: String,
    access: String,
    refresh: Refresh,
    expires_at: Option<Timestamp>,
}

/// Whether and with what a token can be renewed.
#[derive(Clone, PartialEq, Eq)]
enum Refresh {
    No,
    /// By showing it to the provider as it is.
    Whole,
    /// By a part of its own.
    Part(String),
}

/// The OAuth token object.
#[derive(Serialize, Deserialize)]
struct OAuth {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    refresh_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry: Option<String>,
}

impl SessionToken {
    /// Reads a token. The error says in one clause what is wrong with it, without quoting it.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        let raw = raw.trim();
        if raw.is_empty() {
            return Err("it is empty");
        }
        if raw.len() > LONGEST {
            return Err("it is longer than 8 KiB");
        }
        if !raw.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'\\')) {
            return Err("it holds characters that no token has");
        }
        if looks_like_jwt(raw) {
            return jwt(raw);
        }
        // Base64 of `{"` begins so; a token of the provider's own kind that does as well has no use for the rest.
        if raw.starts_with("eyJ") {
            return oauth(raw);
        }
        Ok(Self { raw: raw.to_owned(), access: raw.to_owned(), refresh: Refresh::No, expires_at: None })
    }

    /// Writes a token in the form of an OAuth object.
    pub fn write(access: &str, refresh: &str, expires_at: Timestamp) -> String {
        let object = OAuth {
            access_token: access.to_owned(),
            token_type: "bearer".to_owned(),
            refresh_token: refresh.to_owned(),
            expiry: Some(expires_at.to_string()),
        };
        general_purpose::STANDARD_NO_PAD.encode(serde_json::to_vec(&object).unwrap_or_default())
    }

    /// The whole text, as it stands in cookies and token files.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The part that goes into an `Authorization` header.
    pub fn access(&self) -> &str {
        &self.access
    }

    /// Whether the provider may give a new one for it.
    pub fn is_refreshable(&self) -> bool {
        self.refresh != Refresh::No
    }

    /// The part that renews it, where it has one.
    pub fn refresh(&self) -> Option<&str> {
        match &self.refresh {
            Refresh::Part(part) => Some(part),
            Refresh::No | Refresh::Whole => None,
        }
    }

    /// When it ends, where it says so.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether it says that it has ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Secrets are not for logs.
impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Base64 in either alphabet, padded or not: providers differ.
fn decode(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let standard = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let url = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
    standard.decode(text).or_else(|_| url.decode(text)).ok()
}

fn looks_like_jwt(raw: &str) -> bool {
    raw.starts_with("eyJ") && raw.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn jwt(raw: &str) -> Result<SessionToken, &'static str> {
    let claims = claims(raw).ok_or("it begins like a JWT but cannot be read as one")?;
    Ok(SessionToken {
        raw: raw.to_owned(),
        access: raw.to_owned(),
        refresh: Refresh::Whole,
        expires_at: claims.get("exp").and_then(seconds),
    })
}

/// The claims of a JWT whose three parts can be read.
fn claims(raw: &str) -> Option<Value> {
    let mut parts = raw.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let object = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).ok().filter(Value::is_object);
    object(header)?;
    (!signature.is_empty()).then(|| object(payload))?
}

/// Seconds since 1970; some issuers write them as a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a fraction of a second and times beyond all calendars do not matter"
)]
fn seconds(value: &Value) -> Option<Timestamp> {
    let whole = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    Timestamp::from_second(whole).ok()
}

fn oauth(raw: &str) -> Result<SessionToken, &'static str> {
    const CUT: &str = "it begins like an OAuth token in base64 but cannot be read as one; it may have been cut off";
    let object: OAuth = serde_json::from_slice(&decode(raw).ok_or(CUT)?).map_err(|_| CUT)?;
    if object.access_token.is_empty() {
        return Err("its access_token is empty");
    }
    if !object.access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its access_token holds characters that no token has");
    }
    let stated = object.expiry.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    // Go writes the year 1 where it knows no end.
    let stated = stated.filter(|end| *end > Timestamp::UNIX_EPOCH);
    let inner = || claims(&object.access_token)?.get("exp").and_then(seconds);
    Ok(SessionToken {
        raw: raw.to_owned(),
        expires_at: stated.or_else(inner),
        refresh: if object.refresh_token.is_empty() { Refresh::No } else { Refresh::Part(object.refresh_token) },
        access: object.access_token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn jwt_of(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "kid": "1"})), part(claims))
    }

    #[test]
    fn an_oauth_object_in_base64_gives_its_access_token_and_end() {
        let object = json!({"access_token": "abc", "token_type": "bearer", "refresh_token": "r", "expiry": "2021-07-13T10:00:00.5Z"});
        for raw in [
            STANDARD_NO_PAD.encode(object.to_string()),
            STANDARD.encode(object.to_string()),
            URL_SAFE_NO_PAD.encode(object.to_string()),
        ] {
            let token = SessionToken::parse(&format!(" {raw}\n")).unwrap();
            assert_eq!((token.access(), token.raw(), token.is_refreshable()), ("abc", raw.as_str(), true));
            assert_eq!(token.expires_at().unwrap().as_second(), 1_626_170_400);
            assert!(token.is_expired(at(1_626_170_401)) && !token.is_expired(at(1_626_170_399)));
        }
    }

    #[test]
    fn the_end_of_an_oauth_object_is_that_of_its_jwt_where_it_says_none() {
        let access = jwt_of(&json!({"exp": 1_700_000_000, "sub": "u"}));
        for expiry in [json!(null), json!("0001-01-01T00:00:00Z"), json!("soon")] {
            let raw = STANDARD_NO_PAD.encode(json!({"access_token": access, "expiry": expiry}).to_string());
            let token = SessionToken::parse(&raw).unwrap();
            assert_eq!((token.expires_at(), token.is_refreshable()), (Some(at(1_700_000_000)), false), "{expiry}");
        }
    }

    #[test]
    fn a_jwt_is_its_own_access_token() {
        let raw = jwt_of(&json!({"exp": 1_700_000_000.9, "iat": 1}));
        let token = SessionToken::parse(&raw).unwrap();
        assert_eq!((token.access(), token.expires_at()), (raw.as_str(), Some(at(1_700_000_000))));
        assert_eq!(SessionToken::parse(&jwt_of(&json!({"sub": "forever"}))).unwrap().expires_at(), None);
    }

    #[test]
    fn other_texts_are_the_providers_business() {
        for raw in ["mshp_0123abc", "a.b.c", "Zm9v", "x"] {
            let token = SessionToken::parse(raw).unwrap();
            assert_eq!((token.access(), token.expires_at(), token.is_refreshable()), (raw, None, false), "{raw}");
        }
    }

    #[test]
    fn broken_tokens_are_told_from_foreign_ones() {
        let whole = STANDARD_NO_PAD
            .encode(json!({"access_token": "abcdefghijklmnop", "expiry": "2021-07-13T10:00:00Z"}).to_string());
        let cut = &whole[..whole.len() / 2];
        for raw in [
            "",
            "  ",
            "a b",
            "a;b",
            "a\"b",
            "tök",
            cut,
            "eyJhbGciOiJIUzI1NiJ9.x.y",
            "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.",
            &"x".repeat(9000),
        ] {
            assert!(SessionToken::parse(raw).is_err(), "{raw}");
        }
        let empty = STANDARD_NO_PAD.encode(r#"{"access_token": ""}"#);
        assert_eq!(SessionToken::parse(&empty).unwrap_err(), "its access_token is empty");
    }

    #[test]
    fn what_is_written_can_be_read_and_is_not_shown() {
        let end = at(1_800_000_000);
        let token = SessionToken::parse(&SessionToken::write("access-secret", "refresh-secret", end)).unwrap();
        assert_eq!((token.access(), token.expires_at(), token.is_refreshable()), ("access-secret", Some(end), true));
        assert!(!format!("{token:?}").contains("secret"));
    }
}
