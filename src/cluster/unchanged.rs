//! Whether an apply would write nothing, told from the live object alone.
//!
//! The API server keeps in `managedFields` which fields our last apply held. When those are exactly the fields of the
//! body, and the live object has the body's value in each of them, a further apply has nothing to write. A call is
//! saved then; whatever is not plain to see is left to the API server.

use serde_json::{Map, Value};

use crate::pattern::builtin;
use crate::pattern::object::SERVER_METADATA;

/// Metadata that names the object and is nobody's.
const NAMES: &[&str] = &["name", "namespace"];
/// Fields of Kubernetes' own kinds that are objects and always owned as a whole.
const ATOMIC: &[&str] = &[
    "claimRef",
    "configMapKeyRef",
    "controllerExpandSecretRef",
    "controllerPublishSecretRef",
    "dataSource",
    "fieldRef",
    "fileKeyRef",
    "matchConstraints",
    "matchResources",
    "namespaceSelector",
    "nodeExpandSecretRef",
    "nodePublishSecretRef",
    "nodeSelector",
    "nodeStageSecretRef",
    "objectSelector",
    "paramKind",
    "paramRef",
    "podSelector",
    "required",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "resourceFieldRef",
    "roleRef",
    "scopeSelector",
    "secretKeyRef",
    "selector",
];

/// Whether applying `body` as `manager` over `live` would leave the object as it is, version and managers included.
///
/// `false` means that it may write something, not that it will.
pub fn is_noop_apply(body: &Value, live: &Value, manager: &str) -> bool {
    let (Value::Object(body), Value::Object(live)) = (body, live) else { return false };
    let same = |key: &str| body.get(key).is_some_and(Value::is_string) && body.get(key) == live.get(key);
    if !same("apiVersion") || !same("kind") || body.contains_key("status") {
        return false;
    }
    let metadata = (body.get("metadata").and_then(Value::as_object), live.get("metadata").and_then(Value::as_object));
    let (Some(wanted), Some(found)) = metadata else { return false };
    let named =
        wanted.contains_key("name") && NAMES.iter().all(|key| is_none_or_same(wanted.get(*key), found.get(*key)));
    if !named || SERVER_METADATA.iter().any(|key| wanted.contains_key(*key)) || found.contains_key("deletionTimestamp")
    {
        return false;
    }
    let Some((own, others)) = entries(found, manager) else { return false };
    if own.get("apiVersion") != body.get("apiVersion") {
        return false;
    }
    let Some(tree) = own.get("fieldsV1").and_then(Value::as_object) else { return false };
    let mut walk = Walk { others, built_in: has_atomic_fields(body), path: Vec::new() };
    walk.fields((body, &["apiVersion", "kind", "metadata"]), live, tree) && walk.metadata(wanted, found, tree)
}

fn is_none_or_same(wanted: Option<&Value>, found: Option<&Value>) -> bool {
    wanted.is_none() || wanted == found
}

/// The record of this manager's applies, and the fields of everybody else.
fn entries<'a>(metadata: &'a Map<String, Value>, manager: &str) -> Option<(&'a Value, Vec<&'a Value>)> {
    let all = metadata.get("managedFields")?.as_array()?;
    let is_own = |entry: &&Value| {
        entry["manager"] == manager
            && entry["operation"] == "Apply"
            && entry["fieldsType"] == "FieldsV1"
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let (own, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(is_own);
    match own.as_slice() {
        [one] => Some((one, others.into_iter().map(|entry| &entry["fieldsV1"]).collect())),
        _ => None,
    }
}

/// Whether a field named in [`ATOMIC`] is one: so in Kubernetes' own kinds, but a CRD's schema may use any name.
fn has_atomic_fields(body: &Map<String, Value>) -> bool {
    let api_version = body.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    builtin::is_builtin_group(group) && body.get("kind").is_some_and(|kind| kind != "CustomResourceDefinition")
}

/// Goes through the body, the live object and the tree of owned fields side by side.
struct Walk<'a> {
    others: Vec<&'a Value>,
    built_in: bool,
    path: Vec<&'a str>,
}

fn steps(tree: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    tree.iter().map(|(step, node)| (step.as_str(), node)).filter(|(step, _)| *step != ".")
}

impl<'a> Walk<'a> {
    fn metadata(&mut self, body: &Map<String, Value>, live: &Map<String, Value>, root: &'a Map<String, Value>) -> bool {
        match root.get("f:metadata").map(Value::as_object) {
            None => body.keys().all(|key| NAMES.contains(&key.as_str())),
            Some(None) => false,
            Some(Some(tree)) => {
                self.path.push("f:metadata");
                let same = self.fields((body, NAMES), live, tree);
                self.path.pop();
                same
            }
        }
    }

    /// An object field by field; `skip` are those that this level leaves out.
    fn fields(
        &mut self,
        (body, skip): (&Map<String, Value>, &[&str]),
        live: &Map<String, Value>,
        tree: &'a Map<String, Value>,
    ) -> bool {
        let mut left = body.keys().filter(|key| !skip.contains(&key.as_str())).count();
        for (step, node) in steps(tree) {
            let Some(name) = step.strip_prefix("f:") else { return false };
            if skip.contains(&name) {
                continue;
            }
            let (Some(wanted), Some(found)) = (body.get(name), live.get(name)) else { return false };
            self.path.push(step);
            let same = self.value((name, wanted), found, node);
            self.path.pop();
            if !same || left == 0 {
                return false;
            }
            left -= 1;
        }
        left == 0
    }

    fn value(&mut self, (name, body): (&str, &Value), live: &Value, node: &'a Value) -> bool {
        let Some(tree) = node.as_object() else { return false };
        match (body, live) {
            (Value::Null, _) => false,
            _ if tree.is_empty() => body == live && self.is_owned_whole(name, body),
            (Value::Object(body), Value::Object(live)) => self.fields((body, &[]), live, tree),
            (Value::Array(body), Value::Array(live)) => {
                if steps(tree).all(|(step, _)| step.starts_with("v:")) {
                    is_same_set(body, live, tree)
                } else {
                    self.items(body, live, tree)
                }
            }
            _ => false,
        }
    }

    /// Whether the value under an owned field without parts is one leaf.
    ///
    /// A map or list of parts looks the same when it was applied empty or null before. Its parts would then become
    /// ours, and whoever set them shows in the other managers' records.
    fn is_owned_whole(&self, name: &str, body: &Value) -> bool {
        match body {
            Value::Object(fields) if !fields.is_empty() => {
                self.built_in && ATOMIC.contains(&name) && !self.has_parts_of_others()
            }
            Value::Array(items) if !items.is_empty() => !self.has_parts_of_others(),
            _ => true,
        }
    }

    fn has_parts_of_others(&self) -> bool {
        self.others.iter().any(|fields| {
            let here = self.path.iter().try_fold(*fields, |node, step| node.get(*step));
            here.and_then(Value::as_object).is_some_and(|tree| steps(tree).next().is_some())
        })
    }

    /// A list whose items are told apart by keys, in the order of the body.
    fn items(&mut self, body: &[Value], live: &[Value], tree: &'a Map<String, Value>) -> bool {
        let mut nodes = Vec::with_capacity(body.len());
        for (step, node) in steps(tree) {
            let keys = step.strip_prefix("k:").and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
            let (Some(keys), Some(node)) = (keys, node.as_object()) else { return false };
            nodes.push((step, keys, node));
        }
        let mut after = 0;
        for item in body {
            let Some(fields) = item.as_object() else { return false };
            let mut fitting = (0..nodes.len()).filter(|index| is_identified(fields, &nodes[*index].1));
            let (Some(index), None) = (fitting.next(), fitting.next()) else { return false };
            let (step, keys, node) = nodes.swap_remove(index);
            let Some((at, found)) = only(live, |one| keys.iter().all(|(key, value)| one.get(key) == Some(value)))
            else {
                return false;
            };
            let Some(found) = found.as_object().filter(|_| at >= after && node.contains_key(".")) else { return false };
            after = at + 1;
            self.path.push(step);
            let same = self.fields((fields, &[]), found, node);
            self.path.pop();
            if !same {
                return false;
            }
        }
        nodes.is_empty()
    }
}

/// Whether an item has this identity. A key that the item leaves out has its default there.
fn is_identified(item: &Map<String, Value>, keys: &Map<String, Value>) -> bool {
    let given = |(key, value): (&String, &Value)| item.get(key).map(|own| own == value);
    keys.iter().any(|key| given(key) == Some(true)) && keys.iter().all(|key| given(key) != Some(false))
}

/// The only item that fits, and where it stands.
fn only(items: &[Value], fits: impl Fn(&Value) -> bool) -> Option<(usize, &Value)> {
    let mut fitting = items.iter().enumerate().filter(|(_, item)| fits(item));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// A list that is a set of single values, in the order of the body.
fn is_same_set(body: &[Value], live: &[Value], tree: &Map<String, Value>) -> bool {
    let mut owned: Vec<Value> = Vec::with_capacity(body.len());
    for (step, node) in steps(tree) {
        let value = step.strip_prefix("v:").and_then(|json| serde_json::from_str(json).ok());
        let (Some(value), true) = (value, node.as_object().is_some_and(Map::is_empty)) else { return false };
        owned.push(value);
    }
    let mut after = 0;
    for item in body {
        let Some(index) = owned.iter().position(|value| value == item) else { return false };
        owned.swap_remove(index);
        match only(live, |one| one == item) {
            Some((at, _)) if at >= after => after = at + 1,
            _ => return false,
        }
    }
    owned.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(body: &Value, owned: &Value) -> Value {
        let mut live = body.clone();
        live["metadata"]["resourceVersion"] = json!("7");
        live["metadata"]["managedFields"] = json!([
            {"manager": "meshery", "operation": "Apply", "apiVersion": body["apiVersion"], "fieldsType": "FieldsV1", "fieldsV1": owned}
        ]);
        live
    }

    fn deployment() -> (Value, Value) {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a", "labels": {"a": "b"}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": [
                {"name": "one", "image": "i", "args": ["x"], "ports": [{"containerPort": 80}]}, {"name": "two", "image": "j"}]}}}});
        let owned = json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:replicas": {}, "f:selector": {},
            "f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"two\"}": {".": {}, "f:name": {}, "f:image": {}},
                "k:{\"name\":\"one\"}": {".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}});
        let mut live = live(&body, &owned);
        live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = json!("TCP");
        live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
        (body, live)
    }

    fn noop(change: impl Fn(&mut Value, &mut Value)) -> bool {
        let (mut body, mut live) = deployment();
        change(&mut body, &mut live);
        is_noop_apply(&body, &live, "meshery")
    }

    #[test]
    fn what_was_applied_and_stands_as_applied_needs_no_call() {
        assert!(noop(|_, _| ()));
        assert!(noop(|_, live| live["metadata"]["labels"]["other"] = json!("x")), "fields of others do not matter");
        assert!(noop(|_, live| live["status"] = json!({"replicas": 1})));
    }

    #[test]
    fn any_difference_of_values_fields_or_owners_is_left_to_the_server() {
        let changes: [fn(&mut Value, &mut Value); 16] = [
            |body, _| body["spec"]["replicas"] = json!(2),
            |body, _| body["spec"]["paused"] = json!(false),
            |body, _| body["spec"]["replicas"] = Value::Null,
            |body, _| body["status"] = json!({}),
            |body, _| body["metadata"]["resourceVersion"] = json!("7"),
            |body, _| body["apiVersion"] = json!("apps/v1beta1"),
            |body, _| body["metadata"]["name"] = json!("other"),
            |body, _| body["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse(),
            |body, _| body["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().truncate(1),
            |body, _| body["spec"]["selector"]["matchLabels"]["c"] = json!("d"),
            |_, live| live["spec"]["template"]["spec"]["containers"][1]["image"] = json!("k"),
            |_, live| live["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"),
            |_, live| live["metadata"]["managedFields"][0]["manager"] = json!("kubectl"),
            |_, live| live["metadata"]["managedFields"][0]["operation"] = json!("Update"),
            |_, live| live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:paused"] = json!({}),
            |_, live| {
                live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("f:replicas");
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert!(!noop(change), "change {index}");
        }
    }

    #[test]
    fn a_map_that_was_applied_empty_is_not_taken_for_a_leaf() {
        let body = json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"selector": {"a": "b"}}});
        let owned = json!({"f:spec": {"f:selector": {}}});
        assert!(!is_noop_apply(&body, &live(&body, &owned), "meshery"));
        let mut built_in = body.clone();
        built_in["apiVersion"] = json!("apps/v1");
        let mut live = live(&built_in, &owned);
        assert!(is_noop_apply(&built_in, &live, "meshery"));
        let other = json!({"manager": "x", "operation": "Update", "fieldsV1": {"f:spec": {"f:selector": {"f:a": {}}}}});
        live["metadata"]["managedFields"].as_array_mut().unwrap().push(other);
        assert!(!is_noop_apply(&built_in, &live, "meshery"));
    }

    #[test]
    fn sets_are_compared_by_value_and_order() {
        let owned = json!({"f:metadata": {"f:finalizers": {"v:\"x/a\"": {}, "v:\"x/b\"": {}}}});
        let body = |all: &[&str]| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "finalizers": all}});
        let found = live(&body(&["x/a", "x/c", "x/b"]), &owned);
        assert!(is_noop_apply(&body(&["x/a", "x/b"]), &found, "meshery"));
        for other in [&["x/b", "x/a"][..], &["x/a"], &["x/a", "x/b", "x/c"], &["x/a", "x/a"]] {
            assert!(!is_noop_apply(&body(other), &found, "meshery"), "{other:?}");
        }
    }

    #[test]
    fn fields_called_atomic_are_so_in_every_kind_of_kubernetes() {
        let table = crate::pattern::schema::table::TYPES;
        let types: Vec<(&str, bool)> = table
            .lines()
            .filter(|line| !line.starts_with([' ', '#']))
            .map(|line| (line.split(' ').next().unwrap_or_default(), line.ends_with(" atomic")))
            .collect();
        let mut seen = Vec::new();
        for line in table.lines().filter_map(|line| line.strip_prefix(' ')) {
            let mut words = line.split(' ');
            let (name, shape) = (words.next().unwrap().trim_end_matches('!'), words.next().unwrap());
            let is_object =
                shape.starts_with('{') || types.iter().any(|(known, _)| *known == shape.trim_end_matches(":atomic"));
            if ATOMIC.contains(&name) && is_object {
                seen.push(name);
                let atomic = shape.ends_with(":atomic") || types.contains(&(shape, true));
                assert!(atomic, "{line}");
            }
        }
        assert!(ATOMIC.iter().all(|name| seen.contains(name)));
    }
}
