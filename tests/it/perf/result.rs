//! `perf result`.

use super::target::Target;
use crate::support::env::Env;

fn measured(env: &Env, target: &Target) -> String {
    let args = ["perf", "run", "--url", &target.url(), "--requests", "10", "-o", "name"];
    env.ctl(args).ok().stdout.trim().to_owned()
}

#[test]
fn a_result_is_listed_shown_exported_carried_elsewhere_and_deleted() {
    let (env, target) = (Env::new(), Target::start());
    let id = measured(&env, &target);
    let list = env.ctl(["perf", "result", "list"]).ok();
    assert!(list.stdout.contains(&id) && list.stdout.contains("complete"), "{list}");
    let whole = env.ctl(["perf", "result", "view", &id, "-o", "json"]).ok().json();
    assert_eq!((&whole["id"], &whole["requests"]["sent"]), (&id.as_str().into(), &10.into()));
    env.ctl(["perf", "result", "export", &id, "kept.json"]).ok();
    let elsewhere = Env::new();
    elsewhere.write("work/kept.json", env.read("work/kept.json"));
    elsewhere.ctl(["perf", "result", "import", "kept.json"]).ok();
    assert_eq!(elsewhere.ctl(["perf", "result", "view", &id, "-o", "json"]).ok().json(), whole);
    env.ctl(["perf", "result", "delete", &id, "--yes"]).ok();
    assert_eq!(env.ctl(["perf", "result", "view", &id]).run().code, Some(5));
    assert_eq!(env.ctl(["perf", "result", "list", "-o", "json"]).ok().stdout, "[]\n");
}

#[test]
fn what_is_no_result_is_refused_with_its_place() {
    let env = Env::new();
    env.write("work/bad.json", "{\"schema\": 1,\n nonsense}");
    let refused = env.ctl(["perf", "result", "import", "bad.json"]).run();
    assert_eq!(refused.code, Some(65), "{refused}");
    assert!(refused.stderr.contains("bad.json:"), "{refused}");
}

#[test]
fn what_was_not_measured_is_a_hyphen_and_columns_are_named_as_in_json() {
    let env = Env::new();
    let failed = env.ctl(["perf", "run", "--url", "http://127.0.0.1:1/", "--requests", "3"]).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    let list = env.ctl(["perf", "result", "list"]).ok();
    let mut lines = list.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (titles, row) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(!titles.contains(&"QPS"), "{list}");
    let json = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    for (title, field) in [("ACHIEVED", "achieved_rate"), ("ELAPSED", "elapsed_seconds"), ("FAILED", "failed")] {
        assert!(titles.contains(&title) && json[0]["summary"][field].is_number(), "{title}: {list}");
    }
    let cell = |title: &str| row[titles.iter().position(|known| *known == title).unwrap()];
    assert_eq!((cell("P50"), cell("P99"), cell("FAILED")), ("-", "-", "3"), "{list}");
}
