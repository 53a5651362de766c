//! Kubernetes manifests as `kubectl apply -f` takes them: streams of YAML documents, JSON, lists.

use serde_json::{Map, Value};

use super::Found;
use crate::base::error::{Code, Error, Place, Result};
use crate::base::yaml;
use crate::pattern::convert::Source;

/// Reads every object of a text; lists are unrolled.
///
/// # Errors
/// [`Code::ImportSyntax`] for what is not YAML, [`Code::ImportObject`] for what is no object; each with its place.
pub fn read(source: &Source) -> Result<Vec<Found>> {
    let documents = yaml::read_kubernetes_documents(&source.text)
        .map_err(|fault| fault.into_error(Code::ImportSyntax, &source.name))?;
    let mut found = Vec::with_capacity(documents.len());
    for (line, document) in documents {
        let place = Place { file: source.name.clone(), line: Some(line), column: None };
        unroll(document, &place, None, &mut found)?;
    }
    Ok(found)
}

/// What the items of a typed list are, where they do not say.
#[derive(Clone, Copy)]
struct Inherited<'a> {
    api_version: &'a str,
    kind: &'a str,
}

fn unroll(value: Value, place: &Place, inherited: Option<Inherited<'_>>, found: &mut Vec<Found>) -> Result<()> {
    let mut body = match value {
        Value::Object(body) => body,
        Value::Array(items) => {
            return items.into_iter().try_for_each(|item| unroll(item, place, None, found));
        }
        _ => return Err(no_object(place, "a manifest is a mapping with `apiVersion`, `kind` and `metadata`")),
    };
    if let Some(items) = take_items(&mut body) {
        let api_version = text(&body, "apiVersion").unwrap_or_default().to_owned();
        let kind = text(&body, "kind").unwrap_or_default().trim_end_matches("List").to_owned();
        let inherited = (!kind.is_empty()).then_some(Inherited { api_version: &api_version, kind: &kind });
        return items.into_iter().try_for_each(|item| unroll(item, place, inherited, found));
    }
    if let Some(inherited) = inherited {
        body.entry("apiVersion").or_insert_with(|| inherited.api_version.into());
        body.entry("kind").or_insert_with(|| inherited.kind.into());
    }
    check(&body, place)?;
    found.push(Found::new(body, place.clone()));
    Ok(())
}

/// The items of a list: a kind that ends with `List` and has items, but no name of its own.
fn take_items(body: &mut Map<String, Value>) -> Option<Vec<Value>> {
    let is_list = text(body, "kind").is_some_and(|kind| kind.ends_with("List"));
    let named = body.get("metadata").is_some_and(|metadata| metadata.get("name").is_some());
    if !is_list || named {
        return None;
    }
    match body.remove("items") {
        Some(Value::Array(items)) => Some(items),
        Some(Value::Null) => Some(Vec::new()),
        Some(other) => {
            body.insert("items".to_owned(), other);
            None
        }
        None => None,
    }
}

fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn check(body: &Map<String, Value>, place: &Place) -> Result<()> {
    let Some(kind) = text(body, "kind") else {
        return Err(no_object(place, "the document has no `kind`"));
    };
    if text(body, "apiVersion").is_none() {
        return Err(no_object(place, &format!("the {kind} has no `apiVersion`")));
    }
    let metadata = body.get("metadata").and_then(Value::as_object);
    let Some(metadata) = metadata else {
        return Err(no_object(place, &format!("the {kind} has no `metadata`")));
    };
    if text(metadata, "name").is_some() {
        return Ok(());
    }
    if let Some(prefix) = text(metadata, "generateName") {
        return Err(no_object(place, &format!("the {kind} has `generateName: {prefix}` and no `name`"))
            .remedy("Give it a name: a pattern is applied again and again to the same objects."));
    }
    Err(no_object(place, &format!("the {kind} has no `metadata.name`")))
}

fn no_object(place: &Place, message: &str) -> Error {
    Error::new(Code::ImportObject, message).at(place.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Found>> {
        read(&Source { name: "m.yaml".into(), text: text.into() })
    }

    fn names(text: &str) -> Vec<String> {
        let identity = |found: &Found| super::super::told(&found.identity());
        read_text(text).unwrap().iter().map(identity).collect()
    }

    #[test]
    fn defect_15_documents_are_split_as_yaml_says_and_not_at_a_string() {
        let text = "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: a}\r\ndata:\r\n  text: |\r\n    x\r\n    ---\r\n    y\r\n---  \r\n# comment only\r\n--- # more\r\napiVersion: v1\r\nkind: Secret\r\nmetadata: {name: b}\r\n";
        assert_eq!(names(text), ["ConfigMap a", "Secret b"]);
        let found = read_text(text).unwrap();
        assert_eq!(found[0].body["data"]["text"], "x\n---\ny\n");
        assert_eq!(found[1].place.to_string(), "m.yaml:12");
    }

    #[test]
    fn lists_are_unrolled_and_their_items_know_what_they_are() {
        assert_eq!(
            names(
                "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a, namespace: ns}}\n- kind: ConfigMapList\n  apiVersion: v1\n  items: [{metadata: {name: b}}]\n"
            ),
            ["Service ns/a", "ConfigMap b"]
        );
        assert_eq!(
            names(
                r#"{"kind": "RoleList", "apiVersion": "rbac.authorization.k8s.io/v1", "items": [{"metadata": {"name": "r"}}]}"#
            ),
            ["Role r"]
        );
        assert_eq!(names("apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: l}\nitems: [a]\n"), ["AllowList l"]);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, message) in [
            ("a: 1\n", "m.yaml:1: the document has no `kind`"),
            ("- 1\n", "m.yaml:1: a manifest is a mapping with `apiVersion`, `kind` and `metadata`"),
            ("---\n\nkind: Service\n", "m.yaml:3: the Service has no `apiVersion`"),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n",
                "m.yaml:1: the Pod has `generateName: a-` and no `name`",
            ),
            ("apiVersion: v1\nkind: Pod\n", "m.yaml:1: the Pod has no `metadata`"),
        ] {
            assert_eq!(read_text(text).unwrap_err().to_string(), message);
        }
        let error = read_text("a: [\n").unwrap_err();
        assert_eq!((error.code(), error.place().unwrap().file.as_str()), (Code::ImportSyntax, "m.yaml"));
    }
}
