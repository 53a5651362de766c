//! From nothing to an applied pattern and back: `quickstart`.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use mesheryctl::sample::faults::{Effect, Matcher, Times};
use serde_json::Value;

use crate::support::cluster::Practice;
use crate::support::ctl::Output;
use crate::support::env::Env;
use crate::support::tty::{INTERRUPT, Piped};

/// A home with a context at a port that nobody else has; stops on drop what a failed test left running.
struct Home(Env);

impl Home {
    fn new() -> Self {
        let env = Env::new();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        env.write(
            "home/.meshery/config.yaml",
            format!("contexts:\n  local:\n    endpoint: http://localhost:{free}\n    token: default\n    platform: local\ncurrent-context: local\n"),
        );
        Self(env)
    }

    fn run(&self, args: &[&str]) -> Output {
        self.0.ctl(["quickstart"].into_iter().chain(args.iter().copied())).run()
    }

    fn ctl(&self, args: &[&str]) -> Output {
        self.0.ctl(args.iter().copied()).run()
    }

    fn runs(&self, role: &str) -> bool {
        self.0.path(&format!("home/.meshery/run/{role}.json")).exists()
    }

    fn has_record(&self) -> bool {
        self.0.path("home/.meshery/run/quickstart.json").exists()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.0.ctl(["system", "stop", "--force"]).run();
        let _ = self.0.ctl(["sample", "stop"]).run();
    }
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn nothing_becomes_a_ready_pattern_and_cleanup_makes_it_nothing_again() {
    let home = Home::new();
    let first = home.run(&["-o", "json", "--no-input"]);
    assert_eq!(first.code, Some(0), "{first}");
    let facts = first.json();
    assert_eq!(strings(&facts["started"]), ["server", "practice cluster"]);
    assert_eq!(strings(&facts["kube_contexts"]), ["practice"]);
    let services = facts["services"].as_array().unwrap();
    assert!(services.len() == 6 && services.iter().all(|service| service["health"] == "ready"), "{first}");
    let schema: Value = serde_json::from_str(&home.ctl(&["schema", "quickstart"]).stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&facts), "{first}");

    let second = home.run(&[]);
    assert_eq!(second.code, Some(0), "{second}");
    assert!(second.stdout.contains("ran already") && second.stdout.contains("all as they were"), "{second}");

    let cleaned = home.run(&["--cleanup", "-o", "json"]);
    assert_eq!(cleaned.code, Some(0), "{cleaned}");
    assert_eq!(strings(&cleaned.json()["stopped"]), ["practice cluster", "server"]);
    assert_eq!(cleaned.json()["objects"].as_array().unwrap().len(), 6);
    assert!(!home.runs("server") && !home.runs("sample") && !home.has_record());
    assert_eq!(home.ctl(&["pattern", "list", "-o", "json"]).stdout, "[]\n");
    let again = home.run(&["--cleanup"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "Nothing of quickstart is left here.\n"), "{again}");
}

#[test]
fn the_commands_to_type_next_work_as_they_stand() {
    let home = Home::new();
    let facts = home.run(&["-o", "json"]).json();
    let next = facts["next"].as_array().unwrap();
    assert!(next.len() >= 5, "{facts}");
    for command in next.iter().map(|next| next["command"].as_str().unwrap()) {
        if command.starts_with("kubectl") {
            assert!(
                command.contains(home.0.path("home/.meshery/practice/kubeconfig.yaml").to_str().unwrap()),
                "{command}"
            );
            continue;
        }
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", command]).env_clear().env("PATH", "/usr/bin:/bin");
        let output = shell.env("HOME", home.0.path("home")).current_dir(home.0.path("work")).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(home.0.read("work/quickstart.svg").contains("</svg>"));
    assert!(!home.runs("server") && !home.runs("sample"), "the last command cleans up");
}

#[test]
fn cleanup_leaves_alone_what_quickstart_did_not_start() {
    let home = Home::new();
    assert_eq!(home.ctl(&["system", "start"]).code, Some(0));
    assert_eq!(home.ctl(&["sample", "start"]).code, Some(0));
    let facts = home.run(&["-o", "json"]).json();
    assert_eq!(strings(&facts["started"]), [] as [&str; 0]);
    let cleaned = home.run(&["--cleanup"]);
    assert_eq!(cleaned.code, Some(0), "{cleaned}");
    assert!(home.runs("server") && home.runs("sample"), "{cleaned}");
}

#[test]
fn the_users_own_cluster_is_used_when_it_is_named() {
    let home = Home::new();
    let _practice = Practice::start_as(&home.0, "own");
    home.0.write("own", home.0.read("own").replace("practice", "mine"));
    let own = home.0.path("own");
    let named = ["--kube-context", "mine", "--kubeconfig", own.to_str().unwrap()];
    let output = home.run(&[&named[..], &["-o", "json"]].concat());
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(strings(&output.json()["started"]), ["server"], "no practice cluster is needed");
    let commands: Vec<String> = output.json()["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|next| next["command"].as_str().unwrap().to_owned())
        .collect();
    assert!(commands.iter().all(|command| command.contains(own.to_str().unwrap())), "{commands:#?}");
    let cleaned = home.run(&["--cleanup", "--kubeconfig", own.to_str().unwrap(), "-o", "json"]);
    assert_eq!((cleaned.code, cleaned.json()["objects"].as_array().map(Vec::len)), (Some(0), Some(6)), "{cleaned}");
}

#[test]
fn what_fails_is_taken_back() {
    let home = Home::new();
    let practice = Practice::start_as(&home.0, "own");
    let own = home.0.path("own");
    let run = || home.run(&["--kube-context", "practice", "--kubeconfig", own.to_str().unwrap()]);
    let clean = |output: &Output, code: i32| {
        assert_eq!(output.code, Some(code), "{output}");
        assert!(output.stderr.contains("stopped again: the server"), "{output}");
        assert!(!home.runs("server") && !home.has_record(), "{output}");
        assert_eq!(home.ctl(&["pattern", "list", "-o", "json"]).stdout, "[]\n", "{output}");
    };
    practice.cluster.faults().add(Matcher::any().writes().resource("deployments"), Effect::Forbid, Times::Always);
    let forbidden = run();
    clean(&forbidden, 1);
    assert!(forbidden.stderr.contains("forbidden") || forbidden.stderr.contains("cannot"), "{forbidden}");
    practice.cluster.faults().clear();
    let unknown = home.run(&["--kube-context", "nowhere", "--kubeconfig", own.to_str().unwrap()]);
    clean(&unknown, 5);
    drop(practice);
    let dead = run();
    clean(&dead, 3);
}

#[test]
fn row_43_ctrl_c_leaves_nothing_running() {
    let home = Home::new();
    let practice = Practice::start_as(&home.0, "own");
    let slow = Matcher::any().writes().resource("deployments");
    practice.cluster.faults().add(slow, Effect::Delay(Duration::from_secs(10)), Times::Always);
    let own = home.0.path("own");
    let args = ["quickstart", "--kube-context", "practice", "--kubeconfig", own.to_str().unwrap()];
    let screen = home.0.ctl(args).on_terminal(Piped::default(), &[("applying on practice", INTERRUPT)]);
    assert_eq!(screen.code, Some(130), "{}", screen.text);
    assert!(screen.text.contains("stopped again: the server"), "{}", screen.text);
    assert!(!home.runs("server") && !home.has_record(), "{}", screen.text);
}

#[test]
fn a_taken_port_and_a_server_of_another_version_are_told() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = home.run(&["--port", &port]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains(&format!("port {port} is taken")), "{output}");
    assert!(output.stderr.contains("quickstart --port 0") && !home.has_record(), "{output}");

    assert_eq!(home.ctl(&["system", "start"]).code, Some(0));
    let file = Path::new("home/.meshery/run/server.json").to_str().unwrap();
    let said: Value = serde_json::from_str(&home.0.read(file)).unwrap();
    let other = home.0.read(file).replace(said["version"].as_str().unwrap(), "0.0.9");
    home.0.write(file, other);
    let output = home.run(&[]);
    assert!(output.code == Some(1) && output.stderr.contains("version 0.0.9"), "{output}");
    assert!(output.stderr.contains("system restart"), "{output}");
    assert!(home.runs("server") && !home.runs("sample"), "{output}");
}

#[test]
fn a_pattern_that_the_user_changed_is_kept() {
    let home = Home::new();
    assert_eq!(home.run(&[]).code, Some(0));
    let view = home.ctl(&["pattern", "view", "quickstart"]).stdout;
    home.0.write("work/quickstart.yaml", view.replace("replicas: 2", "replicas: 3"));
    let applied = home.ctl(&["pattern", "apply", "-f", "quickstart.yaml", "--kube-context", "practice", "--wait"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    let again = home.run(&[]);
    assert!(again.stderr.contains("was changed since") && again.stdout.contains("all as they were"), "{again}");
    assert!(home.ctl(&["pattern", "view", "quickstart"]).stdout.contains("replicas: 3"));
}

#[test]
fn cleanup_beside_another_pattern_says_what_runs_on_and_ends_it_later() {
    let home = Home::new();
    assert_eq!(home.run(&[]).code, Some(0));
    home.0.write("work/guest.yaml", "name: guest\nservices:\n  room:\n    type: Namespace.K8s\n");
    let apply = ["pattern", "apply", "-f", "guest.yaml", "--kube-context", "practice", "--wait"];
    assert_eq!(home.ctl(&apply).code, Some(0));
    for end_server in [false, true] {
        if end_server {
            assert_eq!(home.ctl(&["system", "stop"]).code, Some(0));
        }
        let kept = home.run(&["--cleanup"]);
        assert_eq!(kept.code, Some(0), "{kept}");
        assert!(kept.stdout.contains("running") && kept.stdout.contains("guest"), "{kept}");
        assert!(!kept.stdout.contains("Nothing of quickstart is left") && home.runs("sample"), "{kept}");
    }
    let delete = ["pattern", "delete", "guest", "--kube-context", "practice", "--yes"];
    let deleted = home.ctl(&delete);
    assert_eq!(deleted.code, Some(0), "{deleted}");
    let cleaned = home.run(&["--cleanup", "-o", "json"]);
    assert_eq!(strings(&cleaned.json()["stopped"]), ["practice cluster"], "{cleaned}");
    assert!(!home.runs("sample") && !home.has_record());
}
