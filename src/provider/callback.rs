//! Where a token may be sent after a login: to the user's own machine, and to what the administrator allowed. Everything
//! else would let a link steal the token of whoever follows it.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use url::{Host, Url};

use crate::base::{Code, Error, Result};

/// Addresses longer than this are no callbacks.
const LONGEST: usize = 2_048;

/// The addresses that were allowed.
#[derive(Debug, Default)]
pub(super) struct Allowed(Vec<Url>);

impl Allowed {
    /// Reads what `--allow-callback` names: an origin, or an origin with the beginning of a path.
    pub fn new(texts: &[String]) -> Result<Self> {
        texts.iter().map(|text| parse(text).map_err(|error| wrong(text, error))).collect::<Result<_>>().map(Self)
    }

    /// The callback in a `source` parameter.
    pub fn read(&self, source: &str) -> Result<Url> {
        let text = decode(source).ok_or_else(|| {
            Error::new(Code::CallbackRefused, "the address to return to cannot be read")
                .because("`source` is not an address in unpadded base64url")
                .remedy("Begin the login anew, with `mesheryctl system login` or at the plane.")
        })?;
        let refuse = |reason: String| {
            Error::new(Code::CallbackRefused, format!("`{text}` gets no token from this provider")).because(reason)
        };
        let url = parse(&text).map_err(&refuse)?;
        if is_loopback(&url) || self.0.iter().any(|allowed| covers(allowed, &url)) {
            return Ok(url);
        }
        Err(refuse("it is neither an address of the user's own machine nor one that was allowed".to_owned()))
    }
}

fn wrong(text: &str, reason: String) -> Error {
    Error::new(Code::ConfigValue, format!("--allow-callback `{text}` is no address to send tokens to"))
        .because(reason)
        .remedy("Write it like https://plane.example.org.")
}

fn decode(source: &str) -> Option<String> {
    if source.len() > LONGEST * 2 {
        return None;
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
    let standard = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let bytes = url.decode(source).or_else(|_| standard.decode(source)).ok()?;
    String::from_utf8(bytes).ok()
}

fn parse(text: &str) -> Result<Url, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    // Parsers of browsers and servers disagree about these, which is how one address passes for another.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("it holds blanks, backslashes or control characters".to_owned());
    }
    let mut url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("its scheme is `{}`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password".to_owned());
    }
    url.set_fragment(None);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether an allowed address stands for another: the same origin, and a path below its own.
fn covers(allowed: &Url, url: &Url) -> bool {
    let base = allowed.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(base);
    allowed.origin() == url.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The callback with the token.
pub(super) fn with_token(callback: &Url, token: &str) -> Url {
    let mut url = callback.clone();
    // Only our token counts, whatever the address brought along.
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| key != "token").map(|(key, value)| (key.into(), value.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("token", token);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    fn read(allowed: &[&str], address: &str) -> Result<Url> {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        Allowed::new(&allowed).unwrap().read(&URL_SAFE_NO_PAD.encode(address))
    }

    #[test]
    fn the_users_own_machine_and_allowed_addresses_are_served() {
        for own in ["http://localhost:4711/abc", "http://127.0.0.1:1", "https://[::1]:9/x?y=z", "http://127.9.9.9/"] {
            assert!(read(&[], own).is_ok(), "{own}");
        }
        let allowed = ["https://plane.example", "https://shared.example/meshery/"];
        for fine in [
            "https://plane.example/api/user/token",
            "https://shared.example/meshery/api",
            "https://shared.example/meshery",
        ] {
            assert!(read(&allowed, fine).is_ok(), "{fine}");
        }
        let padded = STANDARD.encode("http://localhost:4711/a?b>c");
        assert!(Allowed::default().read(&padded).is_ok(), "some clients pad");
    }

    #[test]
    fn no_other_address_gets_a_token() {
        let allowed = ["https://plane.example", "https://shared.example/meshery"];
        for evil in [
            "https://evil.example/",
            "http://plane.example/",
            "https://plane.example:444/",
            "https://plane.example.evil.example/",
            "https://plane.example@evil.example/",
            "https://shared.example/mesherysomething",
            "https://shared.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://evil.example\\@localhost/",
            "//localhost/",
            "javascript:alert(1)//localhost",
            "data:text/html,localhost",
            "http://local host/",
            "http://10.0.0.1/",
            "",
        ] {
            assert_eq!(read(&allowed, evil).unwrap_err().code(), Code::CallbackRefused, "{evil}");
        }
        assert_eq!(Allowed::default().read("%%%").unwrap_err().code(), Code::CallbackRefused);
        assert!(Allowed::new(&["plane.example".to_owned()]).is_err());
    }

    #[test]
    fn the_token_is_added_to_what_the_address_brought_and_cannot_be_given_by_it() {
        let url = Url::parse("http://localhost:1/abc?x=1&token=forged").unwrap();
        assert_eq!(with_token(&url, "a+b/c").as_str(), "http://localhost:1/abc?x=1&token=a%2Bb%2Fc");
    }
}
