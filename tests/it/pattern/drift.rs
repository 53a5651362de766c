//! What others changed since a pattern was applied.

use serde_json::Value;

use super::apply::{HELLO, run, world};
use super::plan::scale;
use crate::support::env::Env;

fn ages(test: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+s ago", "AGE ago");
    settings.bind(test);
}

fn states(env: &Env) -> Vec<String> {
    let found = run(env, &["pattern", "drift", "hello", "-o", "json"]).json();
    let objects = found[0]["contexts"][0]["objects"].as_array().unwrap().clone();
    objects.iter().map(|object| object["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_stands_as_it_was_applied_has_no_drift() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    insta::assert_snapshot!(run(&env, &["pattern", "drift", "hello", "--exit-code"]), @r"
    exit: 0
    --- stdout
    hello on practice
    Drift: 0 drifted, 0 missing, 0 replaced, 3 as applied.
    --- stderr
    ");
    // The file on disk is not what was applied.
    env.write("work/hello.yaml", HELLO.replace("greeting: hi", "greeting: hello"));
    assert_eq!(states(&env), ["same", "same", "same"]);
}

#[test]
fn who_changed_which_field_is_told_and_what_is_gone_is_missing() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    scale(&practice, 4);
    practice.call("DELETE", "/api/v1/namespaces/hello/configmaps/settings", "application/json", "");
    ages(|| {
        insta::assert_snapshot!(run(&env, &["pattern", "drift", "hello", "--exit-code"]), @r"
    exit: 1
    --- stdout
    hello on practice
      - missing ConfigMap hello/settings
      ~ drifted Deployment hello/web
          spec.replicas: 1 -> 4  (drift: kubectl, AGE ago)
    Drift: 1 drifted, 1 missing, 0 replaced, 1 as applied.
    --- stderr
    ");
    });
    let calm = run(&env, &["pattern", "drift", "hello", "-o", "json"]);
    assert_eq!(calm.code, Some(0), "without --exit-code drift is no failure: {calm}");
    let field = &calm.json()[0]["contexts"][0]["objects"][2]["fields"][0];
    assert_eq!((&field["manager"], &field["live"], &field["desired"]), (&"kubectl".into(), &4.into(), &1.into()));
    assert!(field["time"].is_string(), "{field}");

    let body = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"settings\"}}";
    practice.call("POST", "/api/v1/namespaces/hello/configmaps", "application/json", body);
    assert_eq!(states(&env), ["same", "replaced", "drifted"]);
    run(&env, &["pattern", "apply", "-f", "hello.yaml", "--force-conflicts"]);
    assert_eq!(states(&env), ["same", "same", "same"], "an apply heals it");
}

#[test]
fn what_others_add_is_theirs_and_what_they_take_away_is_drift() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let path = "/api/v1/namespaces/hello/configmaps/settings?fieldManager=kubectl-edit";
    let merge = "application/merge-patch+json";
    practice.call(
        "PATCH",
        path,
        merge,
        "{\"data\": {\"other\": \"x\"}, \"metadata\": {\"labels\": {\"team\": \"a\"}}}",
    );
    assert_eq!(states(&env), ["same", "same", "same"]);
    practice.call("PATCH", path, merge, "{\"data\": {\"greeting\": null}}");
    let output = run(&env, &["pattern", "drift", "hello"]);
    assert!(output.stdout.contains("data.greeting: \"hi\" -> (none)  (removed)"), "{output}");
}

#[test]
fn a_pattern_that_is_not_applied_has_nothing_to_compare() {
    let (env, _practice) = world();
    let unknown = run(&env, &["pattern", "drift", "nobody"]);
    assert_eq!(unknown.code, Some(5), "{unknown}");
}

#[test]
fn a_watch_tells_each_drift_once() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    scale(&practice, 4);
    let args =
        ["pattern", "drift", "hello", "--watch", "--interval", "1", "--timeout", "3s", "-o", "jsonl", "--exit-code"];
    let output = run(&env, &args);
    assert_eq!(output.code, Some(1), "{output}");
    let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{output}");
    assert_eq!((&lines[0]["pattern"], &lines[0]["context"]), (&"hello".into(), &"practice".into()));
    assert_eq!(lines[0]["fields"][0]["path"], "spec.replicas");
}
