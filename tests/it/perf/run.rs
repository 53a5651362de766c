//! `perf run`.

use std::process::Stdio;
use std::time::Duration;

use super::target::Target;
use crate::support::env::Env;
use crate::support::tty::{INTERRUPT, Piped};

#[test]
fn a_run_sends_what_was_asked_and_shows_and_keeps_its_result() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "20", "--name", "shop", "-o", "json"];
    let shown = env.ctl(args).ok();
    let result = shown.json();
    assert_eq!((&result["requests"]["sent"], &result["requests"]["succeeded"]), (&20.into(), &20.into()), "{shown}");
    assert_eq!((result["name"].as_str(), result["ended_by"].as_str()), (Some("shop"), Some("requests")));
    assert_eq!(target.seen(), 20);
    assert!(shown.stderr.contains("targets") && shown.stderr.contains("(--url)"), "the plan is told first: {shown}");
    let kept = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert_eq!((&kept[0]["id"], &kept[0]["summary"]["sent"]), (&result["id"], &20.into()));
    assert_eq!(kept[0]["state"], "complete");
}

#[test]
fn old_spellings_mean_the_same() {
    let (env, target) = (Env::new(), Target::start());
    let args = [
        "perf",
        "apply",
        "old",
        "--url",
        &target.url(),
        "--qps",
        "0",
        "--concurrent-requests",
        "2",
        "--duration",
        "300ms",
        "--load-generator",
        "native",
        "--mesh",
        "istio",
        "--yes",
        "-o",
        "json",
    ];
    let shown = env.ctl(args).ok();
    let result = shown.json();
    assert_eq!((&result["plan"]["connections"], &result["plan"]["mesh"]), (&2.into(), &"ISTIO".into()), "{shown}");
    assert!(shown.stderr.contains("profile old created"), "{shown}");
    assert_eq!(env.ctl(["perf", "profile", "view", "old", "-o", "json"]).ok().json()["total_results"], 1);
}

#[test]
fn a_profile_is_replaced_only_by_whoever_says_so() {
    let (env, target) = (Env::new(), Target::start());
    let kept =
        ["perf", "profile", "create", "shop", "--url", &target.url(), "--requests", "5", "--threshold", "p50<9s"];
    env.ctl(kept).ok();
    let url = target.url();
    let run = ["perf", "run", "--url", &url, "--requests", "7", "--save-profile", "shop"];
    let refused = env.ctl(run).run();
    assert!(refused.code == Some(2) && refused.stderr.contains("There is a profile `shop`"), "{refused}");
    assert_eq!(target.seen(), 0, "nothing is sent");
    let view = || env.ctl(["perf", "profile", "view", "shop", "-o", "json"]).ok().json();
    assert_eq!((&view()["plan"]["requests"], &view()["thresholds"][0]), (&5.into(), &"p50<9s".into()));
    env.ctl([&run[..], &["--yes"]].concat()).ok();
    assert_eq!(view()["plan"]["requests"], 7);
}

#[test]
fn a_profile_is_meant_by_its_whole_name() {
    let (env, target) = (Env::new(), Target::start());
    env.ctl(["perf", "profile", "create", "test-2", "--url", &target.url(), "--requests", "5"]).ok();
    let missing = env.ctl(["perf", "run", "test"]).run();
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("test-2"), "a near name is told: {missing}");
    assert_eq!(target.seen(), 0);
    let asked = env.ctl(["perf", "run", "test", "--url", &target.url()]).run();
    assert_eq!(asked.code, Some(2), "off a terminal nobody can say yes: {asked}");
    assert!(asked.stderr.contains("--yes"), "{asked}");
}

#[test]
fn flags_stand_over_the_profile_and_a_dry_run_sends_nothing() {
    let (env, target) = (Env::new(), Target::start());
    let create = ["perf", "profile", "create", "p", "--url", &target.url(), "--rate", "100", "--duration", "5s"];
    env.ctl(create).ok();
    let args = ["perf", "run", "p", "--duration", "90s", "--dry-run", "-o", "json"];
    let planned = env.ctl(args).ok().json();
    let origin = |name: &str| {
        let values = planned[0]["values"].as_array().unwrap();
        values.iter().find(|value| value["name"] == name).map(|value| value["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(planned[0]["plan"]["duration"], "1m30s");
    assert_eq!(origin("duration").as_deref(), Some("--duration"));
    assert_eq!(origin("rate").as_deref(), Some("profile p"));
    assert_eq!(origin("timeout").as_deref(), Some("default"));
    assert_eq!(target.seen(), 0);
}

#[test]
fn a_test_file_is_measured_with_all_it_says() {
    let (env, target) = (Env::new(), Target::start());
    let file = format!(
        "test:\n  smp_version: v0.0.1\n  name: filed\n  clients:\n  - load_generator: native\n    protocol: 1\n    connections: 1\n    \
         headers: {{x-mark: seen}}\n    body: hello\n    endpoint_urls: ['{}']\n  duration: 300ms\nmesh:\n  type: 3\n",
        target.url()
    );
    env.write("work/test.yaml", file);
    let shown = env.ctl(["perf", "run", "-f", "test.yaml", "-o", "json"]).ok();
    assert_eq!((&shown.json()["name"], &shown.json()["plan"]["mesh"]), (&"filed".into(), &"ISTIO".into()), "{shown}");
    let request = target.last().to_lowercase();
    assert!(
        request.starts_with("post / http/1.1") && request.contains("x-mark: seen") && request.ends_with("hello"),
        "{request}"
    );
}

#[test]
fn bad_values_are_refused_before_anything_is_sent() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    for (flags, word) in [
        (&["--duration", "30"][..], "unit is missing"),
        (&["--duration", "0s"], "duration"),
        (&["--duration", "1m30s"], "one number and one unit are wanted: 90s"),
        (&["--duration", "5 parsecs"], "not a unit"),
        (&["--rate", "ramp:1..10/1m30s"], "one number and one unit are wanted: 90s"),
        (&["--rate=-5"], "cannot be sent"),
        (&["--rate", "max", "--model", "open"], "exclude each other"),
        (&["--rate", "5", "--model", "closed"], "exclude each other"),
        (&["--overload", "drop"], "closed model"),
        (&["--body", "@missing.json"], "missing.json"),
        (&["--threshold", "p99<soon"], "soon"),
        (&["--load-generator", "ab"], "no load generator"),
        (&["--url", "localhost:8080"], "localhost:8080"),
        (&["--connections", "0"], "connections"),
        (&["--header", "no colon"], "colon"),
        (&["--cert", "a.pem"], "--key"),
    ] {
        let args: Vec<&str> = ["perf", "run", "--url", &url].iter().chain(flags).copied().collect();
        let refused = env.ctl(args).run();
        assert!(matches!(refused.code, Some(2 | 5 | 65)), "{flags:?}: {refused}");
        assert!(refused.stderr.contains(word) && refused.stdout.is_empty(), "{flags:?}: {refused}");
    }
    assert_eq!(target.seen(), 0);
    let nothing = env.ctl(["perf", "run"]).run();
    assert!(nothing.code == Some(2) && nothing.stderr.contains("target"), "{nothing}");
}

#[test]
fn a_breached_threshold_ends_with_99_and_one_that_holds_with_0() {
    let (env, target) = (Env::new(), Target::start());
    let run = |limit: &str| {
        let args = [
            "perf",
            "run",
            "--url",
            &target.url(),
            "--requests",
            "200",
            "--threshold",
            limit,
            "errors<1%",
            "-o",
            "json",
        ];
        env.ctl(args).run()
    };
    let held = run("p50<10s");
    assert_eq!(held.code, Some(0), "{held}");
    let breached = run("p50<1ns");
    assert_eq!(breached.code, Some(99), "{breached}");
    assert_eq!(breached.json()["requests"]["sent"], 200, "the result is shown all the same");
}

#[cfg(unix)]
#[test]
fn a_breach_is_told_by_the_exit_code_though_nobody_reads_the_output() {
    let (env, target) = (Env::new(), Target::start());
    let args =
        ["perf", "run", "--url", &target.url(), "--requests", "200", "--threshold", "p50<1ns", "--export", "csv=-"];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = env.ctl(args).command();
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    drop(command);
    assert_eq!(child.wait().unwrap().code(), Some(99));
    assert_eq!(target.seen(), 200, "the measurement was made to its end");
}

#[test]
fn a_threshold_that_cannot_be_decided_fails_unless_it_is_told_to_pass() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "200", "--threshold", "p99<10s", "errors<1%"];
    let failed = env.ctl(args).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stdout.contains("p99<10s undecided") && failed.stdout.contains("errors<1% held"), "{failed}");
    for said in ["threshold-undecided", "--requests 9508", "--undecided pass"] {
        assert!(failed.stderr.contains(said), "{said}: {failed}");
    }
    let passed = env.ctl(args.into_iter().chain(["--undecided", "pass"])).run();
    assert_eq!(passed.code, Some(0), "{passed}");
    assert!(passed.stderr.contains("p99<10s undecided") && passed.stderr.contains("--undecided fail"), "{passed}");
    let breached = env.ctl(args.into_iter().chain(["--threshold", "p50<1ns"])).run();
    assert_eq!(breached.code, Some(99), "a breach comes before what cannot be said: {breached}");
}

#[test]
fn verdicts_are_kept_with_the_result_and_shown_once() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "200", "--threshold", "p50<1ns"];
    let breached = env.ctl(args).run();
    assert_eq!(breached.code, Some(99), "{breached}");
    let told = [&breached.stdout, &breached.stderr].map(|text| text.matches("p50<1ns breached").count());
    assert_eq!(told, [1, 0], "{breached}");
    let kept = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert_eq!(kept[0]["summary"]["thresholds"], "breached", "{kept}");
    let list = env.ctl(["perf", "result", "list"]).ok();
    assert!(list.stdout.contains("breached"), "{list}");
    let id = kept[0]["id"].as_str().unwrap();
    assert!(env.ctl(["perf", "result", "view", id]).ok().stdout.contains("p50<1ns breached"));
    env.ctl(["perf", "result", "export", id, "junit.xml"]).ok();
    assert!(env.read("work/junit.xml").contains("failures=\"1\""));
    let operation = env.ctl(["operation", "view", id, "-o", "json"]).run().json();
    assert_eq!((&operation["status"], &operation["error"]["code"]), (&"failed".into(), &"threshold-breached".into()));
}

#[test]
fn doubtful_percentiles_are_marked_in_lists_and_told_of_formats_without_marks() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "200", "--export", "fortio=f.json"];
    let run = env.ctl(args).ok();
    assert!(run.stderr.contains("fortio has p75, p90, p99, p99.9 without a mark"), "{run}");
    assert!(run.stderr.contains("service times, intervals and errors by cause are left out"), "{run}");
    let list = env.ctl(["perf", "result", "list"]).ok();
    assert!(list.stdout.contains('~') && list.stderr.contains("~ is not to be taken as fact"), "{list}");
}

#[test]
fn figures_of_a_result_stand_in_its_json() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "50", "-o", "json"];
    let summary = &env.ctl(args).ok().json()["summary"];
    let percentiles = summary["percentiles"].as_array().unwrap();
    let median = percentiles.iter().find(|found| found["percentile"] == 50.0).unwrap();
    assert!(median["value_ns"].as_u64().unwrap() > 0 && median["interval_ns"]["low"].is_number(), "{summary}");
    let tail = percentiles.iter().find(|found| found["percentile"] == 99.9).unwrap();
    assert_eq!(tail["supported"], false, "{summary}");
    assert_eq!((&summary["sent"], &summary["error_share"]), (&50.into(), &0.0.into()));
}

#[test]
fn a_target_that_is_not_there_fails_the_run_and_the_result_is_kept() {
    let env = Env::new();
    let args = ["perf", "run", "--url", &Target::nobody(), "--requests", "3", "--name", "gone"];
    let failed = env.ctl(args).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains("none of the 3 requests") && failed.stderr.contains("refused"), "{failed}");
    let kept = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert_eq!((&kept[0]["name"], &kept[0]["summary"]["failed"]), (&"gone".into(), &3.into()));
}

#[test]
fn ctrl_c_ends_a_run_with_its_result_and_130() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(5)));
    let args = ["perf", "run", "--url", &target.url(), "--duration", "60s", "--name", "long"];
    let screen = env.ctl(args).on_terminal(Piped { stdout: true }, &[("p99", INTERRUPT)]);
    assert_eq!(screen.code, Some(130), "{}", screen.text);
    assert!(
        screen.text.contains("59s left") || screen.text.contains("58s left"),
        "what is left is shown: {}",
        screen.text
    );
    assert!(screen.text.contains("\x1b[?25h"), "the cursor is given back");
    let kept = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert_eq!(kept[0]["summary"]["ended_by"], "stopped");
    assert!(kept[0]["summary"]["sent"].as_u64().unwrap() > 0, "{kept}");
    assert!(screen.stdout.contains("long"), "{}", screen.stdout);
    let next = format!("mesheryctl perf result view {}", kept[0]["id"].as_str().unwrap());
    assert!(screen.text.contains(&next) && !screen.text.contains("finished parts"), "{}", screen.text);
}

#[test]
fn a_killed_run_keeps_what_it_had_measured() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(5)));
    let args = ["perf", "run", "--url", &target.url(), "--duration", "60s", "--name", "cut"];
    let mut child = env.ctl(args).command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let listed = || env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    // It is there from the beginning, and what was measured is added while it goes on.
    let sent = |listed: &serde_json::Value| listed[0]["summary"]["sent"].as_u64().unwrap_or_default();
    while listed()[0]["state"] != "running" || sent(&listed()) == 0 || target.seen() < 800 {
        std::thread::sleep(Duration::from_millis(200));
    }
    let id = listed()[0]["id"].as_str().unwrap().to_owned();
    let viewed = env.ctl(["perf", "result", "view", &id, "-o", "json"]).ok().json();
    assert!(!viewed["intervals"].as_array().unwrap().is_empty(), "it is seen while it goes on: {viewed}");
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = listed();
    assert_eq!(kept[0]["state"], "partial", "{kept}");
    assert!(sent(&kept) > 0, "{kept}");
    let shown = env.ctl(["perf", "result", "view", &id]).ok();
    assert!(shown.stderr.contains("partial"), "{shown}");
}
