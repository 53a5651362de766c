//! What a request asks for: the path and the query, parsed.

use std::collections::HashMap;

/// The thing a path names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Plural of the kind.
    pub plural: String,
    /// Namespace, empty for cluster scope and for all namespaces.
    pub namespace: String,
    /// Object name, empty for the collection.
    pub name: String,
    /// Subresource with anything behind it, empty for the object.
    pub subresource: String,
}

impl Target {
    /// Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`; other paths, and those of discovery, are none.
    pub fn parse(path: &str) -> Option<Target> {
        let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", version, rest),
            ["apis", group, version, rest @ ..] => (*group, version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            _ => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [] => return None,
            [plural] => (plural, "", String::new()),
            [plural, name, subresource @ ..] => (plural, *name, subresource.join("/")),
        };
        Some(Target {
            group: group.to_owned(),
            version: (*version).to_owned(),
            plural: (*plural).to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource,
        })
    }
}

/// Percent-decoding of one path segment; broken escapes stay as they are.
fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let escaped = (bytes[place] == b'%').then(|| segment.get(place + 1..place + 3)).flatten();
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            out.push(byte);
            place += 3;
        } else {
            out.push(bytes[place]);
            place += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The query's parameters, the last of each name.
#[derive(Debug, Clone, Default)]
pub struct Query(HashMap<String, String>);

impl Query {
    /// Parses a query string.
    pub fn parse(query: &str) -> Query {
        Query(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter's value, empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a flag is set: `true`, `1`, or present without a value.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| matches!(value.as_str(), "" | "1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects_collections_and_subresources() {
        let show = |path: &str| {
            Target::parse(path).map(|t| [t.group, t.version, t.namespace, t.plural, t.name, t.subresource].join("|"))
        };
        assert_eq!(show("/api/v1/namespaces"), Some("|v1||namespaces||".into()));
        assert_eq!(show("/api/v1/namespaces/a"), Some("|v1||namespaces|a|".into()));
        assert_eq!(show("/api/v1/namespaces/a/status"), Some("|v1||namespaces|a|status".into()));
        assert_eq!(show("/api/v1/namespaces/a/pods/b/log"), Some("|v1|a|pods|b|log".into()));
        assert_eq!(show("/apis/apps/v1/namespaces/a/deployments"), Some("apps|v1|a|deployments||".into()));
        assert_eq!(
            show("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"),
            Some("rbac.authorization.k8s.io|v1||clusterroles|system:node|".into())
        );
        assert_eq!(show("/apis/apps/v1"), None);
        assert_eq!(show("/version"), None);
    }
}
