//! What the plan of `perf run` tells, and what it refuses before anything is sent.

use super::target::Target;
use crate::support::env::Env;

#[test]
fn a_mistyped_key_of_a_file_is_refused_and_one_of_another_program_is_a_warning() {
    let (env, target) = (Env::new(), Target::start());
    let file = |line: &str| {
        let url = target.url();
        format!("name: n\nduration: 200ms\nclients:\n- endpoint_urls: ['{url}']\n  rps: 5\n  {line}\n")
    };
    env.write("work/slip.yaml", file("conections: 2"));
    let refused = env.ctl(["perf", "run", "-f", "slip.yaml"]).run();
    assert_eq!((refused.code, target.seen()), (Some(65), 0), "{refused}");
    assert!(
        refused.stderr.contains("slip.yaml:6:3") && refused.stderr.contains("did you mean connections?"),
        "{refused}"
    );
    env.write("work/other.yaml", file("think_time: 2"));
    let warned = env.ctl(["perf", "run", "-f", "other.yaml"]).ok();
    assert!(warned.stderr.contains("`think_time` is not known and counts for nothing"), "{warned}");
}

#[test]
fn options_of_another_generator_are_refused_by_the_native_one_and_stand_in_the_plan() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    env.write(
        "work/test.yaml",
        format!("name: n\nduration: 1s\nclients:\n- endpoint_urls: ['{url}']\n  additional_options: '-jitter'\n"),
    );
    let refused = env.ctl(["perf", "run", "-f", "test.yaml"]).run();
    assert_eq!((refused.code, target.seen()), (Some(2), 0), "{refused}");
    assert!(refused.stderr.contains("`-jitter`") && refused.stderr.contains("--options ''"), "{refused}");
    let planned = |more: &[&'static str]| {
        let args = ["perf", "run", "-f", "test.yaml", "--dry-run"];
        env.ctl(args.iter().copied().chain(more.iter().copied())).ok().stdout
    };
    assert!(!planned(&["--options", ""]).contains("options"), "no options are left");
    let handed_on = planned(&["--load-generator", "fortio"]);
    assert!(
        handed_on.lines().any(|line| line.starts_with("options") && line.contains("file test.yaml")),
        "{handed_on}"
    );
}

#[test]
fn a_law_with_an_end_gives_the_length_and_a_rate_the_connections() {
    let env = Env::new();
    let url = Target::nobody();
    let planned = |flags: &[&'static str]| {
        let args = ["perf", "run", "--url", &url, "--dry-run", "-o", "json"];
        env.ctl(args.iter().copied().chain(flags.iter().copied())).ok().json()[0].clone()
    };
    let value = |planned: &serde_json::Value, name: &str| {
        let values = planned["values"].as_array().unwrap();
        let found = values.iter().find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}: {planned}"));
        format!("{} {}", found["value"].as_str().unwrap(), found["origin"].as_str().unwrap())
    };
    let steps = planned(&["--rate", "steps:50/1s,200/2s"]);
    assert_eq!(value(&steps, "duration"), "3s --rate");
    assert_eq!(value(&steps, "connections"), "20 default: for answers within 100ms");
    let ramp = planned(&["--rate", "ramp:0..100000/60s", "--duration", "5s"]);
    assert_eq!(
        (value(&ramp, "duration"), value(&ramp, "connections")),
        ("5s --duration".into(), "100 default: for answers within 100ms".into())
    );
    let given = planned(&["--rate", "500", "--connections", "3"]);
    assert_eq!(
        (value(&given, "duration"), value(&given, "connections")),
        ("30s default".into(), "3 --connections".into())
    );
    assert_eq!(value(&planned(&["--rate", "max"]), "connections"), "1 default");
}

#[test]
fn flags_of_workers_in_a_cluster_and_addresses_that_are_none_are_refused() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    for (flags, said) in [
        (&["--workers", "2", "--worker-namespace", "load"][..], "--worker-namespace is for workers in a cluster"),
        (&["--prometheus", "foo"], "`foo` is no value for --prometheus"),
        (&["-b", "ordr.json"], "ordr.json"),
    ] {
        let args = ["perf", "run", "--url", &url, "--requests", "2", "--connections", "2"];
        let refused = env.ctl(args.iter().chain(flags).copied()).run();
        assert!(matches!(refused.code, Some(2 | 5)) && refused.stderr.contains(said), "{refused}");
    }
    assert_eq!(target.seen(), 0);
}

#[test]
fn a_dry_run_tells_that_the_run_would_create_the_profile() {
    let env = Env::new();
    let dry = env.ctl(["perf", "run", "sho", "--url", &Target::nobody(), "--dry-run"]).ok();
    assert!(dry.stderr.contains("there is no profile `sho`: the run would create it"), "{dry}");
    assert_eq!(env.ctl(["perf", "profile", "list", "-o", "json"]).ok().stdout, "[]\n");
}

#[test]
fn a_mesh_that_there_is_not_is_refused_with_those_there_are() {
    let (env, target) = (Env::new(), Target::start());
    let refused = env.ctl(["perf", "run", "--url", &target.url(), "--requests", "1", "--mesh", "isto"]).run();
    assert_eq!((refused.code, target.seen()), (Some(2), 0), "{refused}");
    assert!(refused.stderr.contains("did you mean istio?") && refused.stderr.contains("linkerd"), "{refused}");
}

#[test]
fn a_body_that_cannot_be_read_is_refused_and_text_that_looks_like_a_path_comes_on_standard_input() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    let run = |body: &str| env.ctl(["perf", "run", "--url", &url, "--requests", "1", "-b", body]);
    for body in ["/nonexistent/file", "./missing.json", "../missing", "~/missing", "@missing"] {
        let refused = run(body).run();
        assert_eq!((refused.code, target.seen()), (Some(5), 0), "{body}: {refused}");
        assert!(refused.stderr.contains("--body @-"), "{body}: {refused}");
    }
    run("@-").stdin("/as/text").ok();
    assert!(target.last().ends_with("/as/text"), "{}", target.last());
}

#[test]
fn an_export_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let (env, target) = (Env::new(), Target::start());
    env.write("work/kept/other", "");
    let url = target.url();
    for (export, cause) in [
        ("json=missing/x.json", "there is no folder"),
        ("json=kept", "it is a folder"),
        ("kept/other/x.csv", "no folder"),
    ] {
        for dry in [&["--dry-run"][..], &[]] {
            let args = ["perf", "run", "--url", &url, "--requests", "1", "--export", export];
            let refused = env.ctl(args.iter().chain(dry).copied()).run();
            assert_eq!((refused.code, target.seen()), (Some(2), 0), "{export}: {refused}");
            assert!(refused.stderr.contains(cause), "{export}: {refused}");
        }
    }
}

#[test]
fn ending_at_a_breach_wants_a_threshold() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "1", "--abort-on-fail"];
    let refused = env.ctl(args).run();
    assert_eq!((refused.code, target.seen()), (Some(2), 0), "{refused}");
    assert!(refused.stderr.contains("--threshold 'errors<1%'"), "{refused}");
    env.ctl(args.into_iter().chain(["--threshold", "errors<1%"])).ok();
}

#[test]
fn clients_of_a_file_are_told_to_run_one_after_another_and_what_they_say_comes_from_the_file() {
    let (env, target) = (Env::new(), Target::start());
    let client =
        format!("{{load_generator: native, protocol: 1, connections: 1, rps: 0, endpoint_urls: ['{}']}}", target.url());
    env.write("work/two.yaml", format!("name: two\nduration: 1s\nclients:\n- {client}\n- {client}\n"));
    let shown = env.ctl(["perf", "run", "-f", "two.yaml", "--dry-run", "-o", "json"]).ok();
    assert!(shown.stderr.contains("two.yaml has 2 clients; they are run one after another"), "{shown}");
    let planned = shown.json();
    let values = planned[1]["values"].as_array().unwrap();
    for name in ["generator", "protocol", "connections", "rate", "model", "targets", "duration", "name"] {
        let value = values.iter().find(|value| value["name"] == name).unwrap();
        assert_eq!(value["origin"], "file two.yaml", "{name}");
    }
    assert!(values.iter().any(|value| value["name"] == "timeout" && value["origin"] == "default"), "{planned}");
}

#[test]
fn workers_share_the_connections_that_are_asked_for_or_get_one_each() {
    let (env, target) = (Env::new(), Target::start());
    let args = ["perf", "run", "--url", &target.url(), "--requests", "4", "--workers", "2", "-o", "json"];
    let planned = env.ctl(args.into_iter().chain(["--dry-run"])).ok().json();
    assert_eq!(planned[0]["plan"]["connections"], 2, "{planned}");
    let run = env.ctl(args).ok();
    assert_eq!(run.json()["requests"]["succeeded"], 4, "{run}");
    assert!(run.stderr.contains("2  (default: one for each worker)"), "{run}");
    let seen = target.seen();
    for more in [&["--connections", "1"][..], &["--connections", "1", "--dry-run"], &["--requests", "1"]] {
        let few = ["perf", "run", "--url", &target.url(), "--workers", "2"];
        let refused = env.ctl(few.iter().chain(more).copied()).run();
        assert_eq!((refused.code, target.seen()), (Some(2), seen), "{more:?}: {refused}");
        assert!(refused.stderr.contains("cannot be shared by 2 workers"), "{more:?}: {refused}");
        assert!(!refused.stderr.contains("measur"), "before the measurement: {refused}");
    }
}

#[test]
fn the_plan_names_the_flag_that_was_typed_and_the_run_the_profile_that_is_made() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    let args = ["perf", "apply", "shop", "--url", &url, "--concurrent-requests", "2", "-b", "x", "--requests", "4"];
    let run = env.ctl(args.into_iter().chain(["--yes", "-o", "json"])).ok();
    assert!(run.stderr.contains("2  (--concurrent-requests)"), "{run}");
    assert!(run.stderr.contains("POST  (--body)") && !run.stderr.contains("(flags)"), "{run}");
    assert_eq!(run.json()["name"], "shop", "{run}");
    let both = ["perf", "run", "--url", &url, "--connections", "2", "--concurrent-requests", "3"];
    assert_eq!(env.ctl(both).run().code, Some(2));
}

#[test]
fn busy_polling_is_told_and_can_be_left_out() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    let base = ["perf", "run", "--url", &url, "--requests", "5"];
    let run = |more: &[&'static str]| env.ctl(base.iter().copied().chain(more.iter().copied()));
    let row = |more: &[&'static str]| -> Vec<String> {
        let planned = run(&[more, &["--dry-run"]].concat()).ok().stdout;
        let row = planned.lines().find(|line| line.starts_with("busy "));
        row.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row(&["--rate", "50"]).join(" "), "busy where a processor is free default");
    assert_eq!(row(&["--rate", "50", "--no-busy"]).join(" "), "busy no --no-busy");
    assert!(row(&["--load-generator", "fortio"]).is_empty());
    let polls = |more: &[&'static str]| run(more).ok().json()["plan"]["busy"].as_bool().unwrap();
    assert!(polls(&["--rate", "50", "-o", "json"]));
    assert!(!polls(&["--rate", "50", "--no-busy", "-o", "json"]));
}
