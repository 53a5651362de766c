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
fn what_an_earlier_version_applied_and_was_left_is_deleted_too() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let smaller = HELLO.split("  web:").next().unwrap().to_owned();
    env.write("work/hello.yaml", smaller);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--no-prune"]);
    assert!(
        output
            .stderr
            .contains("1 object of an earlier version of the pattern left in place as asked: Deployment hello/web"),
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

#[test]
fn a_namesake_that_others_made_stays_and_so_does_its_namespace() {
    let (env, practice) = world();
    let call = |method: &str, path: &str, body: &str| practice.call(method, path, "application/json", body);
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let path = "/api/v1/namespaces/hello/configmaps";
    call("DELETE", &format!("{path}/settings"), "");
    call(
        "POST",
        path,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"mine":"yes"}}"#,
    );
    let status = run(&env, &["pattern", "status", "hello", "-o", "json"]).json();
    let settings = status["objects"].as_array().unwrap().iter().find(|object| object["service"] == "settings").unwrap();
    assert_eq!(settings["health"], "missing", "{settings}");
    let output = run(&env, &["pattern", "delete", "hello", "--yes", "-o", "json"]);
    assert_eq!(output.code, Some(7), "{output}");
    assert_eq!(actions(&output), ["web deleted", "settings skipped", "hello withheld"]);
    call("GET", &format!("{path}/settings"), "");
}

#[test]
fn an_object_that_is_being_deleted_does_not_count_as_applied() {
    let (env, _practice) = world();
    let held = "name: held\nservices:\n  held:\n    type: ConfigMap\n    namespace: default\n    settings:\n      metadata: {finalizers: [example.org/hold]}\n      data: {a: b}\n";
    env.write("work/held.yaml", held);
    assert_eq!(run(&env, &["pattern", "apply", "-f", "held.yaml"]).code, Some(0));
    let deleted = run(&env, &["pattern", "delete", "-f", "held.yaml", "--timeout", "1s"]);
    assert_ne!(deleted.code, Some(0), "{deleted}");
    let applied = run(&env, &["pattern", "apply", "-f", "held.yaml", "--timeout", "1s"]);
    assert_ne!(applied.code, Some(0), "{applied}");
}

#[test]
fn two_applies_at_once_take_turns() {
    let (env, _practice) = world();
    let pattern = |value: &str| {
        let services: Vec<String> = (0..40)
            .map(|n| format!("  c{n}: {{type: ConfigMap, namespace: default, settings: {{data: {{v: {value}}}}}}}\n"))
            .collect();
        format!("name: many\nservices:\n{}", services.concat())
    };
    env.write("work/one.yaml", pattern("one"));
    env.write("work/two.yaml", pattern("two"));
    std::thread::scope(|scope| {
        for file in ["one.yaml", "two.yaml"] {
            let env = &env;
            scope.spawn(move || assert_eq!(run(env, &["pattern", "apply", "-f", file]).code, Some(0)));
        }
    });
    let after = run(&env, &["pattern", "apply", "-f", "one.yaml", "-o", "json"]);
    let mut words: Vec<String> =
        actions(&after).iter().map(|action| action.split(' ').nth(1).unwrap().to_owned()).collect();
    words.dedup();
    assert_eq!(words.len(), 1, "the two are mixed: {words:?}");
}
