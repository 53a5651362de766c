//! CustomResourceDefinitions: from the object to the kinds it defines.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kind::{Kind, Subresource};
use super::object::{self, at, list, text};
use super::shape::schema::{self, CustomVersion};
use super::store::{Key, State};

/// Group and plural of the definitions themselves.
pub const DEFINITIONS: (&str, &str) = ("apiextensions.k8s.io", "customresourcedefinitions");

/// The finalizer that keeps a definition until its objects are gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Whether the condition is `True` in the object's status.
pub fn has_condition(value: &Value, kind: &str) -> bool {
    list(value, &["status", "conditions"]).iter().any(|one| one["type"] == kind && one["status"] == "True")
}

/// Reads every established definition anew.
pub fn refresh(state: &mut State) {
    let storage = (DEFINITIONS.0.to_owned(), DEFINITIONS.1.to_owned());
    let established: Vec<Arc<Value>> =
        state.list(&storage, "").filter(|one| has_condition(one, "Established")).cloned().collect();
    let kinds = established.iter().flat_map(|definition| kinds(definition)).map(Arc::new).collect();
    state.set_custom(kinds);
}

/// The kinds that a definition serves, one a version, in the order of preference.
fn kinds(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let mut served: Vec<&Value> =
        list(spec, &["versions"]).iter().filter(|version| version["served"] == true).collect();
    served.sort_by_key(|version| std::cmp::Reverse(rank(text(version, &["name"]))));
    served.into_iter().map(|version| kind(definition, version)).collect()
}

/// Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, others by name.
pub fn rank(version: &str) -> (u8, u32, u32, std::cmp::Reverse<String>) {
    let other = (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else { return other };
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let Ok(major) = rest[..end].parse() else { return other };
    let (stage, minor) = match &rest[end..] {
        "" => (3, ""),
        stage => match (stage.strip_prefix("beta"), stage.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor),
            (_, Some(minor)) => (1, minor),
            _ => return other,
        },
    };
    (stage, major, minor.parse().unwrap_or_default(), std::cmp::Reverse(String::new()))
}

fn kind(definition: &Value, version: &Value) -> Kind {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let words = |key: &str| list(names, &[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let schema = at(version, &["schema", "openAPIV3Schema"]).clone();
    let (group, plural) = (text(spec, &["group"]).to_owned(), text(names, &["plural"]).to_owned());
    let kind = text(names, &["kind"]).to_owned();
    let mut subresources = Vec::new();
    if at(version, &["subresources", "status"]).is_object() {
        subresources.push(Subresource {
            name: "status".to_owned(),
            api_version: String::new(),
            kind: kind.clone(),
            verbs: "gpu".to_owned(),
        });
    }
    Kind {
        version: text(version, &["name"]).to_owned(),
        singular: text(names, &["singular"]).to_owned(),
        namespaced: text(spec, &["scope"]) == "Namespaced",
        verbs: "dDglpcuw".to_owned(),
        short: words("shortNames"),
        categories: words("categories"),
        subresources,
        shape: schema::root_shape(&schema).into(),
        storage: (group.clone(), plural.clone()),
        custom: Some(Arc::new(CustomVersion {
            schema,
            columns: list(version, &["additionalPrinterColumns"]).to_vec(),
        })),
        group,
        kind,
        plural,
    }
}

/// The conditions and names that the server gives an accepted definition.
pub fn accept(definition: &mut Value, established: bool) {
    let now = object::now();
    let names = definition["spec"]["names"].clone();
    let versions = list(definition, &["spec", "versions"]);
    let stored: Vec<Value> =
        versions.iter().filter(|one| one["storage"] == true).map(|one| one["name"].clone()).collect();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message});
    let mut conditions = vec![condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")];
    conditions.push(if established {
        condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
    } else {
        condition("Established", "False", "Installing", "the definition is being installed")
    });
    let status = object::child(definition, "status");
    status.insert("conditions".to_owned(), Value::Array(conditions));
    status.insert("acceptedNames".to_owned(), names);
    status.insert("storedVersions".to_owned(), Value::Array(stored));
}

/// The objects of a definition.
pub fn objects(state: &State, definition: &Value) -> Vec<Key> {
    let spec = &definition["spec"];
    let storage = (text(spec, &["group"]).to_owned(), text(spec, &["names", "plural"]).to_owned());
    state.keys(|key| key.storage == storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_does() {
        let mut versions = ["v1alpha1", "v1", "foo", "v10beta3", "v2", "v11beta2", "v1beta1"];
        versions.sort_by_key(|version| std::cmp::Reverse(rank(version)));
        assert_eq!(versions, ["v2", "v1", "v11beta2", "v10beta3", "v1beta1", "v1alpha1", "foo"]);
    }
}
