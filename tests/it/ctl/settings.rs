use insta::assert_snapshot;

use crate::support::env::Env;

#[test]
fn every_setting_has_a_value_and_an_origin() {
    let env = Env::with_contexts();
    env.write(
        "work/.meshery.yaml",
        "context: staging\noutput: table\nkube-context: [a, b]\nnamespace: shop\ntimeout: 2m\n",
    );
    // Not as a table, whose widths would depend on where temporary folders are.
    let form = "jsonpath={range .items[*]}{.setting} = {.value} ({.origin}){\"\\n\"}{end}";
    let output = env.ctl(["config", "view", "--no-input", "-o", form]).var("MESHERY_COLOR", "never").run();
    assert_snapshot!(output, @"
    exit: 0
    --- stdout
    config = $ROOT/home/.meshery/config.yaml (default)
    home = $ROOT/home/.meshery (default)
    context = staging (file $ROOT/work/.meshery.yaml)
    endpoint = https://staging.example.org (file $ROOT/home/.meshery/config.yaml)
    token = $ROOT/home/.meshery/auth.json (file $ROOT/home/.meshery/config.yaml)
    platform = local (file $ROOT/home/.meshery/config.yaml)
    channel = stable (file $ROOT/home/.meshery/config.yaml)
    version = latest (file $ROOT/home/.meshery/config.yaml)
    provider =  (file $ROOT/home/.meshery/config.yaml)
    timeout = 120s (file $ROOT/work/.meshery.yaml)
    ca-file =  (default)
    kubeconfig =  (default)
    kube-context = a,b (file $ROOT/work/.meshery.yaml)
    namespace = shop (file $ROOT/work/.meshery.yaml)
    protected-contexts =  (default)
    import-allow =  (default)
    output = jsonpath (flag --output)
    color = never (environment MESHERY_COLOR)
    quiet = false (default)
    verbose = false (default)
    yes = false (default)
    no-input = true (flag --no-input)
    --- stderr
    ");
}

#[test]
fn a_secret_in_the_environment_is_not_shown() {
    let env = Env::new();
    let output = env.ctl(["config", "view", "-o", "json"]).var("MESHERY_TOKEN", "top-secret").ok();
    assert!(!output.stdout.contains("top-secret") && output.stdout.contains("(set)"), "{output}");
}

#[test]
fn the_project_file_is_checked() {
    let env = Env::new();
    env.write("work/.meshery.yaml", "contxt: a\n");
    assert_snapshot!(env.ctl(["system", "context", "list"]).run(), @"
    exit: 65
    --- stdout
    --- stderr
    error: $ROOT/work/.meshery.yaml:1:1: unknown field `contxt`, expected one of `context`, `kube-context`, `output`, `color`, `timeout`, `endpoint`, `namespace`, `protected-contexts`, `import-allow`, `required-version`
    fix: Keys are context, kube-context, protected-contexts, import-allow, output, color, timeout, endpoint, namespace and required-version.
    see: mesheryctl explain config-parse
    ");
    env.write("work/.meshery.yaml", "required-version: 99.0.0\n");
    assert_snapshot!(env.ctl(["system", "context", "list"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: this project needs mesheryctl 99.0.0 or newer; this is 0.1.0
    cause: `required-version` in $ROOT/work/.meshery.yaml
    fix: Install a newer mesheryctl with `mesheryctl self update` or install.sh, or correct .meshery.yaml.
    see: mesheryctl explain version-too-old
    ");
    assert_eq!(env.ctl(["version", "--client"]).run().code, Some(0), "what needs no files is not stopped");
}

#[test]
fn wrong_values_name_the_flag() {
    let env = Env::new();
    assert_snapshot!(env.ctl(["system", "context", "list", "--timeout", "soon"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: `soon` is not a time for --timeout
    cause: a number and a unit are wanted, such as 500ms, 30s or 2h
    fix: Write a number of seconds or a time such as 30s, 5m or 1h30m.
    see: mesheryctl explain config-value
    ");
    assert_snapshot!(env.ctl(["system", "context", "list", "--color", "sometimes"]).run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'sometimes' for '--color <WHEN>'
      [possible values: auto, always, never]
    fix: See `mesheryctl system context list --help`.
    see: mesheryctl explain usage-error
    ");
    assert_snapshot!(env.ctl(["system", "context", "list"]).var("MESHERY_OUTPUT", "jsn").run(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'jsn' for '--output <FORMAT>': expected one of table, wide, json, yaml, jsonl, name, jsonpath=EXPR, custom-columns=SPEC; did you mean json, jsonl?
      the value comes from the environment variable MESHERY_OUTPUT
    fix: See `mesheryctl system context list --help`.
    see: mesheryctl explain usage-error
    ");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let env = Env::new();
    let output = env.ctl(["system", "context", "list"]).var("MESHERY_OUTPUT", "").var("MESHERY_CONTEXT", "").ok();
    assert!(output.stdout.contains("local"), "{output}");
}
