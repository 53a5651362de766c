//! `perf tune` and `perf optimise`.

use std::time::Duration;

use super::target::Target;
use crate::support::cluster::Practice;
use crate::support::env::Env;

#[test]
fn a_service_that_holds_everything_has_no_limit_below_the_highest_rate() {
    let (env, target) = (Env::new(), Target::start());
    let args = [
        "perf",
        "tune",
        "--url",
        &target.url(),
        "--slo",
        "p50<30s",
        "errors<100%",
        "--start",
        "50",
        "--most",
        "100",
        "--step-duration",
        "1s",
        "--connections",
        "4",
        "-o",
        "json",
    ];
    let shown = env.ctl(args).ok();
    let report = shown.json();
    assert_eq!(
        (report["outcome"].as_str(), &report["highest_rate"]),
        (Some("limit-not-found"), &100.0.into()),
        "{shown}"
    );
    let rates: Vec<f64> = report["steps"].as_array().unwrap().iter().filter_map(|step| step["rate"].as_f64()).collect();
    assert_eq!(rates, [50.0, 100.0]);
    assert!(shown.stderr.contains("still holds"), "{shown}");
    let kept = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert!(kept.as_array().unwrap().len() >= 2, "each run is stored: {kept}");
}

#[test]
fn a_first_rate_that_fails_is_a_breach() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(30)));
    let args = [
        "perf",
        "tune",
        "--url",
        &target.url(),
        "--slo",
        "p50<5ms",
        "--start",
        "20",
        "--step-duration",
        "1s",
        "--connections",
        "4",
    ];
    let shown = env.ctl(args).run();
    assert_eq!(shown.code, Some(99), "{shown}");
    assert!(shown.stderr.contains("does not hold: begin lower"), "{shown}");
    assert!(shown.stdout.contains("fails"), "{shown}");
}

#[test]
fn a_target_that_does_not_answer_is_told_and_is_no_limit() {
    let env = Env::new();
    let args = ["perf", "tune", "--url", "http://127.0.0.1:1/", "--slo", "p50<5ms", "--step-duration", "1s"];
    let shown = env.ctl(args).run();
    assert_eq!(shown.code, Some(1), "{shown}");
    assert!(shown.stderr.contains("perf-failed") && shown.stderr.contains("refused"), "{shown}");
    assert!(!shown.stderr.contains("begin lower") && shown.stdout.is_empty(), "{shown}");
}

#[test]
fn the_limit_of_a_slow_service_is_found() {
    // One connection that answers after 20 ms holds no more than fifty requests a second.
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(20)));
    let args = [
        "perf",
        "tune",
        "--url",
        &target.url(),
        "--slo",
        "p50<100ms",
        "--connections",
        "1",
        "--start",
        "10",
        "--precision",
        "60%",
        "--step-duration",
        "2s",
        "--repeat-most",
        "2",
        "-o",
        "json",
    ];
    let report = env.ctl(args).ok().json();
    assert_eq!(report["outcome"], "found", "{report}");
    let (holds, fails) = (report["highest_rate"].as_f64().unwrap(), report["fails_at"].as_f64().unwrap());
    assert!(holds <= 51.0 && fails <= 80.0 && fails > holds, "{report}");
}

#[test]
fn what_makes_no_sense_in_a_search_is_refused() {
    let env = Env::new();
    for (flags, part) in [
        (&["--slo", "p99<1ms", "--rate", "5"][..], "--rate has no place"),
        (&["--slo", "p99<1ms", "--start", "0"], "cannot start at 0"),
        (&["--slo", "p99<1ms", "--precision", "0%"], "precision"),
        (&["--slo", "p99<1ms", "--step-duration", "5"], "unit is missing"),
        (&["--slo", "p99<1 parsec"], "parsec"),
    ] {
        let mut args = vec!["perf", "tune", "--url", "http://127.0.0.1:1/"];
        args.extend(flags);
        let refused = env.ctl(args).run();
        assert!(matches!(refused.code, Some(2 | 65)), "{part}: {refused}");
        assert!(refused.stderr.contains(part), "{part}: {refused}");
    }
}

const PATTERN: &str = "\
name: varied
services:
  room:
    type: Namespace.K8s
  settings:
    type: ConfigMap.K8s
    namespace: room
    dependsOn: [room]
    settings:
      data: {retries: \"7\"}
";

/// The setting of [`PATTERN`] with two values.
const RETRIES: &str = "services.settings.settings.data.retries=\"1\",\"2\"";

/// The verb that varies a setting of [`PATTERN`].
fn optimise<'a>(set: &'a str, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let verb = ["perf", "optimise", "-f", "varied.yaml", "--set", set, "--url", url];
    verb.iter().chain(more).copied().collect()
}

#[test]
fn each_value_is_applied_and_measured_and_the_file_is_put_back() {
    let (env, target) = (Env::new(), Target::start());
    env.write("work/varied.yaml", PATTERN);
    let practice = Practice::start(&env);
    let url = target.url();
    let args = optimise(RETRIES, &url, &["--requests", "20", "--repeat", "2", "-o", "json"]);
    let shown = env.ctl(args).var("KUBECONFIG", env.path("kubeconfig")).run();
    assert_eq!(shown.code, Some(0), "{shown}");
    let report = shown.json();
    assert_eq!((report["rows"].as_array().unwrap().len(), target.seen()), (2, 80), "{shown}");
    assert_eq!(report["rows"][0]["runs"], 2);
    let live = practice.get("/api/v1/namespaces/room/configmaps/settings");
    assert_eq!(live["data"]["retries"], "7", "{live}");
    let one = env.ctl(["perf", "optimise", "-f", "varied.yaml", "--set", "a=1", "--url", &target.url()]).run();
    assert_eq!(one.code, Some(2), "{one}");
    assert!(one.stderr.contains("at least two values"), "{one}");
}

#[test]
fn what_no_cluster_takes_is_refused_before_anything_is_applied() {
    let (env, target) = (Env::new(), Target::start());
    env.write("work/varied.yaml", PATTERN);
    let practice = Practice::start(&env);
    let url = target.url();
    for (set, flags, code) in [
        ("services.nosuch.settings.x=1,2", &[][..], "set"),
        (RETRIES, &["--kube-context", "nosuch"], "kube-context-not-found"),
        (RETRIES, &["--kubeconfig", "/nosuch/config"], "/nosuch/config"),
        (RETRIES, &["--workers", "2", "--connections", "1"], "cannot be shared by 2 workers"),
    ] {
        let args = optimise(set, &url, &["--requests", "5", "--yes"]);
        let refused = env.ctl(args.iter().chain(flags).copied()).var("KUBECONFIG", env.path("kubeconfig")).run();
        assert!(refused.code != Some(0) && refused.stderr.contains(code), "{refused}");
        assert!(!refused.stderr.contains("applied again") && !refused.stderr.contains("=1\n"), "{refused}");
    }
    assert_eq!(target.seen(), 0);
    let namespaces = practice.get("/api/v1/namespaces").to_string();
    assert!(!namespaces.contains("\"room\""), "{namespaces}");
}

#[test]
fn values_that_do_not_answer_are_no_best() {
    let env = Env::new();
    env.write("work/varied.yaml", PATTERN);
    let _practice = Practice::start(&env);
    let args = optimise(RETRIES, "http://127.0.0.1:1", &["--rate", "50", "--duration", "1s", "--repeat", "1"]);
    let shown = env.ctl(args).var("KUBECONFIG", env.path("kubeconfig")).run();
    assert_eq!(shown.code, Some(1), "{shown}");
    assert!(shown.stderr.contains("perf-failed") && shown.stderr.contains("refused"), "{shown}");
    assert!(!shown.stderr.contains("Best") && shown.stdout.is_empty(), "{shown}");
    assert!(shown.stderr.contains("applied again as the pattern says"), "{shown}");
}
