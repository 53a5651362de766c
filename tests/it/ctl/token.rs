use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn a_token_entry_lives_from_create_to_delete() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["system", "token", "create", "ci", "-f", "ci.json", "--set"]).run(), @"
    exit: 0
    --- stdout
    token ci created; context local uses it now
    --- stderr
    The token file $ROOT/home/.meshery/ci.json does not exist yet.
    ");
    assert_snapshot!(env.ctl(["system", "token", "create", "ci"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: token `ci` exists already
    fix: Choose another name, or delete the old entry first.
    see: mesheryctl explain token-exists
    ");
    assert_snapshot!(env.ctl(["system", "token", "list"]).run(), @"
    exit: 0
    --- stdout
    NAME     LOCATION   CONTEXTS
    default  auth.json  -
    ci       ci.json    local
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "token", "delete", "ci"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: an answer is needed: Delete token `ci`, which local uses?
    cause: standard input and output are not both a terminal
    fix: Answer with --yes.
    see: mesheryctl explain input-needed
    ");
    assert_snapshot!(env.ctl(["system", "token", "delete", "ci", "--yes"]).run(), @"
    exit: 0
    --- stdout
    token ci deleted; context local still refers to it
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "token", "list", "-o", "name"]).run(), @"
    exit: 0
    --- stdout
    default
    --- stderr
    ");
}

#[test]
fn set_checks_both_names() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "token", "set", "cj"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: token `cj` does not exist
      did you mean ci?
    fix: List them with `mesheryctl system token list`, or create one with `mesheryctl system token create NAME`.
    see: mesheryctl explain token-not-found
    ");
    assert_snapshot!(env.ctl(["system", "token", "set", "ci", "--context", "nope"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: context `nope` does not exist
      known: local, staging, prod
    fix: List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`.
    see: mesheryctl explain context-not-found
    ");
    assert_snapshot!(env.ctl(["system", "token", "set", "ci", "--context", "prod"]).run(), @"
    exit: 0
    --- stdout
    token ci set in context prod
    --- stderr
    warning: The token file $ROOT/home/.meshery/auth.json does not exist; `mesheryctl system login --context prod` writes it.
    ");
    let view = env.ctl(["system", "context", "view", "prod", "-o", "jsonpath={.token}"]).ok();
    assert_eq!(view.stdout, "ci\n");
}

#[test]
fn view_tells_the_state_of_the_file_but_never_the_token() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "token", "view"]).run(), @"
    exit: 0
    --- stdout
    name: default
    location: auth.json
    path: $ROOT/home/.meshery/auth.json
    state: missing
    contexts:
    - local
    - staging
    - prod
    --- stderr
    ");
    env.write("home/.meshery/auth.json", r#"{"meshery-provider":"None","token":"top-secret"}"#);
    let view = env.ctl(["system", "token", "view", "-o", "json"]).ok();
    assert!(!view.stdout.contains("top-secret"), "{view}");
    assert_snapshot!(view, @r#"
    exit: 0
    --- stdout
    {
      "name": "default",
      "location": "auth.json",
      "path": "$ROOT/home/.meshery/auth.json",
      "state": "usable",
      "provider": "None",
      "contexts": [
        "local",
        "staging",
        "prod"
      ]
    }
    --- stderr
    "#);
    env.write("home/.meshery/auth.json", "");
    let view = env.ctl(["system", "token", "view", "default", "-o", "jsonpath={.state}"]).ok();
    assert_eq!(view.stdout, "unusable\n");
    assert_snapshot!(env.ctl(["system", "token", "view", "nope"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: token `nope` does not exist
      known: default, ci
    fix: List them with `mesheryctl system token list`, or create one with `mesheryctl system token create NAME`.
    see: mesheryctl explain token-not-found
    ");
}
