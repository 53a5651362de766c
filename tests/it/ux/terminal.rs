//! Rows that need a terminal.

use crate::support::env::Env;
use crate::support::tty::{INTERRUPT, Piped};

const LIST: [&str; 3] = ["system", "context", "list"];
const MISSING: [&str; 4] = ["system", "context", "view", "nope"];

#[test]
fn row_26_a_terminal_gets_colour() {
    let env = Env::new();
    assert!(env.ctl(LIST).on_terminal(Piped::default(), &[]).text.contains('\x1b'));
}

#[test]
fn row_27_no_color_turns_it_off() {
    let env = Env::new();
    let screen = env.ctl(LIST).var("NO_COLOR", "1").on_terminal(Piped::default(), &[]);
    assert!(!screen.text.contains('\x1b'), "{}", screen.text);
}

#[test]
fn row_28_an_empty_no_color_is_ignored() {
    let env = Env::new();
    assert!(env.ctl(LIST).var("NO_COLOR", "").on_terminal(Piped::default(), &[]).text.contains('\x1b'));
}

#[test]
fn row_29_a_dumb_terminal_gets_neither_colour_nor_animation() {
    let env = Env::new();
    let screen = env.ctl(LIST).var("TERM", "dumb").on_terminal(Piped::default(), &[]);
    assert!(!screen.text.contains('\x1b'), "{}", screen.text);
}

#[test]
fn row_31_stderr_is_judged_by_itself() {
    let env = Env::new();
    let screen = env.ctl(MISSING).on_terminal(Piped { stdout: true }, &[]);
    assert!(screen.text.contains('\x1b'), "stderr is a terminal: {}", screen.text);
    let screen = env.ctl(LIST).on_terminal(Piped { stdout: true }, &[]);
    assert!(!screen.stdout.contains('\x1b') && screen.stdout.contains("local"), "stdout is a pipe: {}", screen.stdout);
}

#[test]
fn row_37_off_a_terminal_nothing_is_asked() {
    let env = Env::with_contexts();
    env.ctl(["system", "token", "set", "ci"]).ok();
    let output = env.ctl(["system", "token", "delete", "ci"]).run();
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("--yes"), "{output}");
    let screen = env.ctl(["system", "token", "delete", "ci"]).on_terminal(Piped { stdout: true }, &[]);
    assert_eq!(screen.code, Some(2), "a piped stdout is no place for a question: {}", screen.text);
}

#[test]
fn row_38_no_input_never_asks() {
    let env = Env::with_contexts();
    env.ctl(["system", "token", "set", "ci"]).ok();
    let screen = env.ctl(["system", "token", "delete", "ci", "--no-input"]).on_terminal(Piped::default(), &[]);
    assert_eq!(screen.code, Some(2), "{}", screen.text);
    assert!(screen.text.contains("--yes"), "{}", screen.text);
}

#[test]
fn row_39_yes_answers_every_question() {
    for args in [&["system", "token", "delete", "ci"][..], &["system", "context", "delete", "local"]] {
        let env = Env::with_contexts();
        env.ctl(["system", "context", "delete", "prod"]).ok();
        env.ctl(["system", "token", "set", "ci"]).ok();
        let screen = env.ctl(args.iter().copied().chain(["--yes"])).on_terminal(Piped::default(), &[]);
        assert_eq!(screen.code, Some(0), "{args:?}: {}", screen.text);
        assert!(!screen.text.contains('?'), "{args:?}: {}", screen.text);
    }
}

#[test]
fn row_40_a_terminal_is_asked_and_its_answer_counts() {
    let env = Env::with_contexts();
    env.ctl(["system", "token", "set", "ci"]).ok();
    let delete = || env.ctl(["system", "token", "delete", "ci"]);
    let screen = delete().on_terminal(Piped::default(), &[("which local uses?", "n\n")]);
    assert_eq!(screen.code, Some(1), "{}", screen.text);
    assert!(env.ctl(["system", "token", "list", "-o", "name"]).ok().stdout.contains("ci"));
    let screen = delete().on_terminal(Piped::default(), &[("which local uses?", "y\n")]);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
    let answers = [("which one is current afterwards?", "\r")];
    let screen = env.ctl(["system", "context", "delete", "local"]).on_terminal(Piped::default(), &answers);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
    assert!(screen.text.contains("the current context is staging now"), "{}", screen.text);
}

#[test]
fn a_question_takes_whole_words_and_is_asked_again_for_others() {
    let env = Env::with_contexts();
    env.ctl(["system", "token", "set", "ci"]).ok();
    let delete = || env.ctl(["system", "token", "delete", "ci"]);
    let screen =
        delete().on_terminal(Piped::default(), &[("which local uses?", "wrong\n"), ("neither yes nor no.", "n\n")]);
    assert!(screen.text.contains("`wrong` is neither yes nor no."), "{}", screen.text);
    let screen = delete().on_terminal(Piped::default(), &[("which local uses?", "no\n")]);
    assert_eq!(screen.code, Some(1), "{}", screen.text);
    assert_eq!(screen.text.matches("which local uses?").count(), 1, "it is shown once: {}", screen.text);
    let screen = delete().on_terminal(Piped::default(), &[("which local uses?", "YES\n")]);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
}

#[test]
fn row_43_ctrl_c_at_a_question_changes_nothing() {
    let env = Env::with_contexts();
    env.ctl(["system", "token", "set", "ci"]).ok();
    let answers = [("which local uses?", INTERRUPT)];
    let screen = env.ctl(["system", "token", "delete", "ci"]).on_terminal(Piped::default(), &answers);
    assert_eq!(screen.code, Some(130), "{}", screen.text);
    assert!(screen.text.contains("uses? [y/N] \r\n"), "the error begins a line of its own: {}", screen.text);
    assert!(env.ctl(["system", "token", "list", "-o", "name"]).ok().stdout.contains("ci"));
}

#[test]
fn row_76_a_locale_without_unicode_gets_ascii() {
    let env = Env::with_contexts();
    let screen =
        env.ctl(["system", "context", "list", "-o", "wide"]).var("LC_ALL", "C").on_terminal(Piped::default(), &[]);
    assert!(screen.text.is_ascii(), "{}", screen.text);
}
