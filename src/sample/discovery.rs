//! What the cluster says about itself: version, groups, kinds; in the aggregated form and in the older ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Form, Reply};
use super::crd::rank;
use super::kind::{Kind, verb_names};
use super::object;
use super::store::State;

/// A group with its versions, the preferred one first, and their kinds.
struct Group {
    name: String,
    versions: Vec<(String, Vec<Arc<Kind>>)>,
}

/// The document at a path, if it is one of discovery's.
pub fn document(state: &State, path: &str, form: &Form) -> Option<Reply> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let value = match parts.as_slice() {
        ["version"] => version(),
        ["api" | "apis"] if form.shape == "APIGroupDiscoveryList" => return Some(aggregated(state, parts[0], form)),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]}),
        ["apis"] => {
            let groups: Vec<Value> = groups(state, false).iter().map(group).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", version] => resources(state, "", version)?,
        ["apis", name] => {
            let found = groups(state, false).into_iter().find(|group| group.name == *name)?;
            let mut value = group(&found);
            object::stamp(&mut value, "v1", "APIGroup");
            value
        }
        ["apis", group, version] => resources(state, group, version)?,
        [""] => {
            let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
            for group in groups(state, false) {
                paths.extend(group.versions.iter().map(|(version, _)| format!("/apis/{}/{version}", group.name)));
            }
            paths
                .extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
            json!({"paths": paths})
        }
        _ => return None,
    };
    Some(Reply::json(StatusCode::OK, &value))
}

/// What a cluster of another version says of itself.
pub fn version_of(version: &str) -> Reply {
    let mut value = self::version();
    let mut numbers = version.trim_start_matches('v').split('.');
    value["gitVersion"] = json!(version);
    value["major"] = json!(numbers.next().unwrap_or_default());
    value["minor"] = json!(numbers.next().unwrap_or_default());
    Reply::json(StatusCode::OK, &value)
}

fn version() -> Value {
    json!({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": "v1.36.3+practice", "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)})
}

/// The core group alone, or all others in the order of discovery.
fn groups(state: &State, core: bool) -> Vec<Group> {
    let mut order: Vec<String> = Vec::new();
    let mut kinds: BTreeMap<String, BTreeMap<String, Vec<Arc<Kind>>>> = BTreeMap::new();
    for kind in state.kinds().filter(|kind| kind.group.is_empty() == core) {
        if !order.contains(&kind.group) {
            order.push(kind.group.clone());
        }
        kinds.entry(kind.group.clone()).or_default().entry(kind.version.clone()).or_default().push(Arc::clone(kind));
    }
    order
        .into_iter()
        .map(|name| {
            let mut versions: Vec<(String, Vec<Arc<Kind>>)> =
                kinds.remove(&name).unwrap_or_default().into_iter().collect();
            versions.sort_by_key(|(version, _)| std::cmp::Reverse(rank(version)));
            Group { name, versions }
        })
        .collect()
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn group(group: &Group) -> Value {
    let one = |version: &str| json!({"groupVersion": group_version(&group.name, version), "version": version});
    let versions: Vec<Value> = group.versions.iter().map(|(version, _)| one(version)).collect();
    json!({"name": group.name, "versions": versions, "preferredVersion": versions.first()})
}

/// `APIResourceList` of one group and version.
fn resources(state: &State, group: &str, version: &str) -> Option<Value> {
    let kinds: Vec<&Arc<Kind>> = state.kinds().filter(|kind| kind.group == group && kind.version == version).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut resources = Vec::new();
    for kind in kinds {
        let mut entry = json!({"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": verb_names(&kind.verbs)});
        let fields = object::ensure(&mut entry);
        for (key, names) in [("shortNames", &kind.short), ("categories", &kind.categories)] {
            if !names.is_empty() {
                fields.insert(key.to_owned(), json!(names));
            }
        }
        resources.push(entry);
        for subresource in &kind.subresources {
            let name = format!("{}/{}", kind.plural, subresource.name);
            let mut entry = json!({"name": name, "singularName": "", "namespaced": kind.namespaced,
                "kind": subresource.kind, "verbs": verb_names(&subresource.verbs)});
            if let Some((group, version)) = subresource.api_version.split_once('/') {
                let fields = object::ensure(&mut entry);
                fields.insert("group".to_owned(), json!(group));
                fields.insert("version".to_owned(), json!(version));
            }
            resources.push(entry);
        }
    }
    Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version),
        "resources": resources}))
}

/// Everything in one document.
fn aggregated(state: &State, root: &str, form: &Form) -> Reply {
    let version = if form.version == "v2beta1" { "v2beta1" } else { "v2" };
    let items: Vec<Value> = groups(state, root == "api").iter().map(aggregated_group).collect();
    let value = json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {}, "items": items});
    Reply::typed(&format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"), &value)
}

fn aggregated_group(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, kinds)| {
            let resources: Vec<Value> = kinds.iter().map(|kind| aggregated_kind(kind)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_kind(kind: &Kind) -> Value {
    let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
    let response =
        if kind.custom.is_some() { kind.gvk_value() } else { json!({"group": "", "version": "", "kind": kind.kind}) };
    let mut entry = json!({"resource": kind.plural, "responseKind": response, "scope": scope,
        "singularResource": kind.singular, "verbs": verb_names(&kind.verbs)});
    let subresources: Vec<Value> = kind
        .subresources
        .iter()
        .map(|one| {
            let (group, version) = one.api_version.split_once('/').unwrap_or_default();
            json!({"subresource": one.name, "responseKind": {"group": group, "version": version, "kind": one.kind},
                "verbs": verb_names(&one.verbs)})
        })
        .collect();
    let fields = object::ensure(&mut entry);
    for (key, names) in [("shortNames", &kind.short), ("categories", &kind.categories)] {
        if !names.is_empty() {
            fields.insert(key.to_owned(), json!(names));
        }
    }
    if !subresources.is_empty() {
        fields.insert("subresources".to_owned(), Value::Array(subresources));
    }
    entry
}
