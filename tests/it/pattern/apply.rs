//! What apply does and says, on the practice cluster.

use serde_json::Value;

use crate::support::cluster::Practice;
use crate::support::ctl::Output;
use crate::support::env::Env;

pub const HELLO: &str = "\
name: hello
services:
  hello:
    type: Namespace.K8s
  settings:
    type: ConfigMap.K8s
    namespace: hello
    settings:
      data: {greeting: hi}
  web:
    type: Deployment
    namespace: hello
    dependsOn: [settings]
    settings:
      replicas: 1
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers: [{name: web, image: nginx}]
";

/// A world with the pattern HELLO in work/hello.yaml and a practice cluster.
pub fn world() -> (Env, Practice) {
    let env = Env::new();
    env.write("work/hello.yaml", HELLO);
    let practice = Practice::start(&env);
    (env, practice)
}

/// Runs the program against the practice cluster.
pub fn run(env: &Env, args: &[&str]) -> Output {
    env.ctl(args.iter().copied()).var("KUBECONFIG", env.path("kubeconfig")).run()
}

/// `SERVICE action` of every result, in the order of the results.
pub fn actions(output: &Output) -> Vec<String> {
    let operations = output.json();
    let results = operations.as_array().unwrap().iter().flat_map(|operation| operation["results"].as_array().unwrap());
    let text =
        |result: &Value| format!("{} {}", result["service"].as_str().unwrap(), result["action"].as_str().unwrap());
    results.map(text).collect()
}

#[test]
fn the_first_apply_creates_and_row_66_the_second_says_unchanged() {
    let (env, _practice) = world();
    let first = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(first.code, Some(0), "{first}");
    assert_eq!(actions(&first), ["hello created", "settings created", "web created"]);
    let second = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(second.code, Some(0), "{second}");
    assert_eq!(actions(&second), ["hello unchanged", "settings unchanged", "web unchanged"]);
}

#[test]
fn row_15_stdout_holds_the_result_and_stderr_the_talk() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    insta::assert_snapshot!(output, @r"
    exit: 0
    --- stdout
    SERVICE   KIND        NAMESPACE  NAME      RESULT
    hello     Namespace   -          hello     created
    settings  ConfigMap   hello      settings  created
    web       Deployment  hello      web       created
    --- stderr
    asking the cluster what it serves (practice)
    checking the pattern (practice)
    applying (practice)
    [1/3] Namespace hello created
    [2/3] ConfigMap hello/settings created
    [3/3] Deployment hello/web created
    hello on practice: 3 created
    ");
    let quiet = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-q", "-o", "name"]);
    insta::assert_snapshot!(quiet, @r"
    exit: 0
    --- stdout
    namespace/hello
    configmap/settings
    deployment.apps/web
    --- stderr
    ");
}

#[test]
fn a_changed_file_configures_only_what_changed() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/hello.yaml", HELLO.replace("greeting: hi", "greeting: hello"));
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(actions(&output), ["hello unchanged", "settings configured", "web unchanged"]);
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_place_and_nothing_is_sent() {
    let (env, _practice) = world();
    env.write(
        "work/hello.yaml",
        HELLO.replace("type: Deployment", "type: Deploymnet").replace("[settings]", "[setings]"),
    );
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    insta::assert_snapshot!(output, @r"
    exit: 65
    --- stdout
    --- stderr
    asking the cluster what it serves (practice)
    checking the pattern (practice)
    error: hello.yaml:11:5: service `web`: the cluster has no kind for type Deploymnet
      did you mean Deployment?
      also: hello.yaml:13:17: service `web` depends on `setings`, which is not a service of this pattern
    fix: Check the spelling; install the mesh or CRD that brings the kind.
    see: mesheryctl explain pattern-type-unknown
    ");
    let status = run(&env, &["pattern", "status", "hello"]);
    assert_eq!(status.code, Some(5), "{status}");
}

#[test]
fn status_tells_the_health_of_every_object() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let healthy = || {
        let status = run(&env, &["pattern", "status", "hello", "-o", "json"]).json();
        let objects = status["objects"].as_array().unwrap().clone();
        assert_eq!(objects.len(), 3);
        objects.iter().all(|object| object["health"] == "ready")
    };
    assert!((0..100).any(|_| healthy()), "the practice cluster's deployment never becomes ready");
}

#[test]
fn a_crd_and_its_object_go_in_one_apply() {
    let env = Env::new();
    let _practice = Practice::start(&env);
    let pattern = "\
name: things
services:
  one: {type: Thing, namespace: default, settings: {size: 3}}
  crd:
    type: CustomResourceDefinition.K8s
    name: things.example.org
    settings:
      spec:
        group: example.org
        scope: Namespaced
        names: {kind: Thing, plural: things}
        versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema:
                type: object
                properties: {spec: {type: object, properties: {size: {type: integer}}}}
";
    env.write("work/things.yaml", pattern);
    let output = run(&env, &["pattern", "apply", "-f", "things.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output), ["crd created", "one created"]);
}

#[test]
fn row_19_names_pipe_into_the_next_command() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let names = run(&env, &["pattern", "list", "-o", "name"]);
    assert_eq!(names.stdout, "hello\n");
    let view = run(&env, &["pattern", "view", names.stdout.trim()]);
    assert_eq!(view.stdout, HELLO);
    let by_alias = run(&env, &["design", "view", "hello"]);
    assert_eq!(by_alias.stdout, HELLO, "row 74");
}

#[test]
fn row_23_an_empty_list_is_definite() {
    let env = Env::new();
    let output = env.ctl(["pattern", "list", "-o", "json"]).ok();
    assert_eq!(output.stdout, "[]\n");
    let table = env.ctl(["pattern", "list"]).ok();
    assert_eq!((table.stdout.as_str(), table.stderr.as_str()), ("", "No patterns found.\n"));
}

#[test]
fn row_25_the_exit_code_is_the_same_under_every_form() {
    let (env, _practice) = world();
    env.write("work/broken.yaml", "name: a\nservices: 3\n");
    for form in ["table", "wide", "json", "yaml", "jsonl", "name", "jsonpath={[*].status}"] {
        let output = run(&env, &["pattern", "apply", "-f", "broken.yaml", "-o", form]);
        assert_eq!(output.code, Some(65), "{form}: {output}");
        let missing = run(&env, &["pattern", "status", "nobody", "-o", form]);
        assert_eq!(missing.code, Some(5), "{form}: {missing}");
    }
}

#[test]
fn an_object_of_another_pattern_is_not_taken_over_unasked() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/other.yaml", HELLO.replace("name: hello", "name: other"));
    let refused = run(&env, &["pattern", "apply", "-f", "other.yaml"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("Namespace hello belongs to pattern `hello`"), "{refused}");
    let forced = run(&env, &["pattern", "apply", "-f", "other.yaml", "--force-conflicts"]);
    assert_eq!(forced.code, Some(0), "{forced}");
}

#[test]
fn every_argument_is_a_pattern_and_an_unquoted_name_with_spaces_still_one() {
    let (env, _practice) = world();
    env.write("work/two.yaml", "name: my shop\nservices:\n  two: {type: ConfigMap, namespace: default}\n");
    let applied = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-f", "two.yaml"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    let both = run(&env, &["pattern", "status", "hello", "my shop", "-o", "name"]);
    assert_eq!(both.stdout, "namespace/hello\nconfigmap/settings\ndeployment.apps/web\nconfigmap/two\n", "{both}");
    let unquoted = run(&env, &["pattern", "status", "my", "shop", "-o", "custom-columns=N:.name"]);
    assert_eq!(unquoted.stdout, "N\ntwo\n", "{unquoted}");
    let unknown = run(&env, &["pattern", "status", "hello", "shop"]);
    assert_eq!(unknown.code, Some(5), "{unknown}");
    let deleted = run(&env, &["pattern", "delete", "hello", "my shop", "--yes", "-o", "name"]);
    assert_eq!(deleted.stdout.lines().count(), 4, "{deleted}");
}
