//! With a server running and without one: the same output, the same exit codes.

use super::apply::{run, world};
use crate::support::ctl::Output;
use crate::support::env::Env;

fn story(env: &Env) -> Vec<String> {
    let without_ages = |output: Output| {
        let text = output.to_string();
        text.lines()
            .map(|line| line.split_whitespace().filter(|word| !is_changing(word)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let steps: &[&[&str]] = &[
        &["pattern", "list"],
        &["pattern", "apply", "-f", "hello.yaml"],
        &["pattern", "apply", "-f", "hello.yaml", "-o", "name"],
        &["pattern", "list"],
        &["pattern", "view", "hello", "-o", "jsonpath={.name}"],
        &["pattern", "apply", "-f", "broken.yaml"],
        &["pattern", "apply", "-f", "hello.yaml", "--kube-context", "nope"],
        &["pattern", "delete", "nobody", "--yes"],
        &["pattern", "delete", "hello", "--yes"],
        &["pattern", "status", "hello"],
    ];
    steps.iter().map(|args| without_ages(run(env, args))).collect()
}

/// Ids and ages differ from run to run.
fn is_changing(word: &str) -> bool {
    let id = word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let age = word.len() <= 4 && word.ends_with('s') && word[..word.len() - 1].chars().all(|c| c.is_ascii_digit());
    id || age
}

#[test]
fn the_story_is_the_same_over_http_and_in_process() {
    let (env, _practice) = world();
    env.write("work/broken.yaml", "name: broken\nservices:\n  a: {type: Nothing}\n");
    let alone = story(&env);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = run(&env, &["system", "start", "--port", &port.to_string()]);
    assert_eq!(start.code, Some(0), "{start}");
    let served = std::panic::catch_unwind(|| story(&env));
    let stop = run(&env, &["system", "stop"]);
    assert_eq!(stop.code, Some(0), "{stop}");
    assert_eq!(alone, served.unwrap());
}
