use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn channels_are_set_and_viewed_without_network() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "channel", "set", "stable-v0.6.0"]).run(), @"
    exit: 0
    --- stdout
    channel stable-v0.6.0 set in context local
    --- stderr
    warning: the plane of context `local` cannot be of release v0.6.0: on platform local the plane is this program, which is of release 0.1.0. Change the program with `mesheryctl self update --version v0.6.0`, or follow it with `mesheryctl system channel set stable`.
    ");
    assert_snapshot!(env.ctl(["system", "channel", "set", "edge", "-c", "prod"]).run(), @"
    exit: 0
    --- stdout
    channel edge-latest set in context prod
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "channel", "view"]).run(), @"
    exit: 0
    --- stdout
    CONTEXT  CHANNEL  VERSION
    local    stable   v0.6.0
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "channel", "view", "--all"]).run(), @"
    exit: 0
    --- stdout
    CONTEXT  CHANNEL  VERSION
    local    stable   v0.6.0
    staging  stable   latest
    prod     edge     latest
    --- stderr
    ");
}

#[test]
fn wrong_channels_are_refused() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["system", "channel", "set", "edge-v0.6.0"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `edge-v0.6.0` is not a release channel or version
    cause: the edge channel has only `latest`
    fix: Use stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "channel", "set", "beta"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `beta` is not a release channel or version
    fix: Use stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    see: mesheryctl explain usage-error
    ");
    assert!(env.files().is_empty());
}
