//! Health per service.

use mesheryctl::sample::faults::{Effect, Matcher, Times};

use super::apply::{HELLO, run, world};
use crate::support::cluster::Practice;
use crate::support::tty::{INTERRUPT, Piped};

/// HELLO whose Deployment never becomes ready.
fn stuck() -> String {
    let stuck = "annotations: {practice.meshery.io/never-ready: \"true\"}";
    HELLO
        .replace("  web:\n", &format!("  web:\n    {stuck}\n"))
        .replace("labels: {app: web}}\n        spec", &format!("labels: {{app: web}}, {stuck}}}\n        spec"))
}

#[test]
fn every_service_has_a_row_and_every_object_on_request() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml", "--wait"]);
    let output = run(&env, &["pattern", "status", "hello", "-o", "custom-columns=S:.service,H:.health"]);
    insta::assert_snapshot!(output, @r"
    exit: 0
    --- stdout
    S         H
    hello     ready
    settings  ready
    web       ready
    --- stderr
    ");
    let table = run(&env, &["pattern", "status", "hello"]);
    assert!(table.stdout.starts_with("SERVICE   HEALTH  READY  AGE  MESSAGE\n"), "{table}");
    assert!(table.stdout.contains("web       ready   1/1"), "{table}");
    for objects in [&["--objects"][..], &["-o", "wide"]] {
        let shown = run(&env, &[&["pattern", "status", "hello"][..], objects].concat());
        assert!(shown.stdout.contains("KIND") && shown.stdout.contains("Deployment"), "{shown}");
    }
    let json = run(&env, &["pattern", "status", "hello", "-o", "json"]).json();
    assert_eq!((json["objects"].as_array().unwrap().len(), json["services"].as_array().unwrap().len()), (3, 3));
}

#[test]
fn services_that_could_not_be_applied_are_told_with_the_reason() {
    let (env, practice) = world();
    let refuse = Effect::Refuse { code: 403, webhook: "guard.example.org".into(), message: "no maps today".into() };
    practice.cluster.faults().add(Matcher::any().writes().resource("configmaps"), refuse, Times::Always);
    assert_eq!(run(&env, &["pattern", "apply", "-f", "hello.yaml"]).code, Some(7));
    let status = run(&env, &["pattern", "status", "hello", "-o", "json"]);
    let services = status.json()["services"].as_array().unwrap().clone();
    let told: Vec<(&str, &str)> = services
        .iter()
        .map(|service| (service["service"].as_str().unwrap(), service["health"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("hello", "ready"), ("settings", "failed"), ("web", "not-applied")]);
    assert!(services[1]["message"].as_str().unwrap().contains("no maps today"), "{status}");
    let verdict = run(&env, &["pattern", "status", "hello", "--exit-code"]);
    assert_eq!(verdict.code, Some(1), "{verdict}");
}

#[test]
fn what_blocks_a_service_is_named() {
    let (env, _practice) = world();
    env.write("work/hello.yaml", stuck());
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let blocked = || run(&env, &["pattern", "status", "hello"]).stdout;
    assert!((0..50).any(|_| blocked().contains("0 of 1 replicas available; pod web-")), "{}", blocked());
}

#[test]
fn one_dead_context_does_not_hide_the_other() {
    let (env, _practice) = world();
    let other = Practice::start_as(&env, "other");
    let list = std::env::join_paths([env.path("kubeconfig"), env.path("renamed")]).unwrap();
    env.write("renamed", env.read("other").replace("practice", "staging"));
    let both = |args: &[&str]| env.ctl(args.iter().copied()).var("KUBECONFIG", list.clone()).run();
    let applied = both(&["pattern", "apply", "-f", "hello.yaml", "--kube-context", "practice,staging"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    drop(other);
    let status = both(&["pattern", "status", "hello", "-o", "json", "--timeout", "10s"]);
    assert_eq!(status.code, Some(7), "{status}");
    let value = status.json();
    assert_eq!(value["failures"][0]["context"], "staging", "{status}");
    let of = |context: &str| {
        let services = value["services"].as_array().unwrap().iter().filter(|row| row["context"] == context);
        services.map(|row| row["health"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("staging"), ["unknown", "unknown", "unknown"]);
    assert_eq!(of("practice").len(), 3);
}

#[test]
fn a_watch_ends_when_everything_is_ready_or_on_request() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let ended = run(&env, &["pattern", "status", "hello", "--watch", "--timeout", "30s"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("hello/web on practice: ready"), "{ended}");
    env.write("work/hello.yaml", stuck());
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let late = run(&env, &["pattern", "status", "hello", "--watch", "--timeout", "2s"]);
    assert_eq!(late.code, Some(6), "{late}");
    assert!(late.stdout.contains("in-progress"), "{late}");
    let screen = env
        .ctl(["pattern", "status", "hello", "-w"])
        .var("KUBECONFIG", env.path("kubeconfig"))
        .on_terminal(Piped::default(), &[("Ctrl-C ends", INTERRUPT)]);
    assert_eq!(screen.code, Some(130), "{}", screen.text);
    assert!(screen.text.rfind("\x1b[?25h") > screen.text.rfind("\x1b[?25l"), "{}", screen.text);
}
