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
