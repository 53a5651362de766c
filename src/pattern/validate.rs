//! Stage validate: what can be said against the objects before anything is sent.

use std::collections::HashMap;

use crate::base::error::{Code, Error};
use crate::model::kubernetes::ObjectRef;

/// Checks name and namespace by the rules of Kubernetes for that kind.
pub fn name_fault(service: &str, object: &ObjectRef) -> Option<Error> {
    let fault = |what: &str, value: &str, rule: &str| {
        Error::new(
            Code::PatternObjectName,
            format!("service `{service}`: {what} `{value}` of the {} is not allowed: {rule}", object.kind),
        )
    };
    if let Some(namespace) = &object.namespace
        && !is_label(namespace)
    {
        return Some(fault("namespace", namespace, LABEL_RULE));
    }
    let (ok, rule) = match rule_for(object) {
        NameRule::Label => (is_label(&object.name), LABEL_RULE),
        NameRule::Subdomain => (is_subdomain(&object.name), SUBDOMAIN_RULE),
        NameRule::PathSegment => (is_path_segment(&object.name), "it may not be `.`, `..` or hold `/` or `%`"),
    };
    (!ok).then(|| fault("name", &object.name, rule))
}

const LABEL_RULE: &str =
    "lower-case letters, digits and `-`, beginning and ending with a letter or digit, at most 63 characters";
const SUBDOMAIN_RULE: &str =
    "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit, at most 253 characters";

enum NameRule {
    Label,
    Subdomain,
    PathSegment,
}

fn rule_for(object: &ObjectRef) -> NameRule {
    match (object.gvk().group.as_str(), object.kind.as_str()) {
        ("", "Namespace" | "Service") => NameRule::Label,
        ("rbac.authorization.k8s.io", _) => NameRule::PathSegment,
        _ => NameRule::Subdomain,
    }
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn is_path_segment(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '%'])
}

/// Finds two services that stand for one object; each fault with the key of the second.
pub fn duplicates<'a>(objects: impl IntoIterator<Item = (&'a str, &'a ObjectRef)>) -> Vec<(String, Error)> {
    let mut seen: HashMap<(String, &str, Option<&str>, &str), &str> = HashMap::new();
    let mut faults = Vec::new();
    for (service, object) in objects {
        let key = (object.gvk().group, object.kind.as_str(), object.namespace.as_deref(), object.name.as_str());
        if let Some(first) = seen.insert(key, service) {
            let message = format!("services `{first}` and `{service}` both stand for {object}");
            faults.push((service.to_owned(), Error::new(Code::PatternDuplicate, message)));
        }
    }
    faults
}

/// One error out of several: the first in the file, with the others as its details.
pub fn combine(mut faults: Vec<Error>) -> Option<Error> {
    if faults.is_empty() {
        return None;
    }
    faults.sort_by_key(|fault| fault.place().map(|place| (place.line, place.column)));
    let rest = faults.split_off(1);
    let first = faults.remove(0);
    let others = rest.iter().map(|fault| format!("also: {fault}"));
    Some(first.details(others.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: &str, namespace: Option<&str>, name: &str) -> bool {
        let group = if kind == "ClusterRole" { "rbac.authorization.k8s.io/v1" } else { "v1" };
        let object = ObjectRef {
            api_version: group.into(),
            kind: kind.into(),
            namespace: namespace.map(Into::into),
            name: name.into(),
        };
        name_fault("s", &object).is_some()
    }

    #[test]
    fn names_follow_the_rule_of_their_kind() {
        assert!(!fault("Deployment", Some("a-1"), "web.v1"));
        assert!(!fault("ClusterRole", None, "system:Reader"));
        for (kind, namespace, name) in [
            ("Deployment", Some("A"), "web"),
            ("Deployment", Some("a"), "Web"),
            ("Deployment", Some("a"), "web_1"),
            ("Deployment", Some("a"), "web..a"),
            ("Service", Some("a"), "web.v1"),
            ("Namespace", None, "-a"),
            ("ClusterRole", None, "a/b"),
        ] {
            assert!(fault(kind, namespace, name), "{kind} {name}");
        }
        assert!(fault("Namespace", None, &"a".repeat(64)) && !fault("Namespace", None, &"a".repeat(63)));
    }
}
