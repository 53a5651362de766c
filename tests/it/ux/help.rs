//! Help, for every node of the tree.

use clap::Command;
use mesheryctl::ctl::cli;

use crate::support::ctl::PROGRAM;
use crate::support::env::Env;

/// Every command that is shown, as its words.
pub fn nodes() -> Vec<(Vec<String>, Command)> {
    fn walk(command: &Command, path: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        found.push((path.to_vec(), command.clone()));
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            walk(verb, &[path, &[verb.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&cli::command(), &[], &mut found);
    found
}

#[test]
fn row_07_help_is_everywhere_and_has_examples() {
    let env = Env::new();
    for (path, command) in nodes() {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(examples.starts_with("EXAMPLES:\n  mesheryctl"), "`{}` has no EXAMPLES", path.join(" "));
        let mut texts = Vec::new();
        for args in [
            [&path[..], &["-h".to_owned()]].concat(),
            [&path[..], &["--help".to_owned()]].concat(),
            [&["help".to_owned()], &path[..]].concat(),
        ] {
            let output = env.ctl(args).run();
            assert_eq!(output.code, Some(0), "{output}");
            assert!(output.stderr.is_empty() && output.stdout.contains("EXAMPLES:"), "{output}");
            texts.push(output.stdout);
        }
        assert_eq!(texts[1], texts[2], "`help {0}` differs from `{0} --help`", path.join(" "));
    }
}

#[test]
fn row_08_help_wins_over_mistakes() {
    let output = Env::new().ctl(["system", "context", "create", "--bogus", "-h"]).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.contains("Usage: mesheryctl system context create"), "{output}");
    let output = Env::new().ctl(["system", "context", "create", "--bogus", "--", "-h"]).run();
    assert_eq!(output.code, Some(2), "{output}");
}

#[test]
fn row_09_a_bare_group_prints_its_help_on_stderr_and_ends_with_2() {
    let env = Env::new();
    for (path, command) in nodes() {
        if !command.has_subcommands() {
            continue;
        }
        let output = env.ctl(path).run();
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stdout.is_empty() && output.stderr.contains("Commands:"), "{output}");
    }
    assert!(env.ctl(["help", "exit-codes"]).ok().stdout.contains("group without a verb"));
}

/// What must not use the network is run with everything that could lead there pointing at a listener of ours.
#[test]
fn row_10_help_and_offline_commands_open_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let env = Env::with_contexts();
    for args in [
        &["--help"][..],
        &["help", "environment"],
        &["version", "--client"],
        &["version"],
        &["explain"],
        &["completion", "zsh"],
        &["config", "view"],
        &["system", "context", "list"],
        &["system", "context", "create", "new"],
        &["system", "context", "switch", "new"],
        &["system", "channel", "set", "v0.6.0"],
        &["system", "provider", "set", "Meshery", "--force"],
        &["system", "token", "create", "new"],
    ] {
        let run = env.ctl(args.iter().copied()).var("HTTP_PROXY", &address).var("HTTPS_PROXY", &address);
        run.var("ALL_PROXY", &address).ok();
        let error = listener.accept().map(|(_, from)| from).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{args:?} opened a connection");
    }
}

#[test]
fn row_11_root_help_has_docs_and_issue_links() {
    let help = Env::new().ctl(["--help"]).ok().stdout;
    assert!(
        help.contains("https://docs.meshery.io") && help.contains("https://github.com/meshery/meshery/issues"),
        "{help}"
    );
}

#[test]
fn row_12_help_fits_the_width() {
    let env = Env::new();
    for args in [&["--help"][..], &["-h"], &["system", "-h"], &["system", "context", "create", "-h"]] {
        let output = env.ctl(args.iter().copied()).var("COLUMNS", "60").ok();
        let wide: Vec<&str> = output.stdout.lines().filter(|line| line.chars().count() > 60).collect();
        assert!(wide.is_empty(), "{args:?}: {wide:#?}");
    }
}

#[test]
fn row_13_examples_run() {
    let offline = ["system context", "system token", "system channel", "config", "explain", "schema", "help"];
    let mut count = 0;
    for (path, command) in nodes() {
        let path = path.join(" ");
        if command.has_subcommands() || !offline.iter().any(|noun| path.starts_with(noun)) {
            continue;
        }
        let examples = command.get_after_help().unwrap().to_string();
        for line in examples.lines().map(str::trim).filter(|line| line.starts_with("mesheryctl")) {
            let env = Env::with_contexts();
            if path.ends_with("create") {
                env.ctl(["system", "token", "delete", "ci"]).ok();
                env.ctl(["system", "context", "delete", "staging"]).ok();
                env.ctl(["system", "context", "create", "dev"]).ok();
                env.ctl(["system", "context", "delete", "dev"]).ok();
                let needs_staging = line.contains("--context staging");
                if needs_staging {
                    env.ctl(["system", "context", "create", "staging"]).ok();
                }
            }
            let script = line.replacen("mesheryctl", PROGRAM, 1);
            let mut shell = std::process::Command::new("sh");
            let template = env.ctl(["version"]).command();
            shell.args(["-c", &script]).env_clear().current_dir(env.path("work"));
            shell.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = shell.output().unwrap();
            assert!(output.status.success(), "`{line}`: {}", String::from_utf8_lossy(&output.stderr));
            count += 1;
        }
    }
    assert!(count > 20, "only {count} examples were found");
}

#[test]
fn row_42_no_flag_takes_a_secret() {
    for (path, command) in nodes() {
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            let names_secret = ["password", "secret", "api-key", "passphrase"].iter().any(|word| long.contains(word));
            // A switch can only speak of secrets.
            // One that names an object of a cluster does not hold what is in it.
            let names_object = long == "image-pull-secret";
            let names_secret = names_secret && !names_object && arg.get_action().takes_values();
            assert!(!names_secret, "`{} --{long}` would put a secret into the process list", path.join(" "));
            if long.contains("token") && arg.get_action().takes_values() {
                let values: Vec<&str> =
                    arg.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str).collect();
                assert_eq!(values, ["FILE"], "`{} --{long}` must take a file", path.join(" "));
            }
        }
    }
}

#[test]
fn every_flag_has_a_variable_of_its_own() {
    let special = ["MESHERY_HOME", "MESHERY_TOKEN", "MESHERY_LOG", "MESHERY_DEBUG_PANIC", "MESHERY_COMPLETE"];
    for (path, command) in nodes() {
        for arg in command.get_arguments() {
            let (Some(long), Some(variable)) = (arg.get_long(), arg.get_env()) else { continue };
            let variable = variable.to_str().unwrap();
            assert_eq!(variable, cli::variable(long));
            assert!(!special.contains(&variable), "`{} --{long}` collides with {variable}", path.join(" "));
        }
    }
}
