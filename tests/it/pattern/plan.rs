//! What apply would do: pattern plan, and apply --dry-run.

use serde_json::Value;

use super::apply::{HELLO, run, world};
use crate::support::cluster::Practice;
use crate::support::ctl::Output;
use crate::support::env::Env;

const MERGE: &str = "application/merge-patch+json";

/// `SERVICE change` of every object of the first context.
pub fn changes(output: &Output) -> Vec<String> {
    let plans = output.json();
    let text =
        |object: &Value| format!("{} {}", object["service"].as_str().unwrap(), object["change"].as_str().unwrap());
    plans[0]["contexts"][0]["objects"].as_array().unwrap().iter().map(text).collect()
}

/// Another manager scales the deployment of HELLO.
pub fn scale(practice: &Practice, replicas: u32) {
    let path = "/apis/apps/v1/namespaces/hello/deployments/web?fieldManager=kubectl";
    practice.call("PATCH", path, MERGE, &format!("{{\"spec\": {{\"replicas\": {replicas}}}}}"));
}

fn plan(env: &Env, more: &[&str]) -> Output {
    run(env, &[&["pattern", "plan", "-f", "hello.yaml"], more].concat())
}

#[test]
fn a_first_plan_creates_everything_and_changes_nothing() {
    let (env, _practice) = world();
    let first = plan(&env, &[]);
    insta::assert_snapshot!(first, @r"
    exit: 0
    --- stdout
    hello on practice
      wave 0
        + create Namespace hello
      wave 1
        + create ConfigMap hello/settings  (checked by its schema alone: namespace hello is not there yet)
      wave 2
        + create Deployment hello/web  (checked by its schema alone: namespace hello is not there yet)
    Plan: 3 to create, 0 to change, 0 to delete, 0 unchanged.
    --- stderr
    ");
    let differs = plan(&env, &["--exit-code", "-o", "json"]);
    assert_eq!(differs.code, Some(1), "{differs}");
    assert_eq!(changes(&differs), ["hello create", "settings create", "web create"]);
    let objects = &differs.json()[0]["contexts"][0]["objects"];
    assert_eq!((&objects[2]["wave"], &objects[2]["dependsOn"]), (&2.into(), &serde_json::json!(["hello", "settings"])));
}

#[test]
fn what_stands_as_wanted_is_unchanged_and_ends_with_0() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let same = plan(&env, &["--exit-code"]);
    insta::assert_snapshot!(same, @r"
    exit: 0
    --- stdout
    hello on practice
    Plan: 0 to create, 0 to change, 0 to delete, 3 unchanged.
    --- stderr
    ");
    let shown = plan(&env, &["--show-unchanged", "--exit-code"]);
    assert!(shown.stdout.contains("= unchanged Deployment hello/web"), "{shown}");
    let stored = run(&env, &["pattern", "plan", "hello", "--exit-code", "-o", "name"]);
    assert_eq!(stored.code, Some(0), "{stored}");
    assert_eq!(stored.stdout, "namespace/hello\nconfigmap/settings\ndeployment.apps/web\n");
}

#[test]
fn each_field_says_why_it_differs_and_objects_that_left_are_deleted() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    scale(&practice, 4);
    let text =
        HELLO.replace("image: nginx", "image: nginx:2").replace("      replicas: 1\n", "      minReadySeconds: 5\n");
    let start = text.find("  settings:\n    type: ConfigMap").unwrap();
    let end = text.find("  web:").unwrap();
    let text = format!("{}{}", &text[..start], &text[end..]).replace("    dependsOn: [settings]\n", "");
    env.write("work/hello.yaml", text);
    insta::assert_snapshot!(plan(&env, &["--exit-code"]), @r#"
    exit: 1
    --- stdout
    hello on practice
      wave 1
        ~ configure Deployment hello/web
            spec.template.spec.containers[name=web].image: "nginx" -> "nginx:2"  (pattern)
            spec.minReadySeconds: (none) -> 5  (new)
      wave 2
        - delete ConfigMap hello/settings
    Plan: 0 to create, 1 to change, 1 to delete, 1 unchanged.
    --- stderr
    "#);
    let kept = plan(&env, &["--no-prune", "-o", "json"]);
    assert_eq!(changes(&kept), ["hello unchanged", "web configure"]);
    assert!(kept.stderr.contains("ConfigMap hello/settings left the pattern and stays: as asked"), "{kept}");
}

#[test]
fn a_value_that_somebody_else_wrote_is_drift_and_taken_over_only_by_force() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    scale(&practice, 4);
    let refused = plan(&env, &[]);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+s ago", "AGE ago");
    settings.bind(|| {
        insta::assert_snapshot!(refused, @r#"
    exit: 7
    --- stdout
    hello on practice
      wave 2
        x refused Deployment hello/web  (Deployment hello/web: another manager owns some of its fields)
            spec.replicas: 4 -> 1  (drift: kubectl, AGE ago)
    Plan: 0 to create, 0 to change, 0 to delete, 2 unchanged, 1 refused.
    --- stderr
    error: 1 of 3 objects would be refused
      hello.yaml:10:3: Deployment hello/web: another manager owns some of its fields
        .spec.replicas: conflict with "kubectl" using apps/v1
    fix: Remove the field from the pattern, or take it over with --force-conflicts.
    see: mesheryctl explain plan-refused
    "#);
    });
    let forced = plan(&env, &["--force-conflicts", "--exit-code", "-o", "json"]);
    assert_eq!(forced.code, Some(1), "{forced}");
    let field = &forced.json()[0]["contexts"][0]["objects"][2]["fields"][0];
    assert_eq!(
        (&field["path"], &field["origin"], &field["manager"]),
        (&"spec.replicas".into(), &"drift".into(), &"kubectl".into())
    );
}

#[test]
fn fields_that_cannot_change_need_a_new_object() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/hello.yaml", HELLO.replace("app: web", "app: site"));
    let refused = plan(&env, &[]);
    insta::assert_snapshot!(refused, @r#"
    exit: 7
    --- stdout
    hello on practice
      wave 2
        x refused Deployment hello/web  (Deployment hello/web: a field cannot be changed)
            spec.selector: Invalid value: {"matchLabels":{"app":"site"}}: field is immutable
    Plan: 0 to create, 0 to change, 0 to delete, 2 unchanged, 1 refused.
    --- stderr
    error: 1 of 3 objects would be refused
      hello.yaml:10:3: Deployment hello/web: a field cannot be changed
        spec.selector: Invalid value: {"matchLabels":{"app":"site"}}: field is immutable
    fix: Apply again with --recreate, which deletes the object and creates it anew; what it holds is lost, and it is away meanwhile.
    see: mesheryctl explain plan-refused
    "#);
    let allowed = plan(&env, &["--recreate", "-o", "json"]);
    assert_eq!(allowed.code, Some(0), "{allowed}");
    assert_eq!(changes(&allowed), ["hello unchanged", "settings unchanged", "web recreate"]);
}

#[test]
fn what_depends_on_a_refused_object_is_withheld() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/other.yaml", "name: other\nservices:\n  settings: {type: ConfigMap, namespace: hello}\n  more: {type: ConfigMap, namespace: hello, dependsOn: [settings]}\n");
    let output = run(&env, &["pattern", "plan", "-f", "other.yaml"]);
    insta::assert_snapshot!(output, @r"
    exit: 7
    --- stdout
    other on practice
      wave 0
        x refused ConfigMap hello/settings  (ConfigMap hello/settings belongs to pattern `hello`)
      wave 1
        . withheld ConfigMap hello/more  (service `settings` would fail)
    Plan: 0 to create, 0 to change, 0 to delete, 0 unchanged, 1 refused, 1 withheld.
    --- stderr
    error: 1 of 2 objects would be refused
      other.yaml:3:3: ConfigMap hello/settings belongs to pattern `hello`
    fix: Rename one of the two, delete the other pattern, or take the object over with --force-conflicts.
    see: mesheryctl explain plan-refused
    ");
}

#[test]
fn all_faults_against_the_schemas_are_told_at_once_with_their_places() {
    let (env, _practice) = world();
    env.write("work/hello.yaml", HELLO.replace("replicas: 1", "replica: 1").replace("greeting: hi", "greeting: 5"));
    let output = plan(&env, &[]);
    insta::assert_snapshot!(output, @r"
    exit: 65
    --- stdout
    hello on practice
      wave 0
        + create Namespace hello
      wave 1
        x refused ConfigMap hello/settings  (service `settings`: `data.greeting` of the ConfigMap must be text, found the number 5)
      wave 2
        x refused Deployment hello/web  (service `web`: Deployment has no field `spec.replica`; did you mean replicas?)
    Plan: 1 to create, 0 to change, 0 to delete, 0 unchanged, 2 refused.
    --- stderr
    error: 2 of 3 objects would be refused
      hello.yaml:9:14: service `settings`: `data.greeting` of the ConfigMap must be text, found the number 5
      hello.yaml:15:7: service `web`: Deployment has no field `spec.replica`; did you mean replicas?
    fix: Correct the field at the named place; `kubectl explain KIND.PATH` describes it.
    see: mesheryctl explain pattern-schema
    ");
    let client = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--dry-run=client"]);
    assert_eq!(client.code, Some(65), "{client}");
    assert!(client.stderr.contains("hello.yaml:9:14"), "{client}");
}

#[test]
fn a_crd_and_its_objects_are_planned_together_and_no_plural_is_guessed() {
    let env = Env::new();
    let _practice = Practice::start(&env);
    let pattern = "\
name: things
services:
  one: {type: Mouse, namespace: default, settings: {size: 3}}
  policy: {type: NetworkPolicy, namespace: default, settings: {podSelector: {}}}
  crd:
    type: CustomResourceDefinition.K8s
    name: mice.example.org
    settings:
      spec:
        group: example.org
        scope: Namespaced
        names: {kind: Mouse, plural: mice}
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
    let args = ["pattern", "plan", "-f", "things.yaml", "-o", "json"];
    let before = run(&env, &args);
    assert_eq!(changes(&before), ["policy create", "crd create", "one create"], "{before}");
    let because = &before.json()[0]["contexts"][0]["objects"][2]["because"];
    assert_eq!(because, "checked by its schema alone: example.org/v1/Mouse is not served yet");
    env.write("work/typo.yaml", pattern.replace("{size: 3}", "{size: big, tail: 1}"));
    let typo = run(&env, &["pattern", "plan", "-f", "typo.yaml"]);
    assert_eq!(typo.code, Some(65), "{typo}");
    assert!(
        typo.stderr.contains("typo.yaml:3:53: service `one`: `spec.size` of the Mouse must be a whole number"),
        "{typo}"
    );
    assert!(typo.stderr.contains("Mouse has no field `spec.tail`"), "{typo}");

    assert_eq!(run(&env, &["pattern", "apply", "-f", "things.yaml"]).code, Some(0));
    let after = run(&env, &args);
    assert_eq!(
        changes(&after),
        ["policy unchanged", "crd unchanged", "one unchanged"],
        "existing objects are no error"
    );
    let dry = run(&env, &["pattern", "apply", "-f", "typo.yaml", "--dry-run", "-o", "json"]);
    assert_eq!(dry.code, Some(65), "the schema that the cluster serves now decides: {dry}");
}

#[test]
fn a_dead_cluster_does_not_hide_the_plan_of_the_others() {
    let (env, _practice) = world();
    let text = env.read("kubeconfig");
    let server = text.split("server: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let dead = text.replace("practice", "dead").replace(&server, "http://127.0.0.1:1");
    env.write("dead", dead);
    let both = format!("{}:{}", env.path("kubeconfig").display(), env.path("dead").display());
    let run = |args: &[&str]| env.ctl(args.iter().copied()).var("KUBECONFIG", &both).run();
    let output = run(&["pattern", "plan", "-f", "hello.yaml", "--kube-context", "practice,dead", "-o", "json"]);
    assert_eq!(output.code, Some(7), "{output}");
    let contexts = output.json()[0]["contexts"].clone();
    assert_eq!((&contexts[0]["context"], &contexts[1]["context"]), (&"practice".into(), &"dead".into()));
    assert_eq!(contexts[0]["objects"].as_array().unwrap().len(), 3);
    assert_eq!(contexts[1]["error"]["code"], "cluster-unreachable");
    let alone = run(&["pattern", "plan", "-f", "hello.yaml", "--kube-context", "dead"]);
    assert_eq!(alone.code, Some(3), "{alone}");
    let client = run(&["pattern", "apply", "-f", "hello.yaml", "--kube-context", "dead", "--dry-run=client"]);
    assert_eq!(client.code, Some(0), "kinds of Kubernetes need no cluster: {client}");
}

#[test]
fn secrets_are_never_shown() {
    let env = Env::new();
    let _practice = Practice::start(&env);
    let secret = |data: &str| {
        format!(
            "name: s\nservices:\n  login:\n    type: Secret\n    namespace: default\n    settings: {{stringData: {{password: {data}}}}}\n"
        )
    };
    env.write("work/s.yaml", secret("first-word"));
    assert_eq!(run(&env, &["pattern", "apply", "-f", "s.yaml"]).code, Some(0));
    env.write("work/s.yaml", secret("second-word"));
    for form in ["table", "json", "yaml", "jsonl"] {
        let output = run(&env, &["pattern", "plan", "-f", "s.yaml", "-o", form]);
        assert_eq!(output.code, Some(0), "{output}");
        let all = output.to_string();
        assert!(all.contains("hidden") && all.contains("data.password"), "{all}");
        // What base64 makes of the two words.
        for word in ["first-word", "second-word", "Zmlyc3Qtd29yZA", "c2Vjb25kLXdvcmQ"] {
            assert!(!all.contains(word), "{form}: {all}");
        }
    }
}

#[test]
fn a_dry_run_shows_results_and_leaves_nothing() {
    let (env, _practice) = world();
    insta::assert_snapshot!(run(&env, &["pattern", "apply", "-f", "hello.yaml", "--dry-run"]), @r"
    exit: 0
    --- stdout
    SERVICE   KIND        NAMESPACE  NAME      RESULT
    hello     Namespace   -          hello     created (dry run)
    settings  ConfigMap   hello      settings  created (dry run)
    web       Deployment  hello      web       created (dry run)
    --- stderr
    ");
    insta::assert_snapshot!(run(&env, &["pattern", "apply", "-f", "hello.yaml", "--dry-run=client"]), @r"
    exit: 0
    --- stdout
    SERVICE   KIND        NAMESPACE  NAME      RESULT
    hello     Namespace   -          hello     valid (dry run)
    settings  ConfigMap   hello      settings  valid (dry run)
    web       Deployment  hello      web       valid (dry run)
    --- stderr
    ");
    let list = run(&env, &["pattern", "list", "-o", "json"]);
    assert_eq!(list.stdout, "[]\n", "a dry run stores nothing either");
    assert_eq!(changes(&plan(&env, &["-o", "json"])), ["hello create", "settings create", "web create"]);
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/hello.yaml", HELLO.replace("greeting: hi", "greeting: hello"));
    let dry = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--dry-run=server", "-o", "json"]).json();
    let actions: Vec<&Value> = dry[0]["results"].as_array().unwrap().iter().map(|result| &result["action"]).collect();
    assert_eq!(actions, ["unchanged", "configured", "unchanged"]);
    assert_eq!(dry[0]["dry_run"], true);
}

#[test]
fn two_hundred_objects_are_read_in_few_calls() {
    let env = Env::new();
    let _practice = Practice::start(&env);
    let services = (0..200).fold(String::new(), |text, number| {
        text + &format!("  m{number}: {{type: ConfigMap, namespace: default, settings: {{data: {{k: v{number}}}}}}}\n")
    });
    env.write("work/many.yaml", format!("name: many\nservices:\n{services}"));
    assert_eq!(run(&env, &["pattern", "apply", "-f", "many.yaml"]).code, Some(0));
    let output = run(&env, &["pattern", "plan", "-f", "many.yaml", "--exit-code"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.contains("0 to change, 0 to delete, 200 unchanged."), "{output}");
}
