//! Other formats become patterns.

use serde_json::Value;

use super::apply::{actions, run, world};
use crate::support::cluster::Practice;
use crate::support::ctl::Output;
use crate::support::env::Env;

pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/import");

fn services(output: &Output) -> Value {
    mesheryctl::base::yaml::read_kubernetes(&output.stdout).unwrap()["services"].clone()
}

#[test]
fn manifests_become_a_pattern_with_nothing_lost() {
    let env = Env::new();
    let output = env.ctl(["pattern", "import", "-f", &format!("{FIXTURES}/bookshop.yaml")]).ok();
    let services = services(&output);
    let keys: Vec<&String> = services.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "bookshop",
            "reviews-serviceaccount",
            "reviews-service",
            "settings",
            "reviews-deployment",
            "reader-role",
            "reader-rolebinding",
            "bookshop-check",
            "novels",
            "reviews-virtualservice"
        ]
    );
    assert_eq!(
        services["settings"]["settings"]["data"]["prometheus.yml"],
        "scrape_configs:\n---\n- job_name: \"{{ .name }}\"\n"
    );
    assert_eq!(services["settings"]["settings"]["data"]["on"], "yes");
    assert_eq!(services["reader-role"]["settings"]["rules"][0]["verbs"][0], "get");
    assert_eq!(services["novels"]["settings"]["books"][1]["title"], "Two");
    assert_eq!(services["novels"]["apiVersion"], "example.org/v1");
    assert_eq!(services["reviews-deployment"]["dependsOn"], serde_json::json!(["reviews-serviceaccount", "settings"]));
    insta::assert_snapshot!(output.stderr.replace(FIXTURES, "$FIXTURES"), @r"
    $FIXTURES/bookshop.yaml is Kubernetes manifests
    left out of 1 object: `status`
    left out of 1 object: kubectl's last-applied-configuration
    ");
}

#[test]
fn an_imported_pattern_is_stored_written_and_passed_through() {
    let env = Env::new();
    let source = format!("{FIXTURES}/compose.yaml");
    let saved = env.ctl(["pattern", "import", "-f", &source, "--save", "--output-file", "shop.yaml"]).ok();
    assert!(saved.stdout.starts_with("pattern shop with 8 services written to shop.yaml\n"), "{saved}");
    let text = env.read("work/shop.yaml");
    assert_eq!(env.ctl(["pattern", "view", "shop"]).ok().stdout, text);
    let again = env.ctl(["pattern", "import", "-f", "shop.yaml"]).ok();
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), (text.as_str(), "shop.yaml is a pattern\n"));
    let json = env.ctl(["pattern", "import", "-f", &source, "--name", "other", "-o", "json"]).ok().json();
    assert_eq!((&json["name"], &json["format"], &json["services"]), (&"other".into(), &"compose".into(), &8.into()));
}

#[test]
fn a_compose_file_runs_on_the_practice_cluster() {
    let (env, _practice) = world();
    let source = format!("{FIXTURES}/compose.yaml");
    let output = env.ctl(["pattern", "import", "-f", &source, "-q"]).ok();
    insta::assert_snapshot!(output.stderr.replace(FIXTURES, "$FIXTURES"), @r"
    warning: $FIXTURES/compose.yaml:18:7: services.api.depends_on.db: service_healthy is kept as an order only: db is applied first
    warning: $FIXTURES/compose.yaml:37:5: services.db.cgroup_parent: has no counterpart in Kubernetes and is left out
    warning: $FIXTURES/compose.yaml:32:9: services.db.volumes[1]: ./dump is a folder of this machine, which pods do not have; it is left out
    ");
    env.write("work/shop.yaml", output.stdout);
    let applied = run(&env, &["pattern", "apply", "-f", "shop.yaml", "-o", "json"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    assert_eq!(actions(&applied).len(), 8);
}

#[test]
fn standard_input_json_and_several_sources_become_one_pattern() {
    let env = Env::new();
    env.write("work/a/one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n");
    env.write("work/a/sub/two.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "two"}}"#);
    env.write("work/a/empty.yaml", "# nothing\n");
    let three = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: three}\n";
    let output = env.ctl(["pattern", "import", "-f", "a", "-R", "-f", "-", "--name", "all"]).stdin(three).ok();
    insta::assert_snapshot!(output, @r"
    exit: 0
    --- stdout
    name: all
    services:
      one:
        type: ConfigMap
        apiVersion: v1
      two:
        type: ConfigMap
        apiVersion: v1
      three:
        type: Secret
        apiVersion: v1
    --- stderr
    a/one.yaml is Kubernetes manifests
    a/sub/two.json is Kubernetes manifests
    standard input is Kubernetes manifests
    ");
}

#[test]
fn what_cannot_be_imported_says_why() {
    let env = Env::new();
    env.write("work/odd.yaml", "a: 1\n");
    env.write("work/nameless.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n");
    env.write("work/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    env.write("work/kust/kustomization.yaml", "resources: []\n");
    let fails =
        |args: &[&str]| env.ctl(["pattern", "import"].iter().chain(args).copied()).var("PATH", "/nowhere").run();
    for (args, code, text) in [
        (&["-f", "odd.yaml"][..], 65, "odd.yaml is of no known format"),
        (&["-f", "nameless.yaml"], 65, "nameless.yaml:1: the Pod has `generateName: a-` and no `name`"),
        (&["-f", "odd.yaml", "--from", "zip"], 2, "`zip` is no format that can be imported"),
        (&["-f", "missing.yaml"], 5, "cannot read missing.yaml"),
        (&["-f", "chart"], 1, "`helm` is not on PATH"),
        (&["-f", "kust"], 1, "neither `kustomize` nor `kubectl` is on PATH"),
        (&[], 2, "there is nothing to import"),
    ] {
        let output = fails(args);
        assert!(
            output.code == Some(code) && output.stderr.contains(text) && output.stdout.is_empty(),
            "{args:?} {output}"
        );
    }
}

#[test]
fn a_namespace_comes_back_as_it_was_applied() {
    let (env, practice) = world();
    let applied = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-q"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    let secret = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "type": "Opaque", "data": {"a": "Yg=="}}"#;
    practice.call("POST", "/api/v1/namespaces/hello/secrets", "application/json", secret);
    let imported = run(&env, &["pattern", "import", "--from-cluster", "hello", "--output-file", "back.yaml"]);
    assert_eq!(imported.code, Some(0), "{imported}");
    assert!(imported.stderr.contains("left out: 1 object (a Secret; --include-secrets takes them)"), "{imported}");
    assert!(imported.stderr.contains("warning: pattern `hello` applied some of these objects"), "{imported}");
    let again = run(&env, &["pattern", "apply", "-f", "back.yaml", "-o", "json"]);
    assert_eq!(again.code, Some(0), "{again}");
    let mut actions = actions(&again);
    actions.sort();
    assert_eq!(actions, ["hello unchanged", "settings unchanged", "web unchanged"]);
    let narrowed =
        run(&env, &["pattern", "import", "--from-cluster", "hello", "--kinds", "secrets", "--include-secrets"]);
    assert!(narrowed.stdout.contains("a: Yg==") && !narrowed.stdout.contains("ConfigMap"), "{narrowed}");
    let unknown = run(&env, &["pattern", "import", "--from-cluster", "hello", "--kinds", "Deploymnt"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("did you mean Deployment?"), "{unknown}");
    let empty = run(&env, &["pattern", "import", "--from-cluster", "nowhere"]);
    assert!(empty.code == Some(2) && empty.stderr.contains("nothing that users own"), "{empty}");
}

#[test]
fn objects_that_others_made_with_defaults_come_without_them() {
    let env = Env::new();
    let practice = Practice::start(&env);
    let namespace = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}}"#;
    practice.call("POST", "/api/v1/namespaces", "application/json", namespace);
    let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}"#;
    practice.call("POST", "/api/v1/namespaces/theirs/services", "application/json", service);
    let imported = run(&env, &["pattern", "import", "--from-cluster", "theirs", "--kinds", "Service", "-q"]);
    insta::assert_snapshot!(imported, @r"
    exit: 0
    --- stdout
    name: theirs
    services:
      web:
        type: Service
        apiVersion: v1
        namespace: theirs
        settings:
          spec:
            selector:
              app: web
            ports:
            - port: 80
    --- stderr
    ");
}
