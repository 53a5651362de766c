//! `system manifest`: what it prints is what a start applies.

use serde_json::Value;

use super::world::{IMAGE, World};

/// Whether every field of `wanted` stands in `live` with the same value.
fn holds(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().all(|(key, value)| {
            live.get(key).map_or_else(|| value == "" || *value == Value::Array(Vec::new()), |live| holds(value, live))
        }),
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| holds(wanted, live))
        }
        (wanted, live) => wanted == live,
    }
}

fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version = text(&object["apiVersion"]);
    let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let plural = match object["kind"].as_str().unwrap() {
        "Ingress" => "ingresses".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{plural}/{}", text(&object["metadata"]["name"])),
        None => format!("{base}/{plural}/{}", text(&object["metadata"]["name"])),
    }
}

#[test]
fn what_is_printed_is_what_a_start_applies() {
    let world = World::new();
    let started = world.start(&["--broker", "--grant", "discovery,patterns,secrets,operator"]);
    assert_eq!(started.code, Some(0), "{started}");
    // What was chosen at the start is remembered: no flag is needed to print it.
    let printed = world.ctl(&["system", "manifest", "--with-token"]).ok();
    let documents = mesheryctl::base::yaml::read_kubernetes_stream(&printed.stdout).unwrap();
    assert!(documents.len() > 15, "{printed}");
    for object in &documents {
        let live = world.practice.get(&path(object));
        assert!(holds(object, &live), "{object:#}\nis not what is there\n{live:#}");
    }
    assert!(started.stderr.contains(&format!("{} applied", documents.len())), "the namespace counts too: {started}");
    let kinds: Vec<_> = documents.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    for kind in ["Role", "RoleBinding", "ClusterRole", "Secret", "PersistentVolumeClaim", "Deployment"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let list = world.ctl(&["system", "manifest", "--with-token", "-o", "json"]).ok().json();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().unwrap(), &documents);
}

#[test]
fn the_token_is_printed_only_when_asked_for() {
    let world = World::new();
    let printed = world.ctl(&["system", "manifest", "--image", IMAGE]).ok();
    assert!(printed.stdout.contains("<redacted>") && printed.stderr.contains("--with-token"), "{printed}");
    assert!(!printed.stdout.contains("MDEyMzQ1"), "{printed}");
}

#[test]
fn every_rule_has_its_reason() {
    let world = World::new();
    let rules = world.ctl(&["system", "manifest", "--show-rbac", "-o", "json"]).ok().json();
    let rules = rules.as_array().unwrap();
    assert!(rules.iter().all(|rule| !rule["reason"].as_str().unwrap().is_empty()));
    assert!(rules.iter().any(|rule| rule["feature"] == "istio"), "the context's adapter brings its mesh");
    assert!(!rules.iter().any(|rule| rule["resources"].to_string().contains("\"secrets\"")));
    let more = world.ctl(&["system", "manifest", "--show-rbac", "--grant", "secrets", "-o", "json"]).ok().json();
    assert!(more.to_string().contains("\"secrets\""));
    let table = world.ctl(&["system", "manifest", "--show-rbac"]).ok();
    assert!(table.stdout.contains("REASON") && table.stderr.contains("binds another role"), "{table}");
    let typo = world.ctl(&["system", "manifest", "--show-rbac", "--grant", "secret"]).run();
    assert_eq!(typo.code, Some(2), "{typo}");
    assert!(typo.stderr.contains("did you mean secrets?"), "{typo}");
}

#[test]
fn docker_gets_a_compose_file_and_a_local_plane_nothing() {
    let world = World::new();
    let printed = world.ctl(&["system", "manifest", "-p", "docker", "--image", IMAGE]).ok();
    let file = mesheryctl::base::yaml::read_kubernetes(&printed.stdout).unwrap();
    assert_eq!(file["services"]["meshery"]["image"], IMAGE);
    let local = world.ctl(&["system", "manifest", "-p", "local"]).run();
    assert_eq!(local.code, Some(2), "{local}");
    assert!(local.stderr.contains("platform-unsupported"), "{local}");
}
