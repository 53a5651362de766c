//! What delete takes away, and what it leaves.

use super::apply::{HELLO, actions, run, world};
use crate::support::cluster::Practice;

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
    let again = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(actions(&again)[0], "default configured", "its marks were taken back: {again}");
}

#[test]
fn a_pattern_stays_stored_while_another_cluster_has_it() {
    let (env, _practice) = world();
    let _other = Practice::start_as(&env, "other-kubeconfig");
    let on = |file: &str, args: &[&str]| env.ctl(args.iter().copied()).var("KUBECONFIG", env.path(file)).run();
    for file in ["kubeconfig", "other-kubeconfig"] {
        let renamed = env.read(file).replace("practice", file);
        env.write(file, renamed);
        assert_eq!(on(file, &["pattern", "apply", "-f", "hello.yaml"]).code, Some(0));
    }
    let first = on("kubeconfig", &["pattern", "delete", "hello", "--yes"]);
    assert_eq!(first.code, Some(0), "{first}");
    assert!(first.stderr.contains("stays stored"), "{first}");
    assert_eq!(run(&env, &["pattern", "list", "-o", "jsonpath={[*].applied[*].context}"]).stdout, "other-kubeconfig\n");
    assert_eq!(on("other-kubeconfig", &["pattern", "delete", "hello", "--yes"]).code, Some(0));
    assert_eq!(run(&env, &["pattern", "list", "-o", "json"]).stdout, "[]\n");
}

#[test]
fn a_context_that_became_another_cluster_leaves_no_record_behind() {
    let (env, practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    drop(practice);
    let _anew = Practice::start(&env);
    let applied = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert!(applied.stderr.contains("context practice meant another cluster before; 3 objects"), "{applied}");
    assert_eq!(run(&env, &["pattern", "list", "-o", "jsonpath={[*].applied[*].context}"]).stdout, "practice\n");
}

#[test]
fn a_pattern_that_is_only_stored_is_deleted_without_a_cluster() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    run(&env, &["pattern", "delete", "hello", "--yes", "--keep-stored"]);
    let output = env.ctl(["pattern", "delete", "hello", "--yes"]).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(env.ctl(["pattern", "list", "-o", "json"]).ok().stdout, "[]\n");
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
