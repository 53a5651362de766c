//! What of a plan may be shown and stand in a result: nothing that authorises.

use url::Url;

use crate::model::performance::plan::{Contents, Plan, Target};

/// What stands in the place of a value that authorises.
pub const REDACTED: &str = "[redacted]";

/// A plan as it may be kept and shown.
pub fn plan(plan: &Plan) -> Plan {
    let mut shown = plan.clone();
    for header in &mut shown.request.headers {
        if authorises(&header.name) {
            REDACTED.clone_into(&mut header.value);
        }
    }
    for value in shown.request.cookies.values_mut() {
        REDACTED.clone_into(value);
    }
    shown.tls.contents = Contents::default();
    for target in &mut shown.targets {
        target.url = url(&target.url);
    }
    shown
}

/// A target's URL as it may be kept and shown: without user and password, and without the values of its query that
/// authorise. What is no URL is shown from its last `@` on.
pub fn url(text: &str) -> String {
    let shown = without_authority(text);
    let (before, fragment) = shown.split_once('#').map_or((shown.as_str(), None), |(url, rest)| (url, Some(rest)));
    let Some((address, query)) = before.split_once('?') else { return shown };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    let fragment = fragment.map(|rest| format!("#{rest}")).unwrap_or_default();
    format!("{address}?{}{fragment}", pairs.join("&"))
}

/// What of a plan authorises, by its names.
pub fn secrets(plan: &Plan) -> Vec<String> {
    let headers = plan.request.headers.iter().filter(|header| authorises(&header.name));
    let mut all: Vec<String> = headers.map(|header| format!("the header field {}", header.name)).collect();
    let others = [
        (!plan.request.cookies.is_empty(), "cookies"),
        (plan.targets.iter().any(|target| url_authorises(&target.url)), "parts of a URL"),
        (plan.tls.key.is_some(), "the private key"),
    ];
    all.extend(others.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name.to_owned()));
    all
}

/// Whether a URL holds anything that authorises.
pub fn url_authorises(text: &str) -> bool {
    url(text) != text
}

/// `NAME=VALUE` of a query, with its value only where that may be shown.
fn pair(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) if !value.is_empty() && parameter_authorises(name) => format!("{name}={REDACTED}"),
        _ => text.to_owned(),
    }
}

/// Whether a parameter of this name holds what authorises whoever knows it.
fn parameter_authorises(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["token", "key", "secret", "password", "passwd", "signature", "credential"];
    matches!(name.as_str(), "sig" | "auth" | "pw" | "pass" | "jwt") || ends.iter().any(|end| name.ends_with(end))
}

fn without_authority(text: &str) -> String {
    match Url::parse(text).ok().filter(Url::has_host) {
        Some(url) if url.username().is_empty() && url.password().is_none() => text.to_owned(),
        Some(url) => without_user(url).unwrap_or_else(|| from_last_at(text)),
        None => from_last_at(text),
    }
}

fn from_last_at(text: &str) -> String {
    let begin = text.find("://").map_or(0, |at| at + 3);
    let rest = text[begin..].rfind('@').map_or(&text[begin..], |at| &text[begin + at + 1..]);
    format!("{}{rest}", &text[..begin])
}

/// What a test is called that has no name: host, port and path of its first target.
pub fn name(plan: &Plan) -> String {
    let Some(Target { url: text, .. }) = plan.targets.first() else { return "test".to_owned() };
    let shown = url(text);
    let address = shown.split_once("://").map_or(shown.as_str(), |(_, rest)| rest);
    address.split(['?', '#']).next().unwrap_or(address).to_owned()
}

/// Whether a header field of this name holds what authorises whoever knows it.
pub fn authorises(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    let whole = ["authorization", "proxy-authorization", "cookie"];
    whole.contains(&name.as_str()) || ["token", "key", "secret", "password"].iter().any(|part| name.contains(part))
}

fn without_user(mut url: Url) -> Option<String> {
    url.set_password(None).ok()?;
    url.set_username("").ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Header;

    #[test]
    fn nothing_that_authorises_is_left() {
        let mut whole = Plan::default();
        let header = |name: &str| Header { name: name.into(), value: "hunter2".into() };
        let names = ["authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "Client-Secret"];
        whole.request.headers = names.iter().map(|name| header(name)).collect();
        whole.request.headers.push(Header { name: "Accept".into(), value: "text/html".into() });
        whole.request.cookies.insert("session".into(), "hunter2".into());
        whole.targets = vec![Target { url: "http://joe:hunter2@h/".into(), weight: 1 }];
        whole.tls.key = Some("key.pem".into());
        assert_eq!(
            secrets(&whole)[5..],
            ["the header field Client-Secret", "cookies", "parts of a URL", "the private key"]
        );
        assert_eq!((secrets(&whole).len(), secrets(&Plan::default()).len()), (9, 0));
        let text = serde_json::to_string(&plan(&whole)).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("joe"), "{text}");
        assert!(text.contains("text/html") && text.contains("http://h/"), "{text}");
        assert!(!["Accept", "Host", "X-Request-Id"].into_iter().any(authorises));
    }

    #[test]
    fn addresses_are_shown_without_what_authorises_whatever_they_are() {
        for (whole, shown) in [
            ("http://h:80/a?b=c", "http://h:80/a?b=c"),
            ("http://joe:hunter2@h/", "http://h/"),
            ("http://hunter2@h:8080/a@b", "http://h:8080/a@b"),
            ("tcp://joe:hunter2@h:1", "tcp://h:1"),
            ("grpcs://joe:hunter2@h:1/s.S/M", "grpcs://h:1/s.S/M"),
            ("http://joe:hunt/er2@h/", "http://h/"),
            ("joe:hunter2@h:80/", "h:80/"),
            ("http://joe:hunter2@", "http://"),
            ("h", "h"),
            ("http://h/?access_token=hunter2&page=2", "http://h/?access_token=[redacted]&page=2"),
            (
                "https://joe@h/a?X-Amz-Signature=hunter2&sig=hunter2#top",
                "https://h/a?X-Amz-Signature=[redacted]&sig=[redacted]#top",
            ),
            ("http://h/?q=token&api_key=&flag", "http://h/?q=token&api_key=&flag"),
        ] {
            assert_eq!(url(whole), shown, "{whole}");
            assert_eq!(url_authorises(whole), whole != shown, "{whole}");
        }
    }

    #[test]
    fn a_name_is_host_port_and_path() {
        let named =
            |url: &str| name(&Plan { targets: vec![Target { url: url.to_owned(), weight: 1 }], ..Plan::default() });
        assert_eq!(named("http://joe:hunter2@h:8080/a/b?token=hunter2#x"), "h:8080/a/b");
        assert_eq!((named("http://h/").as_str(), name(&Plan::default()).as_str()), ("h/", "test"));
    }
}
