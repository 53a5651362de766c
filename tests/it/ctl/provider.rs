use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn a_provider_is_set_by_force_viewed_and_reset() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "provider", "set", "Meshery", "--force"]).run(), @"
    exit: 0
    --- stdout
    provider Meshery set in context local
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "provider", "view", "--all"]).run(), @"
    exit: 0
    --- stdout
    CONTEXT  PROVIDER
    local    Meshery
    staging  (server's default)
    prod     (server's default)
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "provider", "reset"]).run(), @"
    exit: 0
    --- stdout
    provider default reset in context local
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "provider", "view"]).run(), @"
    exit: 0
    --- stdout
    CONTEXT  PROVIDER
    local    (server's default)
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "provider", "set", " ", "--force"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: the provider's name is empty
    fix: Name a provider, or go back to the default with `mesheryctl system provider reset`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn an_unreachable_plane_cannot_check_a_name_and_says_so() {
    let env = Env::new();
    let args = ["system", "provider", "set", "None", "--endpoint", "http://127.0.0.1:1"];
    let output = env.ctl(args).run();
    assert_eq!(output.code, Some(3), "{output}");
    assert!(output.stderr.contains("--force"), "{output}");
    assert!(env.files().is_empty(), "{:?}", env.files());
}
