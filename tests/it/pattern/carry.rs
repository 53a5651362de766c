//! Waiting, taking back, pruning, adopting, recreating, several contexts and protected ones.

use mesheryctl::sample::faults::{Effect, Matcher, Times};
use serde_json::Value;

use super::apply::{HELLO, actions, run, world};
use crate::support::ctl::Output;
use crate::support::env::Env;

/// HELLO whose Deployment never becomes ready.
fn stuck() -> String {
    HELLO.replace("  web:\n", "  web:\n    annotations: {practice.meshery.io/never-ready: \"true\"}\n").replace(
        "        metadata: {labels: {app: web}}\n",
        "        metadata: {labels: {app: web}, annotations: {practice.meshery.io/never-ready: \"true\"}}\n",
    )
}

fn apply(env: &Env, extra: &[&str]) -> Output {
    run(env, &[&["pattern", "apply", "-f", "hello.yaml", "-o", "json"], extra].concat())
}

fn result<'v>(operations: &'v Value, service: &str) -> &'v Value {
    let results = operations[0]["results"].as_array().unwrap();
    results.iter().find(|result| result["service"] == service).unwrap()
}

#[test]
fn wait_ends_when_everything_is_ready_and_says_so() {
    let (env, _practice) = world();
    let output = apply(&env, &["--wait", "--timeout", "30s"]);
    assert_eq!(output.code, Some(0), "{output}");
    let operations = output.json();
    for service in ["hello", "settings", "web"] {
        assert_eq!(result(&operations, service)["health"], "ready", "{output}");
    }
    let again = apply(&env, &["--wait"]);
    assert_eq!(actions(&again), ["hello unchanged", "settings unchanged", "web unchanged"], "{again}");
}

#[test]
fn a_wait_that_fails_names_the_object_and_what_keeps_it_and_ends_with_6() {
    let (env, _practice) = world();
    env.write("work/hello.yaml", stuck());
    let output = apply(&env, &["--wait", "--timeout", "1s"]);
    assert_eq!(output.code, Some(6), "{output}");
    let operations = output.json();
    let web = result(&operations, "web");
    assert_eq!((web["action"].as_str(), web["health"].as_str()), (Some("created"), Some("in-progress")), "{output}");
    let message = web["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Deployment hello/web was not ready in time: 0 of 1 replicas available; pod web-"));
    let error: Value = serde_json::from_str(output.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["code"], "wait-timeout");
    assert_eq!(error["message"], "1 of 3 objects not ready");
    assert!(error["details"][0].as_str().unwrap().contains("Deployment hello/web"), "{output}");
}

#[test]
fn what_depends_on_an_object_waits_until_it_is_ready() {
    let (env, _practice) = world();
    let after =
        "  after:\n    type: ConfigMap\n    namespace: hello\n    dependsOn: [web]\n    settings: {data: {a: b}}\n";
    env.write("work/hello.yaml", stuck() + after);
    let output = apply(&env, &["--wait", "--timeout", "1s"]);
    let operations = output.json();
    let after = result(&operations, "after");
    assert_eq!(
        (after["action"].as_str(), after["because"].as_str()),
        (Some("withheld"), Some("service `web` is not ready"))
    );
}

#[test]
fn atomic_takes_back_what_was_made_and_nothing_is_applied_then() {
    let (env, practice) = world();
    practice.cluster.faults().refuse(Matcher::any().verbs(&["patch"]).resource("deployments"), 403, "closed");
    let output = apply(&env, &["--atomic"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(actions(&output), ["hello rolled-back", "settings rolled-back", "web failed"]);
    assert!(output.stderr.contains("1 of 3 objects failed, 2 objects taken back"), "{output}");
    assert_eq!(practice.get("/api/v1/namespaces/hello")["code"], 404);
    let applied = run(&env, &["pattern", "list", "-o", "json"]).json();
    assert_eq!(applied[0]["applied"].as_array().map_or(0, Vec::len), 0, "{applied}");
}

#[test]
fn atomic_puts_the_revision_before_back() {
    let (env, practice) = world();
    assert_eq!(apply(&env, &[]).code, Some(0));
    let changed = HELLO.replace("greeting: hi", "greeting: bye")
        + "  bad:\n    type: Secret\n    namespace: hello\n    dependsOn: [settings]\n";
    env.write("work/hello.yaml", changed);
    practice.cluster.faults().refuse(Matcher::any().verbs(&["patch"]).resource("secrets"), 403, "closed");
    let output = apply(&env, &["--atomic"]);
    assert_eq!(output.code, Some(1), "{output}");
    let operations = output.json();
    assert_eq!(result(&operations, "settings")["action"], "rolled-back", "{output}");
    assert_eq!(result(&operations, "web")["action"], "unchanged", "{output}");
    assert_eq!(practice.get("/api/v1/namespaces/hello/configmaps/settings")["data"]["greeting"], "hi");
    let history = run(&env, &["pattern", "history", "hello", "-o", "jsonpath={[*].number} {[*].status}"]);
    assert_eq!(history.stdout.trim(), "1 succeeded", "what was taken back never was: {history}");
    let status = run(&env, &["pattern", "status", "hello"]);
    assert!(!status.stdout.contains("failed"), "things are as the revision before left them: {status}");
    let drift = run(&env, &["pattern", "drift", "hello", "--exit-code"]);
    assert_eq!(drift.code, Some(0), "{drift}");
}

#[test]
fn what_left_the_pattern_is_pruned_unless_it_says_keep() {
    let (env, practice) = world();
    apply(&env, &[]);
    let smaller = HELLO.split("  web:").next().unwrap().to_owned();
    env.write("work/hello.yaml", &smaller);
    let output = apply(&env, &[]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output), ["hello unchanged", "settings unchanged", "web pruned"]);
    assert_eq!(practice.get("/apis/apps/v1/namespaces/hello/deployments/web")["code"], 404);
    let kept = HELLO.replace("  web:\n", "  web:\n    annotations: {pattern.meshery.io/keep: \"true\"}\n");
    env.write("work/hello.yaml", kept);
    apply(&env, &[]);
    env.write("work/hello.yaml", &smaller);
    let output = apply(&env, &[]);
    assert_eq!(actions(&output)[2], "web skipped", "{output}");
    assert_eq!(practice.get("/apis/apps/v1/namespaces/hello/deployments/web")["kind"], "Deployment");
}

#[test]
fn nothing_is_pruned_while_something_else_failed() {
    let (env, practice) = world();
    apply(&env, &[]);
    let other = HELLO.split("  web:").next().unwrap().replace("greeting: hi", "greeting: bye");
    env.write("work/hello.yaml", other);
    practice.cluster.faults().refuse(Matcher::any().verbs(&["patch"]).resource("configmaps"), 403, "closed");
    let output = apply(&env, &[]);
    assert_eq!(output.code, Some(7), "{output}");
    assert!(output.stderr.contains("left in place until the rest is applied"), "{output}");
    assert_eq!(practice.get("/apis/apps/v1/namespaces/hello/deployments/web")["kind"], "Deployment");
}

#[test]
fn a_field_that_cannot_change_is_explained_and_recreate_is_the_remedy() {
    let (env, practice) = world();
    apply(&env, &[]);
    let before = practice.get("/apis/apps/v1/namespaces/hello/deployments/web")["metadata"]["uid"].clone();
    env.write("work/hello.yaml", HELLO.replace("app: web", "app: other"));
    let output = apply(&env, &[]);
    assert_eq!(output.code, Some(7), "{output}");
    let operations = output.json();
    let error = &result(&operations, "web")["error"];
    assert_eq!(error["code"], "object-immutable", "{output}");
    assert!(error["suggested_remediation"].as_str().unwrap().contains("--recreate"), "{error}");
    let output = apply(&env, &["--recreate"]);
    assert_eq!((output.code, actions(&output)[2].as_str()), (Some(0), "web recreated"), "{output}");
    assert_ne!(practice.get("/apis/apps/v1/namespaces/hello/deployments/web")["metadata"]["uid"], before);
}

#[test]
fn adopting_changes_no_content_and_makes_the_object_the_patterns_own() {
    let (env, practice) = world();
    practice.call("POST", "/api/v1/namespaces", "application/json", r#"{"metadata": {"name": "hello"}}"#);
    let foreign =
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"greeting": "moin"}}"#;
    practice.call("POST", "/api/v1/namespaces/hello/configmaps", "application/json", foreign);
    let output = run(&env, &["pattern", "adopt", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output), ["hello adopted", "settings adopted", "web skipped"]);
    let path = "/api/v1/namespaces/hello/configmaps/settings";
    assert_eq!(practice.get(path)["data"]["greeting"], "moin");
    let conflict = apply(&env, &[]);
    assert_eq!(conflict.code, Some(7), "{conflict}");
    assert_eq!(result(&conflict.json(), "settings")["error"]["code"], "object-conflict");
    assert_eq!(apply(&env, &["--force-conflicts"]).code, Some(0));
    assert_eq!(practice.get(path)["data"]["greeting"], "hi");
    let deleted = run(&env, &["pattern", "delete", "hello", "--yes", "-o", "json"]);
    assert_eq!(actions(&deleted), ["web deleted", "settings deleted", "hello deleted"], "{deleted}");
}

#[test]
fn one_dead_context_does_not_stop_the_other() {
    let (env, _practice) = world();
    let config = std::fs::read_to_string(env.path("kubeconfig")).unwrap();
    let dead = config.replace("practice", "dead").replace("http://127.0.0.1:", "http://127.0.0.1:1#");
    env.write("dead", dead);
    let both = format!("{}:{}", env.path("kubeconfig").display(), env.path("dead").display());
    let args = ["pattern", "apply", "-f", "hello.yaml", "-o", "json", "--kube-context", "practice,dead"];
    let output = env.ctl(args).var("KUBECONFIG", both).run();
    assert_eq!(output.code, Some(7), "{output}");
    assert_eq!(actions(&output), ["hello created", "settings created", "web created"]);
    let operations = output.json();
    assert_eq!(operations[0]["failures"][0]["context"], "dead", "{output}");
    assert_eq!(operations[0]["failures"][0]["error"]["code"], "cluster-unreachable", "{output}");
    assert!(output.stderr.contains("nothing begun in 1 context"), "{output}");
}

#[test]
fn a_protected_context_wants_consent() {
    let (env, _practice) = world();
    env.write("work/.meshery.yaml", "protected-contexts: ['prac*']\n");
    let output = apply(&env, &[]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("Context `practice` is protected. Apply there?"), "{output}");
    assert!(output.stderr.contains("--yes"), "{output}");
    assert_eq!(apply(&env, &["--yes"]).code, Some(0));
    let other = env.ctl(["pattern", "delete", "-f", "hello.yaml"]).var("KUBECONFIG", env.path("kubeconfig"));
    assert_eq!(other.var("MESHERY_PROTECTED_CONTEXTS", "prod").run().code, Some(0), "the variable stands for the file");
}

#[test]
fn a_slow_object_is_waited_for_by_the_throttled_and_the_patient() {
    let (env, practice) = world();
    let slow = std::time::Duration::from_millis(30);
    practice.cluster.faults().add(Matcher::any().verbs(&["get"]), Effect::Delay(slow), Times::Always);
    practice.cluster.faults().add(
        Matcher::any().verbs(&["get"]).resource("deployments"),
        Effect::Error,
        Times::Every(2),
    );
    let output = apply(&env, &["--wait", "--timeout", "30s"]);
    assert_eq!(output.code, Some(0), "{output}");
}
