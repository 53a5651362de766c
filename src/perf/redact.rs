//! What of a plan may stand in a result: nothing that authorises.

use url::Url;

use crate::model::performance::plan::{Plan, Target};

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
    for Target { url, .. } in &mut shown.targets {
        if let Some(without) = without_user(url) {
            *url = without;
        }
    }
    shown
}

/// Whether a header field of this name holds what authorises whoever knows it.
pub fn authorises(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    let whole = ["authorization", "proxy-authorization", "cookie"];
    whole.contains(&name.as_str()) || ["token", "key", "secret", "password"].iter().any(|part| name.contains(part))
}

/// The URL without user and password, where it has them.
fn without_user(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
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
        let text = serde_json::to_string(&plan(&whole)).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("joe"), "{text}");
        assert!(text.contains("text/html") && text.contains("http://h/"), "{text}");
    }
}
