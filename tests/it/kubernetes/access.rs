//! What users may do, and how their lack of it is told.

use mesheryctl::sample::faults::Matcher;

use super::world::World;

#[test]
fn what_rbac_would_refuse_is_told_before_anything_is_written() {
    let world = World::new();
    let faults = world.practice.cluster.faults();
    faults.forbid(Matcher::any().verbs(&["create"]).resource("clusterroles"));
    faults.forbid(Matcher::any().verbs(&["patch"]).resource("deployments").namespace("meshery"));
    let refused = world.start(&["-o", "json", "--quiet"]);
    assert_eq!(refused.code, Some(4), "{refused}");
    let error = refused.error_json();
    assert_eq!(error["code"], "cluster-forbidden", "{error}");
    let details = error["details"].to_string();
    assert!(details.contains("create clusterroles.rbac.authorization.k8s.io in the whole cluster"), "{details}");
    assert!(details.contains("patch deployments.apps in namespace meshery"), "{details}");
    let remedy = error["suggested_remediation"].as_str().unwrap();
    assert!(remedy.contains("administrator") && remedy.contains("system manifest"), "{remedy}");
    assert!(error["message"].as_str().unwrap().contains("practice"), "the user is named: {error}");
    assert!(world.marked().is_empty());
}

#[test]
fn who_may_not_escalate_needs_what_the_plane_would_get() {
    let world = World::new();
    let faults = world.practice.cluster.faults();
    faults.forbid(Matcher::any().verbs(&["escalate"]));
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0), "this user has every permission by itself");
    assert_eq!(world.reset().code, Some(0));
    faults.forbid(Matcher::any().verbs(&["delete"]).resource("virtualservices"));
    let refused = world.start(&[]);
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(
        refused.stderr.contains("delete virtualservices.networking.istio.io in the whole cluster"),
        "the adapter of Istio brings it: {refused}"
    );
}

#[test]
fn a_stop_that_is_not_permitted_changes_nothing() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let before = world.marked();
    world.practice.cluster.faults().forbid(Matcher::any().verbs(&["delete"]).resource("services"));
    let refused = world.ctl(&["system", "stop"]).run();
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(refused.stderr.contains("delete services in namespace meshery"), "{refused}");
    assert_eq!(world.marked(), before);
}

#[test]
fn checks_tell_of_access_version_storage_and_components() {
    let world = World::new();
    let check = |args: &[&str]| {
        let run = world.ctl(&[&["system", "check", "-o", "json"], args].concat()).run();
        let list = run.json();

        move |id: &str| {
            let found = list.as_array().unwrap().iter().find(|one| one["id"] == id).cloned();
            found.unwrap_or_else(|| panic!("{id} in {list}"))
        }
    };
    let before = check(&["--preflight"]);
    for id in ["cluster", "version", "namespace", "access", "storage", "leftovers"] {
        assert_eq!(before(&format!("kubernetes/{id}"))["result"], "pass", "{}", before(&format!("kubernetes/{id}")));
    }
    assert_eq!(check(&[])("kubernetes/components")["result"], "fail");
    assert_eq!(world.start(&[]).code, Some(0));
    assert_eq!(check(&[])("kubernetes/components")["result"], "pass");
    assert!(check(&[])("kubernetes/namespace")["message"].as_str().unwrap().contains("this context's plane"));

    world.practice.cluster.faults().forbid(Matcher::any().verbs(&["patch"]).resource("secrets"));
    let refused = check(&[])("kubernetes/access");
    assert_eq!(refused["result"], "fail");
    assert!(refused["cause"].as_str().unwrap().contains("patch secrets in namespace meshery"), "{refused}");
}

#[test]
fn what_may_not_be_looked_at_is_never_told_as_not_there() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let faults = world.practice.cluster.faults();
    faults.forbid(Matcher::any().verbs(&["list"]).resource("deployments"));
    faults.forbid(Matcher::any().verbs(&["list"]).resource("clusterroles"));
    faults.forbid(Matcher::any().verbs(&["get"]).resource("namespaces"));
    std::fs::remove_file(world.env.path("home/.meshery/config.yaml")).unwrap();
    world.env.write(
        "home/.meshery/config.yaml",
        "contexts:\n  team: {platform: kubernetes, endpoint: 'http://localhost:9'}\ncurrent-context: team\n",
    );
    let logs = world.ctl(&["system", "logs"]).run();
    assert_eq!(logs.code, Some(4), "{logs}");
    assert!(logs.stderr.contains("list deployments in namespace meshery"), "{logs}");
    let checks = world.ctl(&["system", "check", "-o", "json"]).run().json();
    let result = |id: &str| checks.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["result"].clone();
    assert_eq!((result("kubernetes/leftovers"), result("kubernetes/components")), ("warn".into(), "fail".into()));
    let started = world.start(&[]);
    assert_eq!(started.code, Some(4), "{started}");
    assert!(started.stderr.contains("get namespaces in the whole cluster"), "the right is named: {started}");
}
