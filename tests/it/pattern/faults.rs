//! Clusters that refuse, throttle, break and vanish: apply completes or reports exactly.

use std::time::Duration;

use mesheryctl::sample::faults::{Effect, Matcher, Times};

use super::apply::{actions, run, world};

fn refuse(message: &str) -> Effect {
    Effect::Refuse { code: 403, webhook: "guard.example.org".into(), message: message.into() }
}

#[test]
fn a_refused_object_withholds_what_depends_on_it_and_the_exit_code_is_7() {
    let (env, practice) = world();
    practice.cluster.faults().add(
        Matcher::any().verbs(&["patch"]).resource("configmaps"),
        refuse("no greetings"),
        Times::Always,
    );
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(7), "{output}");
    assert_eq!(actions(&output), ["hello created", "settings failed", "web withheld"]);
    let result = &output.json()[0]["results"][1];
    assert_eq!(result["error"]["code"], "object-refused");
    assert!(result["error"]["probable_cause"].as_str().unwrap().contains("no greetings"), "{result}");
    assert_eq!(result["error"]["place"]["line"], 5);
    let error = output.stderr.lines().last().unwrap();
    let error: serde_json::Value = serde_json::from_str(error).unwrap();
    assert_eq!((error["code"].as_str(), error["exit_code"].as_u64()), (Some("objects-partly-failed"), Some(7)));
    practice.cluster.faults().clear();
    let again = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(actions(&again), ["hello unchanged", "settings created", "web created"], "{again}");
}

#[test]
fn nothing_applied_at_all_is_a_failure_not_a_part() {
    let (env, practice) = world();
    practice.cluster.faults().add(Matcher::any().writes(), refuse("closed"), Times::Always);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(actions(&output), ["hello failed", "settings withheld", "web withheld"]);
}

#[test]
fn throttled_and_broken_calls_are_made_again() {
    let (env, practice) = world();
    practice.cluster.faults().add(Matcher::any().writes(), Effect::Throttle { retry_after: 1 }, Times::Next(1));
    practice.cluster.faults().add(Matcher::any().writes(), Effect::Hangup, Times::Every(3));
    practice.cluster.faults().add(Matcher::any().verbs(&["get"]), Effect::Error, Times::Every(4));
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output).len(), 3);
}

#[test]
fn an_expired_token_is_an_authentication_error() {
    let (env, practice) = world();
    practice.cluster.faults().add(Matcher::any(), Effect::Expire, Times::Always);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(4), "{output}");
    assert!(output.stderr.contains("refused the credentials"), "{output}");
}

#[test]
fn a_missing_permission_is_told_in_the_clusters_own_words() {
    let (env, practice) = world();
    practice.cluster.faults().add(
        Matcher::any().verbs(&["patch"]).resource("deployments"),
        Effect::Forbid,
        Times::Always,
    );
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(7), "{output}");
    assert!(output.stderr.contains("cannot patch resource \"deployments\""), "{output}");
}

#[test]
fn a_conflict_names_the_field_its_manager_and_the_way_out() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let path = "/apis/apps/v1/namespaces/hello/deployments/web?fieldManager=other&force=true";
    let body = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":3}}"#;
    practice.call("PATCH", path, "application/apply-patch+yaml", body);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(7), "{output}");
    for part in
        ["hello.yaml:10:3: Deployment hello/web", ".spec.replicas: conflict with \"other\"", "--force-conflicts"]
    {
        assert!(output.stderr.contains(part), "{part}: {output}");
    }
    let forced = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--force-conflicts"]);
    assert_eq!(forced.code, Some(0), "{forced}");
}

#[test]
fn a_dead_cluster_is_unreachable_and_is_named() {
    let (env, _practice) = world();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = env
        .read("kubeconfig")
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("server:") {
                format!("    server: http://{dead}")
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    env.write("kubeconfig", config);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(3), "{output}");
    assert!(output.stderr.contains("cluster `practice` at http://127.0.0.1"), "{output}");
}

#[test]
fn row_63_a_slow_cluster_ends_with_the_time_limit() {
    let (env, practice) = world();
    practice.cluster.faults().add(
        Matcher::any().verbs(&["patch"]).resource("configmaps"),
        Effect::Delay(Duration::from_secs(30)),
        Times::Always,
    );
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--timeout", "2s", "-o", "json"]);
    assert_eq!(output.code, Some(6), "{output}");
    let error: serde_json::Value = serde_json::from_str(output.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["code"], "wait-timeout");
}

#[test]
fn a_context_that_does_not_exist_is_named_with_the_nearest() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--kube-context", "practise"]);
    assert_eq!(output.code, Some(5), "{output}");
    assert!(output.stderr.contains("did you mean practice?"), "{output}");
}

#[test]
fn without_any_cluster_the_error_shows_the_practice_cluster() {
    let (env, _practice) = world();
    let output = env.ctl(["pattern", "apply", "-f", "hello.yaml"]).run();
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("mesheryctl sample start"), "{output}");
}
