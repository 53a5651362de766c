//! Exit codes and mistakes on the command line.

use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn row_01_success_is_0() {
    assert_eq!(Env::new().ctl(["version"]).run().code, Some(0));
}

#[test]
fn row_02_failure_is_not_0() {
    assert_eq!(Env::new().ctl(["system", "context", "view", "nope"]).run().code, Some(5));
}

#[test]
fn row_03_typo_at_the_root_names_the_command() {
    assert_snapshot!(Env::new().ctl(["sytem", "context", "list"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'sytem'
      tip: some similar subcommands exist: 'schema', 'system'
      Usage: mesheryctl [OPTIONS] <COMMAND>
    fix: See `mesheryctl --help`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn row_04_typo_nested_names_the_command() {
    assert_snapshot!(Env::new().ctl(["system", "contexta", "view"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'contexta'
      tip: a similar subcommand exists: 'context'
      Usage: mesheryctl system [OPTIONS] <COMMAND>
    fix: See `mesheryctl system --help`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn row_05_typo_in_flag_names_the_flag() {
    assert_snapshot!(Env::new().ctl(["system", "context", "list", "--ouput", "json"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: unexpected argument '--ouput' found
      tip: a similar argument exists: '--output'
      Usage: mesheryctl system context list --output <FORMAT>
    fix: See `mesheryctl system context list --help`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn row_06_typo_in_enum_lists_the_values() {
    assert_snapshot!(Env::new().ctl(["system", "context", "list", "-o", "jsn"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'jsn' for '--output <FORMAT>': expected one of table, wide, json, yaml, jsonl, name, jsonpath=EXPR, custom-columns=SPEC; did you mean json, jsonl?
    fix: See `mesheryctl system context list --help`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn row_25_the_exit_code_is_the_same_under_every_form() {
    let env = Env::with_contexts();
    let forms = ["table", "wide", "json", "yaml", "jsonl", "name", "jsonpath={.name}", "custom-columns=N:.name"];
    for (args, code) in [
        (&["system", "context", "view", "nope"][..], 5),
        (&["system", "context", "create", "prod"], 2),
        (&["system", "context", "delete", "local"], 2),
        (&["system", "token", "set", "nope"], 5),
        (&["system", "provider", "list", "--endpoint", "http://127.0.0.1:1"], 3),
        (&["system", "nope"], 2),
        (&["explain", "nope"], 5),
    ] {
        for form in forms {
            let output = env.ctl(args.iter().copied().chain(["-o", form])).run();
            assert_eq!(output.code, Some(code), "{args:?} -o {form}: {output}");
            assert!(output.stdout.is_empty(), "{args:?} -o {form}: {output}");
        }
    }
}

#[test]
fn row_52_a_double_dash_ends_flags() {
    let env = Env::new();
    env.ctl(["system", "context", "create", "--", "-x"]).ok();
    assert_eq!(env.ctl(["system", "context", "list", "-o", "name"]).ok().stdout, "local\n-x\n");
}

#[test]
fn row_73_abbreviations_are_not_commands() {
    for args in
        [&["sys", "context", "list"][..], &["system", "cont", "list"], &["system", "context", "list", "--out", "json"]]
    {
        let output = Env::new().ctl(args.iter().copied()).run();
        assert_eq!(output.code, Some(2), "{output}");
    }
}

/// N1: errors are JSON on stderr under -o json, with the fields of the published schema.
#[test]
fn row_n1_errors_are_json_objects() {
    let env = Env::with_contexts();
    let schema = env.ctl(["schema", "error", "-o", "json"]).ok().json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for args in [
        &["system", "context", "view", "nope"][..],
        &["system", "context", "list", "--nope"],
        &["system", "nope"],
        &["system"],
        &["system", "context", "create", "prod"],
        &["system", "provider", "list", "--endpoint", "http://127.0.0.1:1"],
        &["--config", "nowhere/\0", "version"],
    ] {
        let args = args.iter().map(|arg| arg.replace('\0', "x"));
        for form in ["json", "jsonl"] {
            let output = env.ctl(args.clone().chain(["-o".to_owned(), form.to_owned()])).run();
            if output.code == Some(0) {
                continue;
            }
            let error = output.error_json();
            assert!(schema.is_valid(&error), "{output}");
            assert_eq!(error["exit_code"].as_i64(), output.code.map(i64::from), "{output}");
        }
    }
    assert_snapshot!(env.ctl(["system", "context", "view", "stagin", "-o", "json"]).run(), @r#"
    exit: 5
    --- stdout
    --- stderr
    {"code":"context-not-found","kind":"not-found","message":"context `stagin` does not exist","details":["did you mean staging?"],"suggested_remediation":"List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`.","exit_code":5}
    "#);
}

#[test]
fn row_80_a_fault_is_told_in_one_line_with_log_and_issue() {
    let env = Env::new();
    let output = env.ctl(["version"]).var("MESHERY_DEBUG_PANIC", "1").run();
    assert_eq!(output.code, Some(70), "{output}");
    assert!(output.stdout.is_empty(), "{output}");
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(lines[0].starts_with("error: mesheryctl met a fault of its own: raised on request"), "{output}");
    let log = lines.iter().find_map(|line| line.trim().strip_prefix("log: ")).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("command:") && log.contains("raised on request"), "{log}");
    assert!(output.stderr.contains("issue: https://github.com/meshery/meshery/issues/new?title="), "{output}");
    assert!(!output.stderr.contains("RUST_BACKTRACE"), "{output}");
    let output = env.ctl(["version", "-o", "json"]).var("MESHERY_DEBUG_PANIC", "1").run();
    assert_eq!(output.error_json()["code"], "internal");
}
