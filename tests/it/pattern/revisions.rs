//! History, rollback and the difference of revisions.

use insta::assert_snapshot;

use super::apply::{HELLO, actions, run, world};

#[test]
fn revisions_are_kept_shown_compared_and_applied_again() {
    let (env, practice) = world();
    let greeting = || practice.get("/api/v1/namespaces/hello/configmaps/settings")["data"]["greeting"].clone();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let extra = "  extra:\n    type: Secret\n    namespace: hello\n";
    env.write("work/hello.yaml", HELLO.replace("greeting: hi", "greeting: bye") + extra);
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(greeting(), "bye");

    let diff = run(&env, &["pattern", "diff", "hello"]);
    assert_eq!(diff.code, Some(1), "{diff}");
    assert!(diff.stdout.contains("-  greeting: hi\n+  greeting: bye\n"), "{diff}");
    assert!(diff.stdout.contains("+++ b/Secret hello/extra"), "{diff}");

    let back = run(&env, &["pattern", "rollback", "hello", "-o", "json"]);
    assert_eq!(back.code, Some(0), "{back}");
    assert_eq!(actions(&back), ["hello unchanged", "settings configured", "web unchanged", "extra pruned"]);
    assert_eq!(back.json()[0]["kind"], "pattern-rollback");
    assert_eq!(greeting(), "hi");

    let history =
        run(&env, &["pattern", "history", "hello", "-o", "custom-columns=N:.number,S:.status,C:.cause,O:.objects"]);
    assert_snapshot!(history.stdout, @r"
    N  S          C              O
    3  succeeded  rollback to 1  3
    2  succeeded  apply          4
    1  succeeded  apply          3
    ");
    let same = run(&env, &["pattern", "diff", "hello", "1", "3"]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{same}");
    let file = run(&env, &["pattern", "history", "hello", "--revision", "1"]);
    assert_eq!(file.stdout.trim_end(), HELLO.trim_end());

    let forth = run(&env, &["pattern", "rollback", "hello", "2"]);
    assert_eq!((forth.code, greeting().as_str()), (Some(0), Some("bye")), "{forth}");
}

#[test]
fn a_revision_that_is_not_there_is_named_with_those_that_are() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let missing = run(&env, &["pattern", "rollback", "hello", "7"]);
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("pattern `hello` in context practice has no revision 7"), "{missing}");
    assert!(missing.stderr.contains("revisions: 1"), "{missing}");
    let first = run(&env, &["pattern", "rollback", "hello"]);
    assert!(first.stderr.contains("has no good revision before the newest"), "{first}");
    let unknown = run(&env, &["pattern", "history", "nobody"]);
    assert_eq!(unknown.code, Some(5), "{unknown}");
}

#[test]
fn what_is_deleted_has_no_history() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    run(&env, &["pattern", "delete", "hello", "--yes", "--keep-stored"]);
    let history = run(&env, &["pattern", "history", "hello"]);
    assert_eq!(history.code, Some(5), "{history}");
}
