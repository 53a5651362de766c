//! `adapter` verbs, with no server running: the plane of this process answers.

use insta::assert_snapshot;

use super::process::Process;
use crate::support::env::Env;

/// A config whose endpoint is a port where nobody ever listens.
const NOBODY: &str = "contexts:\n  local: {endpoint: 'http://localhost:9', platform: local}\ncurrent-context: local\n";

#[test]
fn an_adapter_is_added_seen_asked_and_removed() {
    let env = Env::with_config(NOBODY);
    let process = Process::start("istio");
    let at = process.location.to_string();
    let none = env.ctl(["adapter", "list", "-o", "json"]).ok();
    assert_eq!(none.stdout, "[]\n");
    let added = env.ctl(["adapter", "add", &at]).ok();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(added.stdout, format!("adapter {at} added; it answers as ISTIO {version}\n"));
    let again = env.ctl(["adapter", "add", &at]).ok();
    assert!(again.stdout.contains("unchanged; the plane knows it already"), "{again}");
    let list = env.ctl(["adapter", "ls"]).ok();
    let row: Vec<&str> = list.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["ISTIO", &at, "answers", version, "0"], "{list}");
    assert_eq!(env.ctl(["adapter", "list", "-o", "name"]).ok().stdout, format!("{at}\n"));
    let view = env.ctl(["adapter", "view", "istio"]).ok();
    assert!(view.stderr.contains("It lists no operations."), "{view}");
    assert_eq!(env.ctl(["adapter", "view", &at, "-o", "json"]).ok().json()["name"], "ISTIO");
    let pinged = env.ctl(["adapter", "ping", "istio", &at, "-o", "json"]).ok().json();
    assert_eq!((&pinged[0]["answers"], &pinged[1]["version"]), (&true.into(), &version.into()));
    drop(process);
    let silent = env.ctl(["adapter", "ping"]).run();
    assert_eq!(silent.code, Some(3), "{silent}");
    assert!(silent.stderr.contains("refused") && silent.stderr.contains("fix:"), "{silent}");
    let removed = env.ctl(["adapter", "remove", &at]).ok();
    assert_eq!(removed.stdout, format!("adapter {at} removed\n"));
    let gone = env.ctl(["adapter", "remove", &at]).run();
    assert_eq!(gone.code, Some(5), "{gone}");
}

#[test]
fn one_that_does_not_answer_is_refused_unless_forced() {
    let env = Env::with_config(NOBODY);
    let refused = env.ctl(["adapter", "add", "localhost:9"]).run();
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.stderr.contains("no adapter answers at localhost:9"), "{refused}");
    let forced = env.ctl(["adapter", "add", "localhost:9", "--force"]).ok();
    assert_eq!(forced.stdout, "adapter localhost:9 added; it does not answer yet\n");
    assert_eq!(env.ctl(["adapter", "view", "localhost:9"]).run().code, Some(3));
}

#[test]
fn those_of_the_environment_are_known_and_stay() {
    let env = Env::with_config(NOBODY);
    let process = Process::start("kuma");
    let urls = format!("{} meshery-nowhere.invalid:10000", process.location);
    let list = env.ctl(["adapter", "list", "-o", "json"]).var("ADAPTER_URLS", &urls).ok().json();
    let told: Vec<[&str; 3]> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| ["name", "source", "state"].map(|key| row[key].as_str().unwrap()))
        .collect();
    assert_eq!(told, [["KUMA", "environment", "answers"], ["ISTIO", "environment", "unreachable"]]);
    let fixed = env.ctl(["adapter", "remove", "kuma", "-o", "json"]).var("ADAPTER_URLS", &urls).run();
    assert_eq!((fixed.code, &fixed.error_json()["code"]), (Some(1), &"adapter-fixed".into()), "{fixed}");
}

#[test]
fn mistakes_name_the_value_and_the_next_step() {
    let env = Env::with_config(NOBODY);
    assert_snapshot!(env.ctl(["adapter", "add", "localhost"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `localhost` is not HOST:PORT
    cause: it has no port
    fix: Write it as HOST:PORT.
    see: mesheryctl explain address-invalid
    ");
    assert_snapshot!(env.ctl(["adapter", "ping", "istio"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: the plane knows no adapter `istio`
    fix: List them with `mesheryctl adapter list`, or add one with `mesheryctl adapter add HOST:PORT`.
    see: mesheryctl explain adapter-not-found
    ");
}
