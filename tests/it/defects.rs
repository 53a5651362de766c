//! Defects of the planners and command lines that came before, each as the behaviour that is right. The number is that
//! of the catalogue of defects; those of imports, references and traits stand beside their stages.

use mesheryctl::sample::faults::Matcher;

use crate::pattern::apply::{HELLO, actions, run, world};

#[test]
fn defect_1_an_unknown_dependency_is_an_error_on_apply_and_on_delete_and_neither_hangs() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/broken.yaml", HELLO.replace("dependsOn: [settings]", "dependsOn: [setings]"));
    for verb in ["apply", "delete"] {
        let output = run(&env, &["pattern", verb, "-f", "broken.yaml", "--yes"]);
        assert!(!output.stderr.contains("panic"), "{output}");
        if verb == "apply" {
            assert_eq!(output.code, Some(65), "{output}");
            assert!(output.stderr.contains("did you mean settings?"), "{output}");
        } else {
            assert_eq!(output.code, Some(0), "what was applied can be deleted whatever the file says now: {output}");
        }
    }
}

#[test]
fn defect_2_a_dependency_that_fails_withholds_also_when_another_succeeds_later() {
    let (env, practice) = world();
    let services = "  bad: {type: Secret, namespace: hello}\n  good: {type: ConfigMap, namespace: hello, dependsOn: [settings]}\n  last: {type: ConfigMap, namespace: hello, dependsOn: [bad, good]}\n";
    env.write("work/hello.yaml", format!("{HELLO}{services}"));
    practice.cluster.faults().refuse(Matcher::any().verbs(&["patch"]).resource("secrets"), 403, "closed");
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(7), "{output}");
    let actions = actions(&output);
    assert!(actions.contains(&"good created".to_owned()) && actions.contains(&"last withheld".to_owned()), "{output}");
}

#[test]
fn defect_3_deletion_is_the_reverse_of_application() {
    let (env, _practice) = world();
    let applied = actions(&run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]));
    let mut deleted = actions(&run(&env, &["pattern", "delete", "-f", "hello.yaml", "-o", "json"]));
    deleted.reverse();
    let services =
        |rows: &[String]| rows.iter().map(|row| row.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(services(&applied), services(&deleted));
}

#[test]
fn defect_10_what_was_applied_before_a_failure_is_known_and_deleted() {
    let (env, practice) = world();
    practice.cluster.faults().refuse(Matcher::any().verbs(&["patch"]).resource("deployments"), 403, "closed");
    assert_eq!(run(&env, &["pattern", "apply", "-f", "hello.yaml"]).code, Some(7));
    let deleted = run(&env, &["pattern", "delete", "hello", "--yes", "-o", "json"]);
    assert_eq!(actions(&deleted), ["settings deleted", "hello deleted"], "{deleted}");
}

#[test]
fn defects_16_and_17_an_immutable_field_is_a_failure_and_a_forced_recreation_a_success() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/hello.yaml", HELLO.replace("app: web", "app: other"));
    assert_eq!(run(&env, &["pattern", "apply", "-f", "hello.yaml"]).code, Some(7));
    assert_eq!(run(&env, &["pattern", "apply", "-f", "hello.yaml", "--recreate"]).code, Some(0));
}

#[test]
fn defects_19_and_20_success_is_told_in_the_good_case_only_and_the_exit_code_says_the_same() {
    let (env, practice) = world();
    let good = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(good.code, Some(0), "{good}");
    assert!(good.stdout.contains("created"), "{good}");
    practice.cluster.faults().refuse(Matcher::any().writes(), 403, "closed");
    env.write("work/hello.yaml", HELLO.replace("greeting: hi", "greeting: bye"));
    let bad = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_ne!(bad.code, Some(0), "{bad}");
    assert!(bad.stderr.contains("closed"), "{bad}");
}

#[test]
fn defect_22_the_operation_has_an_id_that_can_be_asked_for() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    let operations = output.json();
    let id = operations[0]["id"].as_str().unwrap();
    let view = run(&env, &["operation", "view", id, "-o", "json"]);
    assert_eq!((view.code, view.json()["status"].as_str()), (Some(0), Some("succeeded")), "{view}");
}

#[test]
fn defect_25_no_two_errors_share_a_code() {
    let names: std::collections::HashSet<&str> =
        mesheryctl::base::error::Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), mesheryctl::base::error::Code::ALL.len());
}
