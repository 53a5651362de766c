//! What would change in an object and why: the live object, what the API server would make of it, and who owns what.
//!
//! The desired object is the answer of a dry run, so that defaults and normal forms of values are no differences. The
//! live object's `managedFields` tell who wrote each of its values.

mod owners;
mod paths;

use serde_json::{Map, Value};

use crate::pattern::object::SERVER_METADATA;
use crate::wire::rest::plan::{FieldChange, Origin};
use owners::Owners;
use paths::Lists;

/// The two objects that are compared, and what the pattern says.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The object in the cluster.
    pub live: &'a Value,
    /// What it would be.
    pub desired: &'a Value,
    /// What the pattern wants to be in it.
    pub body: &'a Value,
}

/// Every field in which the live object and the desired one differ. `manager` is the pattern's own field manager.
///
/// Status and bookkeeping are left out; the data of Secrets is never shown.
pub fn fields(sides: Sides<'_>, manager: &str) -> Vec<FieldChange> {
    found(sides, manager).into_iter().map(|found| found.change).collect()
}

/// The fields that others changed or took away since `body` was applied.
pub fn drifted(sides: Sides<'_>, manager: &str) -> Vec<FieldChange> {
    let theirs = |found: &Found| found.given && found.change.origin != Origin::Pattern;
    found(sides, manager).into_iter().filter(theirs).map(|found| found.change).collect()
}

fn found(sides: Sides<'_>, manager: &str) -> Vec<Found> {
    let secret = sides.live["kind"] == "Secret" && sides.live["apiVersion"] == "v1";
    let lists = Lists::of([sides.live, sides.desired]);
    let mut diff =
        Diff { owners: Owners::of(sides.live, manager), lists, secret, steps: Vec::new(), found: Vec::new() };
    diff.visit(Some(sides.live), Some(sides.desired), Some(sides.body));
    diff.found
}

/// A difference, and whether the pattern gives the field a value.
struct Found {
    change: FieldChange,
    given: bool,
}

/// One step into an object, in the spelling of `managedFields`.
type Step = String;

struct Diff<'a> {
    owners: Owners<'a>,
    lists: Lists,
    secret: bool,
    steps: Vec<Step>,
    found: Vec<Found>,
}

impl Diff<'_> {
    fn visit(&mut self, live: Option<&Value>, desired: Option<&Value>, body: Option<&Value>) {
        if live == desired || (is_nothing(live) && is_nothing(desired)) {
            return;
        }
        match (live, desired) {
            (Some(Value::Object(live)), Some(Value::Object(desired))) => self.objects(live, desired, body),
            (Some(Value::Array(live)), Some(Value::Array(desired))) => self.arrays(live, desired, body),
            _ => self.tell(live, desired, body),
        }
    }

    fn objects(&mut self, live: &Map<String, Value>, desired: &Map<String, Value>, body: Option<&Value>) {
        let added = desired.keys().filter(|key| !live.contains_key(*key));
        for key in live.keys().chain(added) {
            if self.is_noise(key) {
                continue;
            }
            self.steps.push(format!("f:{key}"));
            self.visit(live.get(key), desired.get(key), body.and_then(|body| body.get(key)));
            self.steps.pop();
        }
    }

    fn is_noise(&self, key: &str) -> bool {
        match self.steps.as_slice() {
            [] => key == "status",
            [only] => only == "f:metadata" && SERVER_METADATA.contains(&key),
            _ => false,
        }
    }

    fn arrays(&mut self, live: &[Value], desired: &[Value], body: Option<&Value>) {
        let Some(keys) = self.lists.keys(&self.steps, live, desired) else {
            return self.positions(live, desired, body);
        };
        let step = |item: &Value| paths::item_step(item, &keys);
        let find = |items: &[Value], wanted: &str| items.iter().find(|item| step(item) == wanted).cloned();
        let body_items = body.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut seen: Vec<Step> = Vec::with_capacity(live.len());
        for item in live.iter().chain(desired) {
            let wanted = step(item);
            if seen.contains(&wanted) {
                continue;
            }
            let given = body_items.iter().find(|item| paths::is_step_of(item, &wanted));
            self.steps.push(wanted.clone());
            self.visit(find(live, &wanted).as_ref(), find(desired, &wanted).as_ref(), given);
            self.steps.pop();
            seen.push(wanted);
        }
        let order = |items: &[Value]| items.iter().map(step).collect::<Vec<_>>();
        let mut same = (order(live), order(desired));
        if same.0 != same.1 {
            same.0.sort();
            same.1.sort();
            if same.0 == same.1 {
                self.tell_order(&order(live), &order(desired));
            }
        }
    }

    /// The same items in another order.
    fn tell_order(&mut self, live: &[Step], desired: &[Step]) {
        let names = |steps: &[Step]| Value::from(steps.iter().map(|step| paths::shown(step)).collect::<Vec<_>>());
        let (live, desired) = (names(live), names(desired));
        let path = format!("{} (order)", paths::readable(&self.steps));
        self.push(FieldChange { path, live: Some(live), desired: Some(desired), ..blank(Origin::Pattern) }, false);
    }

    /// A list without identities: item by item where the lengths agree, else as a whole.
    fn positions(&mut self, live: &[Value], desired: &[Value], body: Option<&Value>) {
        if live.len() != desired.len() || live.iter().chain(desired).any(|item| !item.is_object()) {
            return self.tell(Some(&Value::from(live)), Some(&Value::from(desired)), body);
        }
        for (index, (live, desired)) in live.iter().zip(desired).enumerate() {
            self.steps.push(format!("i:{index}"));
            self.visit(Some(live), Some(desired), body.and_then(|body| body.get(index)));
            self.steps.pop();
        }
    }

    fn tell(&mut self, live: Option<&Value>, desired: Option<&Value>, body: Option<&Value>) {
        let owner = self.owners.of_path(&self.steps);
        let is_given = body.is_some_and(|body| !body.is_null());
        let mut change = match (live, desired) {
            (None, _) if is_given => blank(Origin::New),
            (_, None) if owner.own => blank(Origin::Removed),
            (Some(_), Some(_)) if is_given && owner.own => blank(Origin::Pattern),
            (Some(_), Some(_)) if is_given => match owner.other {
                Some((manager, time)) => FieldChange { manager: Some(manager), time, ..blank(Origin::Drift) },
                None => blank(Origin::Default),
            },
            _ => blank(Origin::Default),
        };
        change.path = paths::readable(&self.steps);
        change.live = live.cloned();
        change.desired = desired.cloned();
        self.push(change, is_given);
    }

    fn push(&mut self, mut change: FieldChange, given: bool) {
        let inside = |name: &str| self.steps.first().is_some_and(|step| step == name);
        // kubectl keeps a copy of the whole object in an annotation.
        let annotation = self.steps.get(1).is_some_and(|step| step == "f:annotations")
            && (self.steps.len() == 2 || self.steps.iter().any(|step| step.ends_with("last-applied-configuration")));
        if self.secret
            && (inside("f:data")
                || inside("f:stringData")
                || annotation
                || self.steps.len() < 2 && inside("f:metadata"))
        {
            change = FieldChange { live: None, desired: None, hidden: true, ..change };
        }
        self.found.push(Found { change, given });
    }
}

fn blank(origin: Origin) -> FieldChange {
    FieldChange { path: String::new(), live: None, desired: None, hidden: false, origin, manager: None, time: None }
}

/// Absent, null and empty containers are the same to the API server.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "resourceVersion": "1", "labels": {"a.b/c": "1"}, "managedFields": [
            {"manager": "meshery", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {
                "f:metadata": {"f:labels": {"f:a.b/c": {}}},
                "f:spec": {"f:paused": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}}},
            {"manager": "kubectl", "operation": "Update", "subresource": "scale", "time": "2026-02-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        ]}, "spec": {"paused": true, "replicas": 5, "strategy": {"type": "RollingUpdate"},
            "template": {"spec": {"containers": [{"name": "web", "image": "i:1", "imagePullPolicy": "Always"}, {"name": "side", "image": "x"}]}}},
        "status": {"replicas": 5}})
    }

    fn told(desired: impl Fn(&mut Value), body: &Value) -> Vec<String> {
        let live = live();
        let mut wanted = live.clone();
        wanted["metadata"]["resourceVersion"] = json!("2");
        wanted["status"]["replicas"] = json!(1);
        desired(&mut wanted);
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
        fields(Sides { live: &live, desired: &wanted, body }, "meshery")
            .iter()
            .map(|change| {
                let who =
                    change.manager.as_ref().map(|who| format!(" {who} {}", change.time.clone().unwrap_or_default()));
                format!(
                    "{}: {} -> {} {}{}",
                    change.path,
                    show(&change.live),
                    show(&change.desired),
                    change.origin.word(),
                    who.unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn each_difference_says_where_it_comes_from() {
        let body = json!({"spec": {"replicas": 2, "minReadySeconds": 3, "strategy": {"type": "Recreate"},
            "template": {"spec": {"containers": [{"name": "web", "image": "i:2"}]}}}});
        let changes = told(
            |wanted| {
                let spec = wanted["spec"].as_object_mut().unwrap();
                spec.shift_remove("paused");
                spec.insert("minReadySeconds".into(), json!(3));
                spec["replicas"] = json!(2);
                spec["strategy"]["type"] = json!("Recreate");
                let container = &mut spec["template"]["spec"]["containers"][0];
                container["image"] = json!("i:2");
                container["imagePullPolicy"] = json!("IfNotPresent");
            },
            &body,
        );
        assert_eq!(
            changes,
            [
                "spec.paused: true -> - removed",
                "spec.replicas: 5 -> 2 drift kubectl 2026-02-02T00:00:00Z",
                "spec.strategy.type: \"RollingUpdate\" -> \"Recreate\" default",
                "spec.template.spec.containers[name=web].image: \"i:1\" -> \"i:2\" pattern",
                "spec.template.spec.containers[name=web].imagePullPolicy: \"Always\" -> \"IfNotPresent\" default",
                "spec.minReadySeconds: - -> 3 new",
            ]
        );
    }

    #[test]
    fn noise_is_left_out_and_keys_with_dots_are_quoted() {
        assert_eq!(told(|_| (), &json!({})), Vec::<String>::new());
        let changes = told(
            |wanted| wanted["metadata"]["labels"]["a.b/c"] = json!("2"),
            &json!({"metadata": {"labels": {"a.b/c": "2"}}}),
        );
        assert_eq!(changes, ["metadata.labels[a.b/c]: \"1\" -> \"2\" pattern"]);
    }

    #[test]
    fn another_order_of_the_same_items_is_told() {
        let changes = told(
            |wanted| wanted["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse(),
            &json!({}),
        );
        assert_eq!(
            changes,
            [
                "spec.template.spec.containers (order): [\"name=web\",\"name=side\"] -> [\"name=side\",\"name=web\"] pattern"
            ]
        );
    }

    #[test]
    fn the_data_of_secrets_is_never_shown() {
        let secret = |data: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": data.to_string()}}, "data": data, "type": "Opaque"})
        };
        let (live, desired) = (secret(json!({"key": "c2VjcmV0", "x": "YQ=="})), secret(json!({"key": "b3RoZXI="})));
        let changes = fields(Sides { live: &live, desired: &desired, body: &desired }, "meshery");
        assert_eq!(changes.len(), 3);
        assert!(changes.iter().all(|change| change.hidden), "{changes:?}");
        let text = serde_json::to_string(&changes).unwrap();
        assert!(!text.contains("c2VjcmV0") && !text.contains("b3RoZXI"), "{text}");
        let bare = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
        let whole = fields(Sides { live: &bare, desired: &secret(json!({"k": "dg=="})), body: &desired }, "meshery");
        assert!(!serde_json::to_string(&whole).unwrap().contains("dg=="), "{whole:?}");
    }
}
