//! Names, labels and annotations.

use serde_json::{Value, json};

use crate::sample::kind::Kind;
use crate::sample::object::{self, at};
use crate::sample::status::Cause;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
    and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation \
    is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
    for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Whether the text is a lowercase label of at most 63 characters.
pub fn label_fault(text: &str) -> Option<&'static str> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let ends = !text.is_empty() && !text.starts_with('-') && !text.ends_with('-');
    if ends && text.chars().all(fits) {
        return None;
    }
    Some(if subdomain_fault(text).is_none() { "must not contain dots" } else { LABEL })
}

fn subdomain_fault(text: &str) -> Option<&'static str> {
    if text.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    let fits = |part: &str| {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        !part.is_empty() && part.chars().all(fits) && !part.starts_with('-') && !part.ends_with('-')
    };
    (!text.split('.').all(fits)).then_some(SUBDOMAIN)
}

fn name_fault(kind: &Kind, name: &str) -> Option<&'static str> {
    match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "namespaces" | "services") => label_fault(name),
        ("rbac.authorization.k8s.io", _) => path_segment_fault(name),
        _ => subdomain_fault(name),
    }
}

fn path_segment_fault(name: &str) -> Option<&'static str> {
    match name {
        "." => Some("may not be '.'"),
        ".." => Some("may not be '..'"),
        _ if name.contains('/') => Some("may not contain '/'"),
        _ if name.contains('%') => Some("may not contain '%'"),
        _ => None,
    }
}

/// The name, labels and annotations of a new object.
pub fn object(kind: &Kind, value: &Value, causes: &mut Vec<Cause>) {
    let name = object::name(value);
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if let Some(why) = name_fault(kind, name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), why));
    }
    labels(value, causes);
}

/// Labels and annotations.
pub fn labels(value: &Value, causes: &mut Vec<Cause>) {
    label_map(at(value, &["metadata", "labels"]), "metadata.labels", causes);
    for key in at(value, &["metadata", "annotations"]).as_object().into_iter().flatten().map(|(key, _)| key) {
        if let Some(why) = key_fault(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), why));
        }
    }
}

/// The keys and values of a map of labels.
pub fn label_map(labels: &Value, field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        if let Some(why) = key_fault(key) {
            causes.push(Cause::invalid(field, &json!(key), why));
        }
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(Cause::invalid(field, value, "must be no more than 63 bytes"));
        } else if !text.is_empty() && !word(text) {
            causes.push(Cause::invalid(field, value, VALUE));
        }
    }
}

fn word(text: &str) -> bool {
    let inner = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.chars().all(inner) && edge(text.chars().next()) && edge(text.chars().last())
}

fn key_fault(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if name.is_empty() {
        return Some("name part must be non-empty");
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 characters");
    }
    if let Some(why) = prefix.and_then(subdomain_fault) {
        return Some(why);
    }
    (!word(name)).then_some(QUALIFIED)
}
