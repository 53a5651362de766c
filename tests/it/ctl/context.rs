use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn without_a_file_there_is_the_context_local() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["system", "context", "list"]).run(), @"
    exit: 0
    --- stdout
    NAME   CURRENT  PLATFORM  ENDPOINT
    local  *        local     http://localhost:9081
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "context", "view"]).run(), @"
    exit: 0
    --- stdout
    name: local
    current: true
    endpoint: http://localhost:9081
    platform: local
    token: default
    token-location: $ROOT/home/.meshery/auth.json
    components: []
    channel: stable
    version: latest
    provider: ''
    --- stderr
    ");
    assert!(env.files().is_empty(), "reading wrote {:?}", env.files());
}

#[test]
fn create_writes_what_old_scripts_wrote() {
    let env = Env::new();
    let create = ["system", "context", "create", "new-context", "--adapters", "meshery-istio", "--platform", "docker"];
    let rest = ["--url", "http://localhost:9081", "--set", "--yes"];
    assert_snapshot!(env.ctl(create.into_iter().chain(rest)).run(), @"
    exit: 0
    --- stdout
    context new-context created; it is the current context now
    --- stderr
    ");
    assert_snapshot!(env.read("home/.meshery/config.yaml"), @"
    # Contexts of mesheryctl: which management plane a command talks to.
    # Edit by hand or with `mesheryctl system context`; comments and further keys are kept.
    contexts:
      local:
        endpoint: http://localhost:9081
        token: default
        platform: local
        components: []
        channel: stable
        version: latest
        provider: ''
      new-context:
        endpoint: http://localhost:9081
        token: default
        platform: docker
        components:
        - meshery-istio
        channel: stable
        version: latest
        provider: ''
    current-context: new-context
    tokens:
    - name: default
      location: auth.json
    ");
}

#[test]
fn create_refuses_what_cannot_work() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "context", "create", "prod"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: context `prod` exists already
    fix: Choose another name, or delete the old one first.
    see: mesheryctl explain context-exists
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "x", "--url", "ftp://example.org"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ftp://example.org` is not the address of a server
    cause: the scheme is ftp, not http or https
    fix: Write it with its scheme, such as http://localhost:9081.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "x", "--url", "example"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `example` is not the address of a server
    cause: relative URL without a base
    fix: Write it with its scheme, such as http://localhost:9081.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "x", "-p", "dokcer"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'dokcer' for '--platform <PLATFORM>'
      [possible values: local, docker, kubernetes]
      tip: a similar value exists: 'docker'
    fix: See `mesheryctl system context create --help`.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "x", "--version", "0.6"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `0.6` is not a release channel or version
    fix: Use stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "a,b"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `a,b` cannot be the name of a context
    fix: Use letters, digits, `.`, `_` and `-`.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", ""]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `` cannot be the name of a context
    fix: Use letters, digits, `.`, `_` and `-`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn components_are_repeatable_or_separated_by_commas() {
    let env = Env::new();
    let args =
        ["system", "context", "create", "x", "-a", "meshery-istio,meshery-osm:10009", "--components", "meshery-kuma"];
    env.ctl(args).ok();
    let view = env.ctl(["system", "context", "view", "x", "-o", "json"]).ok().json();
    assert_eq!(view["components"], serde_json::json!(["meshery-istio", "meshery-osm:10009", "meshery-kuma"]));
}

#[test]
fn a_missing_context_is_not_a_success() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "context", "view", "stagign"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: context `stagign` does not exist
      did you mean staging?
    fix: List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`.
    see: mesheryctl explain context-not-found
    ");
    for verb in ["view", "switch", "delete"] {
        let output = env.ctl(["system", "context", verb, "nope"]).run();
        assert_eq!(output.code, Some(5), "{output}");
    }
    let output = env.ctl(["system", "context", "view", "--context", "nope"]).run();
    assert_eq!(output.code, Some(5), "{output}");
}

#[test]
fn deleting_the_current_context_needs_a_successor() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "context", "delete", "local"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: an answer is needed: `local` is the current context; which one is current afterwards?
    cause: standard input and output are not both a terminal
    fix: Answer with --set NAME.
    see: mesheryctl explain input-needed
    ");
    assert_snapshot!(env.ctl(["system", "context", "delete", "local", "--set", "nope"]).run(), @"
    exit: 5
    --- stdout
    --- stderr
    error: context `nope` does not exist
      known: local, staging, prod
    fix: List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`.
    see: mesheryctl explain context-not-found
    ");
    assert_snapshot!(env.ctl(["system", "context", "delete", "local", "--set", "local"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: --set local names the context that is deleted
    fix: See the command's --help.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "delete", "local", "--set", "prod"]).run(), @"
    exit: 0
    --- stdout
    context local deleted; the current context is prod now
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "context", "delete", "staging"]).run(), @"
    exit: 0
    --- stdout
    context staging deleted
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "context", "delete", "prod"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `prod` is the only context
    fix: Create another context first, or remove config.yaml.
    see: mesheryctl explain context-last
    ");
}

/// Stops the plane when the test ends, however it ends.
struct Stop<'e>(&'e Env);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let _ = self.0.ctl(["system", "stop", "--force", "--context", "local"]).run();
    }
}

#[test]
fn switch_changes_only_the_file_and_says_what_keeps_running() {
    let env = Env::with_contexts();
    let _stop = Stop(&env);
    env.ctl(["system", "start", "--port", "0"]).ok();
    assert_snapshot!(env.ctl(["system", "context", "switch", "staging"]).run(), @"
    exit: 0
    --- stdout
    context staging switched; it is the current context now
    --- stderr
    The plane on this machine keeps running; stop it with `mesheryctl system stop --context local`.
    ");
    assert_snapshot!(env.ctl(["system", "context", "switch", "staging"]).run(), @"
    exit: 0
    --- stdout
    context staging unchanged; it is the current context already
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "context", "switch", "prod"]).run(), @"
    exit: 0
    --- stdout
    context prod switched; it is the current context now
    --- stderr
    ");
    assert_snapshot!(env.ctl(["system", "context", "list", "-o", "custom-columns=NAME:.name,CURRENT:.current"]).run(), @"
    exit: 0
    --- stdout
    NAME     CURRENT
    local    false
    staging  false
    prod     true
    --- stderr
    ");
}

#[test]
fn a_record_without_a_living_process_is_no_plane_that_keeps_running() {
    let env = Env::with_contexts();
    env.write("home/.meshery/run/server.json", "{}");
    let output = env.ctl(["system", "context", "switch", "staging"]).ok();
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn view_shows_one_or_all() {
    let env = Env::with_contexts();
    assert_snapshot!(env.ctl(["system", "context", "view", "staging", "-o", "json"]).run(), @r#"
    exit: 0
    --- stdout
    {
      "name": "staging",
      "current": false,
      "endpoint": "https://staging.example.org",
      "platform": "local",
      "token": "default",
      "token-location": "$ROOT/home/.meshery/auth.json",
      "components": [],
      "channel": "stable",
      "version": "latest",
      "provider": ""
    }
    --- stderr
    "#);
    let all = env.ctl(["system", "context", "view", "--all", "-o", "json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_snapshot!(env.ctl(["system", "context", "view", "staging", "--all"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: the argument '[NAME]' cannot be used with '--all'
      Usage: mesheryctl system context view <NAME>
    fix: See `mesheryctl system context view --help`.
    see: mesheryctl explain usage-error
    ");
}
