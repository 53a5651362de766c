//! What `is_noop_apply` calls unchanged, a real apply leaves exactly as it is.

use http::Method;
use mesheryctl::cluster::unchanged::is_noop_apply;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};
use serde_json::{Map, Value, json};

use super::both;
use super::far::{APPLY, Far, MERGE};

both!(pod_templates, services_and_policies, custom_resources);

/// A sequence of writes, each of one of the case's bodies.
#[derive(Debug, Clone, Copy)]
enum Write {
    Own(usize),
    Other(usize),
    Merge(usize),
}

const BODIES: usize = 4;

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let one = prop_oneof![
        3 => (0..BODIES).prop_map(Write::Own),
        1 => (0..BODIES).prop_map(Write::Other),
        1 => (0..BODIES).prop_map(Write::Merge),
    ];
    proptest::collection::vec(one, 2..7)
}

/// An object with some of these fields.
fn some(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let all: Vec<_> = fields
        .into_iter()
        .map(|(key, value)| proptest::option::weighted(0.6, value).prop_map(move |value| (key, value)))
        .collect();
    all.prop_map(|fields| {
        let set = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(set.collect::<Map<_, _>>())
    })
    .boxed()
}

fn one_of(values: &[Value]) -> BoxedStrategy<Value> {
    proptest::sample::select(values.to_vec()).boxed()
}

/// Mostly one of the first values, now and then one of those that servers rewrite or that own nothing.
fn rarely(values: &[Value], odd: &[Value]) -> BoxedStrategy<Value> {
    prop_oneof![24 => one_of(values), 1 => one_of(odd)].boxed()
}

/// Some of the items, in any order.
fn list(items: Vec<BoxedStrategy<Value>>) -> BoxedStrategy<Value> {
    let keep = prop_oneof![24 => 1usize..4, 1 => Just(0)];
    (items, any::<u64>(), keep)
        .prop_map(|(mut items, turn, keep)| {
            for at in 0..items.len() {
                let other = usize::try_from(turn >> (at * 7)).unwrap_or_default() % items.len();
                items.swap(at, other);
            }
            items.truncate(keep);
            Value::Array(items)
        })
        .boxed()
}

fn labels() -> BoxedStrategy<Value> {
    let mixed = some(vec![("a", one_of(&[json!("1"), json!("2")])), ("b", one_of(&[json!("1")]))]);
    let mixed = mixed.prop_map(|value| if value == json!({}) { json!({"c": "1"}) } else { value });
    prop_oneof![24 => mixed, 1 => Just(Value::Null), 1 => Just(json!({}))].boxed()
}

fn with(mut value: Value, key: &str, inner: Value) -> Value {
    value[key] = inner;
    value
}

fn container(name: &'static str) -> BoxedStrategy<Value> {
    let secret = json!({"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}});
    let fields = some(vec![
        ("args", rarely(&[json!(["x"]), json!(["x", "y"])], &[json!([]), Value::Null])),
        (
            "env",
            list(vec![
                one_of(&[json!({"name": "A", "value": "1"}), json!({"name": "A", "value": "2"})]),
                one_of(&[secret]),
            ]),
        ),
        (
            "ports",
            list(vec![
                one_of(&[json!({"containerPort": 80}), json!({"containerPort": 80, "protocol": "TCP"})]),
                one_of(&[json!({"containerPort": 80, "protocol": "UDP"})]),
                one_of(&[json!({"containerPort": 81, "name": "x"})]),
            ]),
        ),
        (
            "resources",
            rarely(
                &[json!({}), json!({"limits": {"cpu": "1"}})],
                &[json!({"limits": {"cpu": "1000m"}, "requests": {"cpu": "1"}})],
            ),
        ),
        ("securityContext", rarely(&[json!({"runAsUser": 5})], &[json!({})])),
    ]);
    (fields, one_of(&[json!("i:1"), json!("i:2")]))
        .prop_map(move |(fields, image)| with(with(fields, "name", json!(name)), "image", image))
        .boxed()
}

fn pod_template() -> BoxedStrategy<Value> {
    let spec = some(vec![
        ("nodeSelector", rarely(&[json!({"a": "b"}), json!({"a": "c"})], &[json!({})])),
        ("tolerations", rarely(&[json!([{"key": "x"}]), json!([{"key": "y"}])], &[json!([])])),
        (
            "volumes",
            list(vec![one_of(&[
                json!({"name": "v", "emptyDir": {}}),
                json!({"name": "v", "configMap": {"name": "c"}}),
            ])]),
        ),
        ("securityContext", one_of(&[json!({}), json!({"runAsUser": 1})])),
        ("imagePullSecrets", list(vec![one_of(&[json!({"name": "p"})]), one_of(&[json!({"name": "q"})])])),
    ]);
    (labels(), labels(), spec, container("one"), proptest::option::of(container("two")), any::<bool>())
        .prop_map(|(outer, inner, spec, one, two, turned)| {
            let mut containers: Vec<Value> = [Some(one), two].into_iter().flatten().collect();
            if turned {
                containers.reverse();
            }
            json!({"metadata": {"labels": outer}, "template": {"metadata": {"labels": inner},
                "spec": with(spec, "containers", json!(containers))}})
        })
        .boxed()
}

fn service() -> BoxedStrategy<Value> {
    let ports = list(vec![
        one_of(&[json!({"port": 80, "name": "a"}), json!({"port": 80, "name": "a", "targetPort": 8080})]),
        one_of(&[json!({"port": 81, "name": "b", "protocol": "TCP"})]),
    ]);
    let spec = some(vec![
        ("ports", ports),
        ("selector", rarely(&[json!({"a": "b"}), json!({"a": "b", "c": "d"})], &[json!({})])),
        ("publishNotReadyAddresses", rarely(&[json!(true)], &[json!(false)])),
    ]);
    (labels(), spec).prop_map(|(labels, spec)| json!({"metadata": {"annotations": labels}, "spec": spec})).boxed()
}

fn policy() -> BoxedStrategy<Value> {
    let selector =
        one_of(&[json!({}), json!({"matchLabels": {"a": "b"}}), json!({"matchLabels": {"a": "b", "c": "d"}})]);
    let spec = some(vec![
        ("ingress", rarely(&[json!([{}]), json!([{"from": [{"podSelector": {}}]}])], &[json!([])])),
        ("policyTypes", one_of(&[json!(["Ingress"]), json!(["Ingress", "Egress"])])),
    ]);
    (labels(), spec, selector)
        .prop_map(|(labels, spec, selector)| json!({"metadata": {"labels": labels}, "spec": with(spec, "podSelector", selector)}))
        .boxed()
}

fn thing() -> BoxedStrategy<Value> {
    let values = [json!({"a": 1}), json!({"a": 2}), json!({"b": "x"}), json!({"a": 1, "b": "x"})];
    let small = || rarely(&values, &[json!({}), Value::Null]);
    let spec = some(vec![
        ("map", small()),
        ("whole", small()),
        ("any", rarely(&[json!({"x": {"y": [1, {"z": 2}]}}), json!({"x": {}}), json!({"x": [1]})], &[json!({})])),
        (
            "items",
            list(vec![
                one_of(&[
                    json!({"name": "a"}),
                    json!({"name": "a", "port": 80}),
                    json!({"name": "a", "deep": {"x": 1}}),
                ]),
                one_of(&[json!({"name": "b", "port": 81})]),
            ]),
        ),
        ("set", list(vec![one_of(&[json!("x")]), one_of(&[json!("y")]), one_of(&[json!("<z>&")])])),
        ("plain", rarely(&[json!(["x"]), json!([{"a": 1}]), json!([{"a": 2}])], &[json!([])])),
        ("number", one_of(&[json!(1), json!(1.5)])),
        ("size", rarely(&[json!(1), json!(3)], &[Value::Null])),
    ]);
    (labels(), spec).prop_map(|(labels, spec)| json!({"metadata": {"labels": labels}, "spec": spec})).boxed()
}

fn definition(group: &str) -> Value {
    let free = || json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let numbers = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}});
    let spec = json!({"type": "object", "properties": {
        "map": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": true}, "nullable": true},
        "whole": with(numbers, "x-kubernetes-map-type", json!("atomic")),
        "any": free(),
        "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"], "items": {
            "type": "object", "required": ["name"],
            "properties": {"name": {"type": "string"}, "port": {"type": "integer", "default": 80}, "deep": free()}}},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "plain": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}},
        "number": {"type": "number"},
        "size": {"type": "integer", "default": 3}
    }});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"}, "versions": [
            {"name": "v1", "served": true, "storage": true,
             "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}}]}})
}

/// How many bodies that were just applied were called unchanged, and how many applies there were.
#[derive(Default)]
struct Tally {
    known: usize,
    applied: usize,
}

/// Bodies of one object, and the writes that are made of them.
type Case = (Vec<Value>, Vec<Write>);

fn cases(body: BoxedStrategy<Value>, count: usize) -> Vec<Case> {
    let config = Config { rng_algorithm: RngAlgorithm::ChaCha, rng_seed: RngSeed::Fixed(7), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let case = (proptest::collection::vec(body, BODIES), writes());
    (0..count).map(|_| case.new_tree(&mut runner).unwrap().current()).collect()
}

fn count(far: &Far) -> usize {
    if far.cluster.is_some() { 60 } else { 25 }
}

/// Makes random writes on fresh objects; after each, no body that is called unchanged may change anything.
async fn check(far: &Far, plural: &str, (api_version, kind): (&str, &str), cases: Vec<Case>) {
    let root = if api_version == "v1" { "api/v1".to_owned() } else { format!("apis/{api_version}") };
    let mut tally = Tally::default();
    for (index, (mut bodies, writes)) in cases.into_iter().enumerate() {
        let name = format!("case-{index}");
        for body in &mut bodies {
            body["apiVersion"] = json!(api_version);
            body["kind"] = json!(kind);
            body["metadata"]["name"] = json!(name);
        }
        let path = far.path(&root, &format!("{plural}/{name}"));
        for write in &writes {
            step(far, &path, &bodies, *write, &mut tally).await;
        }
    }
    assert!(tally.applied > 20 && tally.known * 5 > tally.applied, "{} of {} known", tally.known, tally.applied);
}

async fn step(far: &Far, path: &str, bodies: &[Value], write: Write, tally: &mut Tally) {
    let send = async |manager: &str, media: &str, body: &Value| {
        let force = if media == APPLY { "&force=true" } else { "" };
        far.call(Method::PATCH, &format!("{path}?fieldManager={manager}{force}"), media, body.to_string().into()).await
    };
    let (answer, own) = match write {
        Write::Own(index) => (send("meshery", APPLY, &bodies[index]).await, Some(index)),
        Write::Other(index) => (send("other", APPLY, &bodies[index]).await, None),
        Write::Merge(index) => (send("kubectl", MERGE, &bodies[index]).await, None),
    };
    let written = (200..300).contains(&answer.code);
    let live = far.get(path).await;
    if live.code != 200 {
        return;
    }
    for (index, body) in bodies.iter().enumerate() {
        let noop = is_noop_apply(body, &live.body, "meshery");
        if written && own == Some(index) {
            tally.applied += 1;
            tally.known += usize::from(noop);
        }
        if noop {
            let after = send("meshery", APPLY, body).await.ok();
            assert_eq!(after, live.body, "{body:#} was called unchanged over {:#}", live.body);
        }
    }
}

async fn pod_templates(far: Far) {
    check(&far, "podtemplates", ("v1", "PodTemplate"), cases(pod_template(), count(&far))).await;
}

async fn services_and_policies(far: Far) {
    check(&far, "services", ("v1", "Service"), cases(service(), count(&far))).await;
    let kind = ("networking.k8s.io/v1", "NetworkPolicy");
    check(&far, "networkpolicies", kind, cases(policy(), count(&far))).await;
}

async fn custom_resources(far: Far) {
    let group = format!("{}.example.org", far.namespace);
    far.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition(&group)).await.ok();
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}");
    far.until(&path, |answer| answer.body["status"]["conditions"].to_string().contains("Established")).await;
    let api_version = format!("{group}/v1");
    far.until(&far.path(&format!("apis/{api_version}"), "things"), |answer| answer.code == 200).await;
    check(&far, "things", (&api_version, "Thing"), cases(thing(), count(&far))).await;
    far.delete(&path).await;
}
