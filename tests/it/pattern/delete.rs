//! What delete takes away, and what it leaves.

use super::apply::{HELLO, actions, run, world};

#[test]
fn delete_takes_what_was_applied_in_reverse_order() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let output = run(&env, &["pattern", "delete", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output), ["web deleted", "settings deleted", "hello deleted"]);
    let again = run(&env, &["pattern", "delete", "hello", "--yes"]);
    assert_eq!(again.code, Some(5), "{again}");
    let list = run(&env, &["pattern", "list", "-o", "json"]);
    assert_eq!(list.stdout, "[]\n", "the stored pattern is gone too");
}

#[test]
fn row_37_a_name_needs_consent_and_says_how_to_give_it() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let output = run(&env, &["pattern", "delete", "hello"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("--yes"), "{output}");
    let yes = run(&env, &["pattern", "delete", "hello", "--yes", "--keep-stored"]);
    assert_eq!(yes.code, Some(0), "row 39: {yes}");
    let kept = run(&env, &["pattern", "list", "-o", "name"]);
    assert_eq!(kept.stdout, "hello\n");
}

#[test]
fn what_an_earlier_version_applied_is_deleted_too() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let smaller = HELLO.split("  web:").next().unwrap().to_owned();
    env.write("work/hello.yaml", smaller);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert!(
        output.stderr.contains("1 object of an earlier version of the pattern left in place: Deployment hello/web"),
        "{output}"
    );
    let deleted = run(&env, &["pattern", "delete", "-f", "hello.yaml", "-o", "json"]);
    assert!(actions(&deleted).contains(&"web deleted".to_owned()), "{deleted}");
}

#[test]
fn a_namespace_that_was_there_before_stays() {
    let (env, _practice) = world();
    env.write(
        "work/hello.yaml",
        HELLO
            .replace("hello:\n    type: Namespace", "default:\n    type: Namespace")
            .replace("namespace: hello", "namespace: default"),
    );
    let applied = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    assert!(applied.stderr.contains("namespace default was there before"), "{applied}");
    let deleted = run(&env, &["pattern", "delete", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(deleted.code, Some(0), "{deleted}");
    assert_eq!(actions(&deleted), ["web deleted", "settings deleted"]);
}

#[test]
fn another_machine_deletes_by_the_file_what_carries_the_patterns_name() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let elsewhere = env.ctl(["pattern", "delete", "-f", "hello.yaml", "-o", "json"]);
    let output = elsewhere.var("KUBECONFIG", env.path("kubeconfig")).var("MESHERY_HOME", env.path("other-home")).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output), ["web deleted", "settings deleted"]);
}

#[test]
fn a_pattern_that_is_not_applied_here_says_so() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "delete", "-f", "hello.yaml", "--keep-stored"]);
    assert_eq!(output.code, Some(5), "{output}");
    assert!(output.stderr.contains("pattern `hello` is not applied to practice"), "{output}");
}
