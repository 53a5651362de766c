//! Completion as a shell asks for it.

use crate::support::ctl::Output;
use crate::support::env::Env;

/// What bash would be given for the words, the last one being typed.
fn complete(env: &Env, words: &[&str]) -> Output {
    let index = words.len().to_string();
    let args = ["--", "mesheryctl"].iter().chain(words).copied();
    env.ctl(args)
        .var("MESHERY_COMPLETE", "bash")
        .var("_CLAP_COMPLETE_INDEX", index)
        .var("_CLAP_COMPLETE_COMP_TYPE", "9")
        .var("_CLAP_COMPLETE_SPACE", "false")
        .var("_CLAP_IFS", "\n")
        .run()
}

fn words(output: &Output) -> Vec<&str> {
    output.stdout.lines().filter(|word| !word.starts_with('-')).collect()
}

#[test]
fn names_commands_and_values_are_completed() {
    let env = Env::with_contexts();
    assert_eq!(words(&complete(&env, &["system", "context", "switch", ""])), ["local", "staging", "prod"]);
    assert_eq!(words(&complete(&env, &["system", "context", "switch", "st"])), ["staging"]);
    assert_eq!(words(&complete(&env, &["--context", "p"])), ["prod"]);
    assert_eq!(words(&complete(&env, &["system", "token", "view", "c"])), ["ci"]);
    assert_eq!(words(&complete(&env, &["system", "cont"])), ["context"]);
    assert!(words(&complete(&env, &["version", "-o", "js"])).contains(&"json"));
    assert_eq!(words(&complete(&env, &["version", "-o", "jsonp"])), ["jsonpath="]);
    assert!(complete(&env, &["version", "--output=js"]).stdout.contains("--output=json"));
    assert_eq!(words(&complete(&env, &["help", "exit"])), ["exit-codes"]);
    assert_eq!(words(&complete(&env, &["schema", "pattern", "st"])), ["status"]);
    assert!(words(&complete(&env, &["system", "channel", "set", "ed"])).contains(&"edge"));
    assert!(words(&complete(&env, &["explain", "context-n"])).contains(&"context-not-found"));
}

#[test]
fn row_36_completion_is_silent_on_failure_and_quick() {
    let env = Env::with_config("contexts: [\n");
    let start = std::time::Instant::now();
    let output = complete(&env, &["system", "context", "switch", ""]);
    assert!(start.elapsed().as_millis() < 1_000, "{:?}", start.elapsed());
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output}");
    assert!(words(&output).is_empty(), "{output}");
}
