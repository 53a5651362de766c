//! Plans and drift on a real API server.

use super::plan::changes;
use crate::support::cluster::Kit;
use crate::support::ctl::Output;
use crate::support::env::Env;

fn run(kit: &Kit, env: &Env, args: &[&str]) -> Output {
    env.ctl(args.iter().copied()).var("KUBECONFIG", kit.get("KUBECONFIG")).run()
}

fn many(namespace: &str, count: usize) -> String {
    let service = |number: usize| {
        format!("  m{number}: {{type: ConfigMap, namespace: {namespace}, settings: {{data: {{k: v{number}}}}}}}\n")
    };
    let services = (0..count).fold(String::new(), |text, number| text + &service(number));
    format!("name: {namespace}\nservices:\n  {namespace}: {{type: Namespace}}\n{services}")
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn drift_is_told_with_its_author_and_healed_by_force() {
    let (kit, env) = (Kit::up(), Env::new());
    let pattern = super::apply::HELLO.replace("hello", "drift-real");
    env.write("work/p.yaml", &pattern);
    let plan = |more: &[&str]| run(&kit, &env, &[&["pattern", "plan", "-f", "p.yaml", "-o", "json"], more].concat());
    assert_eq!(changes(&plan(&[])), ["drift-real create", "settings create", "web create"]);
    let applied = run(&kit, &env, &["pattern", "apply", "-f", "p.yaml"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    let same = plan(&["--exit-code"]);
    assert_eq!(same.code, Some(0), "{same}");

    kit.kubectl(&["-n", "drift-real", "scale", "deployment/web", "--replicas=2"]);
    let image = r#"{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"other"}]}}}}"#;
    kit.kubectl(&["-n", "drift-real", "patch", "deployment/web", "--field-manager=kubectl-edit", "-p", image]);
    let drift = run(&kit, &env, &["pattern", "drift", "drift-real", "--exit-code", "-o", "json"]);
    assert_eq!(drift.code, Some(1), "{drift}");
    let fields = drift.json()[0]["contexts"][0]["objects"][2]["fields"].clone();
    let told: Vec<String> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| format!("{} {} {}", field["path"], field["live"], field["manager"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        ["spec.replicas 2 kubectl", "spec.template.spec.containers[name=web].image other kubectl-edit"],
        "{drift}"
    );
    let refused = plan(&[]);
    assert_eq!(refused.code, Some(7), "{refused}");
    let healed = run(&kit, &env, &["pattern", "apply", "-f", "p.yaml", "--force-conflicts"]);
    assert_eq!(healed.code, Some(0), "{healed}");
    assert_eq!(run(&kit, &env, &["pattern", "drift", "drift-real", "--exit-code"]).code, Some(0));

    env.write("work/p.yaml", pattern.replace("app: web", "app: site"));
    assert_eq!(changes(&plan(&["--recreate"])).last().unwrap(), "web recreate");
    let deleted = run(&kit, &env, &["pattern", "delete", "drift-real", "--yes"]);
    assert_eq!(deleted.code, Some(0), "{deleted}");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_plan_of_two_hundred_unchanged_objects_finds_nothing_to_do() {
    let (kit, env) = (Kit::up(), Env::new());
    env.write("work/many.yaml", many("plan-many", 200));
    assert_eq!(run(&kit, &env, &["pattern", "apply", "-f", "many.yaml"]).code, Some(0));
    let output = run(&kit, &env, &["pattern", "plan", "-f", "many.yaml", "--exit-code"]);
    assert_eq!(output.code, Some(0), "{output}");
    run(&kit, &env, &["pattern", "delete", "plan-many", "--yes"]);
}
