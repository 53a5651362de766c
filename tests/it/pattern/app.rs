//! Applications: patterns that were made of something else.

use serde_json::json;

use super::apply::{actions, run, world};
use super::import::FIXTURES;

#[test]
fn an_application_is_onboarded_listed_and_offboarded() {
    let (env, _practice) = world();
    let source = format!("{FIXTURES}/compose.yaml");
    let onboarded = run(&env, &["app", "onboard", "-f", &source, "-s", "Docker Compose", "-q", "-o", "json"]);
    assert_eq!(onboarded.code, Some(0), "{onboarded}");
    assert_eq!(actions(&onboarded).len(), 8);
    run(&env, &["pattern", "apply", "-f", "hello.yaml", "-q"]);
    let apps = run(&env, &["app", "list", "-o", "name"]);
    assert_eq!(apps.stdout, "shop\n", "{apps}");
    let patterns = run(&env, &["pattern", "list", "-o", "name"]);
    assert_eq!(patterns.stdout, "hello\nshop\n", "an application is a pattern");
    let not_one = run(&env, &["app", "view", "hello"]);
    assert!(
        not_one.code == Some(5) && not_one.stderr.contains("`hello` is a pattern, not an application"),
        "{not_one}"
    );
    let viewed = run(&env, &["application", "view", "shop", "-o", "json"]).json();
    assert_eq!(viewed["location"], json!({"kind": "application", "source_type": "compose", "type": "local"}));
    let offboarded = run(&env, &["app", "offboard", "shop", "--yes", "-o", "json"]);
    assert_eq!(offboarded.code, Some(0), "{offboarded}");
    assert!(actions(&offboarded).iter().all(|action| action.ends_with(" deleted")), "{offboarded}");
    let empty = run(&env, &["app", "list"]);
    assert_eq!(empty.stderr, "No applications found.\n");
}

#[test]
fn an_application_is_imported_first_and_onboarded_by_name() {
    let (env, _practice) = world();
    env.write("work/m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    let imported = run(&env, &["app", "import", "-f", "m.yaml", "-s", "Kubernetes Manifest", "--name", "small"]);
    assert!(imported.stdout.starts_with("application small with 1 service stored as "), "{imported}");
    let onboarded = run(&env, &["app", "onboard", "small", "-o", "json"]);
    assert_eq!(actions(&onboarded), ["a created"]);
    let refused = run(&env, &["app", "offboard", "small"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--yes"), "{refused}");
    let offboarded = run(&env, &["app", "offboard", "-f", "m.yaml", "--name", "small", "-o", "json"]);
    assert_eq!(actions(&offboarded), ["a deleted"]);
    let nothing = run(&env, &["app", "onboard"]);
    assert!(nothing.code == Some(2) && nothing.stderr.contains("there is nothing to onboard"), "{nothing}");
}
