//! Threads of a measurement: whether they sleep.

use std::thread::available_parallelism;
use std::time::Duration;

use super::target::Target;
use crate::support::env::Env;

#[test]
fn a_thread_that_may_not_be_busy_sleeps_until_a_response_is_there() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(5)));
    let url = target.url();
    let run = |flags: &[&str]| {
        // in the closed model, where it is not the machine's calm that decides
        let load = ["--model", "closed", "--connections", "9", "--duration", "1s", "--threads", "1"];
        let args = ["perf", "run", "--url", &url, "-o", "json"].into_iter().chain(load);
        env.ctl(args.chain(flags.iter().copied())).ok()
    };
    let (busy, calm) = (run(&[]), run(&["--no-busy"]));
    assert_eq!((&busy.json()["plan"]["busy"], &calm.json()["plan"]["busy"]), (&true.into(), &false.into()));
    let cpu = |shown: &serde_json::Value| {
        let generator = &shown["generator"];
        generator["cpu_user_seconds"].as_f64().unwrap() + generator["cpu_system_seconds"].as_f64().unwrap()
    };
    // it looks in three of five milliseconds; with one processor there is none to be busy on
    let is_busier = cpu(&busy.json()) > 2.0 * cpu(&calm.json());
    assert_eq!(is_busier, available_parallelism().unwrap().get() > 1, "{} {}", busy.stdout, calm.stdout);
}

#[test]
fn a_profile_keeps_whether_threads_may_be_busy_and_a_flag_changes_it_either_way() {
    let env = Env::new();
    let url = Target::nobody();
    env.ctl(["perf", "profile", "create", "calm", "--url", &url, "--no-busy"]).ok();
    let planned = |flags: &[&str]| {
        let args = ["perf", "run", "calm", "--dry-run", "-o", "json"];
        env.ctl(args.iter().chain(flags).copied()).ok().json()[0].clone()
    };
    let value = |planned: &serde_json::Value, name: &str| {
        let values = planned["values"].as_array().unwrap();
        let found = values.iter().find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}: {planned}"));
        (found["value"].as_str().unwrap().to_owned(), found["origin"].as_str().unwrap().to_owned())
    };
    let kept = planned(&[]);
    assert_eq!(value(&kept, "busy"), ("no".to_owned(), "profile calm".to_owned()));
    let changed = planned(&["--busy"]);
    assert_eq!(value(&changed, "busy"), ("where a processor is free".to_owned(), "--busy".to_owned()));
}
