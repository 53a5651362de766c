use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn version_tells_both_sides_without_network() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["version"]).run(), @"
    exit: 0
    --- stdout
    SIDE    VERSION      COMMIT
    Client  0.1.0        unknown
    Server  not running  -
    --- stderr
    ");
    assert_snapshot!(env.ctl(["version", "--client", "-o", "json"]).run(), @r#"
    exit: 0
    --- stdout
    {
      "client": {
        "build": "0.1.0",
        "commitsha": "unknown",
        "release_channel": "stable"
      }
    }
    --- stderr
    "#);
    assert_snapshot!(env.ctl(["version", "-o", "json"]).run(), @r#"
    exit: 0
    --- stdout
    {
      "client": {
        "build": "0.1.0",
        "commitsha": "unknown",
        "release_channel": "stable"
      },
      "server": {
        "state": "not-running",
        "endpoint": "http://localhost:9081"
      }
    }
    --- stderr
    "#);
}

#[test]
fn version_survives_a_dead_server() {
    let env = Env::new();
    let output = env.ctl(["version", "--endpoint", "http://127.0.0.1:1"]).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.contains("unreachable") && output.stderr.starts_with("warning:"), "{output}");
}

#[test]
fn explain_has_a_page_for_every_code() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["explain", "context-not-found"]).run(), @"
    exit: 0
    --- stdout
    context-not-found (exit code 5)
    No context of that name.

    Contexts stand in config.yaml under `contexts`.

    fix: List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`.
    --- stderr
    ");
    assert_snapshot!(env.ctl(["explain", "context-not-fond"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: `context-not-fond` is not an error code
      did you mean context-not-found, object-not-found, route-not-found?
    fix: List them with `mesheryctl explain`.
    see: mesheryctl explain explain-unknown
    ");
    let list = env.ctl(["explain", "-o", "name"]).ok();
    for code in list.stdout.lines() {
        let page = env.ctl(["explain", code, "-o", "json"]).ok().json();
        for field in ["title", "explanation", "remedy"] {
            assert!(!page[field].as_str().unwrap().is_empty(), "{code} has no {field}");
        }
    }
}

#[test]
fn a_broken_config_does_not_stop_what_needs_none() {
    let env = Env::with_config("contexts: [\n");
    for args in [&["explain"][..], &["version", "--client"], &["help"], &["completion", "bash"], &["schema"]] {
        let output = env.ctl(args.iter().copied()).run();
        assert_eq!(output.code, Some(0), "{output}");
    }
}

#[test]
fn old_spellings_work() {
    let env = Env::with_contexts();
    let old = env.ctl(["system", "completion", "bash"]).ok();
    let new = env.ctl(["completion", "bash"]).ok();
    assert_eq!(old.stdout, new.stdout);
    let old = env.ctl(["system", "context", "view", "--output-format", "json"]).ok();
    let new = env.ctl(["system", "context", "view", "-o", "json"]).ok();
    assert_eq!(old.stdout, new.stdout);
    assert_eq!(env.ctl(["system", "channel", "switch", "edge"]).run().code, Some(0));
}

#[test]
fn a_number_that_is_none_is_told_with_where_it_came_from() {
    let env = Env::new();
    let flag = env.ctl(["system", "start", "--port", "abc"]).run();
    assert_eq!(flag.code, Some(2), "{flag}");
    assert!(flag.stderr.contains("'abc' for '--port <PORT>': it is not a whole number"), "{flag}");
    assert!(!flag.stderr.contains("environment variable"), "{flag}");
    let variable = env.ctl(["system", "start"]).var("MESHERY_PORT", "abc").run();
    assert_eq!(variable.code, Some(2), "{variable}");
    assert!(variable.stderr.contains("the value comes from the environment variable MESHERY_PORT"), "{variable}");
}

#[test]
fn names_that_lead_nowhere_are_told_when_they_are_written() {
    let env = Env::with_contexts();
    let set = env.ctl(["system", "token", "create", "late", "-f", "late.json"]).ok();
    assert!(set.stderr.contains("does not exist yet"), "{set}");
    let set = env.ctl(["system", "token", "set", "late"]).ok();
    assert!(set.stderr.starts_with("warning: The token file") && set.stderr.contains("late.json"), "{set}");
    let unknown = env.ctl(["system", "context", "create", "m", "-a", "nope"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    assert!(unknown.stderr.contains("there is no adapter `nope`"), "{unknown}");
    env.ctl(["system", "context", "create", "m", "-a", "istio,meshery-linkerd"]).ok();
    let view = env.ctl(["system", "provider", "view", "-o", "json"]).ok().json();
    assert_eq!(view[0]["provider"], serde_json::Value::Null);
}
