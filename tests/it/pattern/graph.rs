//! Pictures of patterns.

use super::apply::{HELLO, run, world};
use crate::support::env::Env;
use crate::support::tty::Piped;

fn drawn(env: &Env, form: &str) -> String {
    env.ctl(["pattern", "graph", "-f", "hello.yaml", "-o", form]).ok().stdout
}

fn hello() -> Env {
    let env = Env::new();
    env.write("work/hello.yaml", HELLO);
    env
}

#[test]
fn a_graph_is_drawn_with_characters_offline() {
    let env = hello();
    insta::assert_snapshot!(env.ctl(["pattern", "graph", "-f", "hello.yaml"]).run(), @r"
    exit: 0
    --- stdout
    hello: 3 services in 3 waves
    1 ── hello     Namespace
    2 ── settings  ConfigMap   hello  after hello*
    3 ── web       Deployment  hello  after settings
    * Kubernetes wants it first: the namespace, or the CRD of the kind
    --- stderr
    ");
    let ascii = env.ctl(["pattern", "graph", "-f", "hello.yaml"]).var("LC_ALL", "C").ok();
    assert!(ascii.stdout.is_ascii(), "{ascii}");
}

#[test]
fn every_form_shows_the_same_services() {
    let env = hello();
    for form in ["text", "dot", "mermaid", "svg", "json", "yaml", "name"] {
        let text = drawn(&env, form);
        assert!(["hello", "settings", "web"].iter().all(|name| text.contains(name)), "{form}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&drawn(&env, "json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&env.ctl(["schema", "pattern", "graph"]).ok().stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json), "{json}");
    assert_eq!(json["edges"][1], serde_json::json!({"service": "web", "needs": "settings", "why": "depends-on"}));
}

#[test]
fn files_are_drawn_by_their_ending_and_a_terminal_gets_no_png() {
    let env = hello();
    let output = env.ctl(["pattern", "graph", "-f", "hello.yaml", "--output-file", "g.png"]).ok();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", "Drawn to g.png.\n"));
    assert!(std::fs::read(env.path("work/g.png")).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    env.ctl(["pattern", "graph", "-f", "hello.yaml", "--output-file", "g.mmd"]).ok();
    assert!(env.read("work/g.mmd").contains("flowchart LR"));
    let screen = env.ctl(["pattern", "graph", "-f", "hello.yaml", "-o", "png"]).on_terminal(Piped::default(), &[]);
    assert_eq!(screen.code, Some(2), "{}", screen.text);
    assert!(screen.text.contains("--output-file"), "{}", screen.text);
}

#[test]
fn other_verbs_refuse_pictures_before_they_do_anything() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "svg"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("this command has no -o svg"), "{output}");
    assert_eq!(run(&env, &["pattern", "status", "hello"]).code, Some(5), "nothing was applied");
}

#[test]
fn the_live_health_is_shown_of_an_applied_and_of_a_stored_pattern() {
    let (env, _practice) = world();
    let before = run(&env, &["pattern", "graph", "-f", "hello.yaml", "--status"]);
    assert_eq!(before.stdout.matches("not-applied").count(), 3, "{before}");
    run(&env, &["pattern", "apply", "-f", "hello.yaml", "--wait"]);
    let after = run(&env, &["pattern", "graph", "hello", "--status", "-o", "json"]);
    let services = after.json()["services"].as_array().unwrap().clone();
    assert!(services.iter().all(|service| service["health"] == "ready"), "{after}");
}

#[test]
fn a_circle_and_nothing_to_draw_are_errors() {
    let env = Env::new();
    env.write(
        "work/c.yaml",
        "name: c\nservices:\n  a: {type: ConfigMap, dependsOn: [b]}\n  b: {type: ConfigMap, dependsOn: [a]}\n",
    );
    let circle = env.ctl(["pattern", "graph", "-f", "c.yaml"]).run();
    assert_eq!(circle.code, Some(65), "{circle}");
    assert_eq!(env.ctl(["pattern", "graph"]).run().code, Some(2));
}
