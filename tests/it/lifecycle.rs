//! The local plane's life, with the real program: start, status, logs, stop, and everything that gets in between.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::env::Env;

/// A config whose endpoint is a port where nobody ever listens.
const NOBODY: &str = "contexts:\n  local: {endpoint: 'http://localhost:9', platform: local}\ncurrent-context: local\n";

/// A world whose server is stopped when the test ends, however it ends.
struct World(Env);

impl World {
    /// Its context points at a port where nobody ever listens, so that servers of the machine play no part.
    fn new() -> Self {
        Self(Env::with_config(NOBODY))
    }

    fn ctl(&self, args: &[&str]) -> crate::support::ctl::Run<'_> {
        self.0.ctl(args.iter().copied())
    }

    fn start(&self) -> Value {
        self.ctl(&["system", "start", "--port", "0", "-o", "json"]).ok().json()
    }

    fn status(&self) -> Value {
        self.ctl(&["system", "status", "-o", "json"]).run().json()
    }

    fn run_file(&self) -> std::path::PathBuf {
        self.0.path("home/.meshery/run/server.json")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.ctl(&["system", "stop", "--force"]).run();
        let _ = self.ctl(&["sample", "stop"]).run();
    }
}

fn pid(status: &Value) -> i32 {
    i32::try_from(status["pid"].as_i64().unwrap()).unwrap()
}

fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_plane_is_started_seen_and_stopped_and_every_step_can_be_repeated() {
    let world = World::new();
    let before = world.ctl(&["system", "status"]).run();
    assert_eq!(before.code, Some(3), "{before}");
    assert!(before.stdout.contains("stopped") && before.stderr.contains("mesheryctl system start"), "{before}");

    let started = world.start();
    assert_eq!(started["state"], "running");
    assert!(world.run_file().exists());
    let again = world.ctl(&["system", "start"]).ok();
    assert!(again.stderr.contains("runs already"), "{again}");
    assert_eq!(world.status()["pid"], started["pid"], "it is the same process");

    let seen = world.ctl(&["system", "status", "-o", "json"]).ok().json();
    assert_eq!(
        (&seen["endpoint"], &seen["version"]),
        (&started["endpoint"], &serde_json::json!(env!("CARGO_PKG_VERSION")))
    );
    let version = world.ctl(&["version", "-o", "json"]).ok().json();
    assert_eq!(version["server"]["state"], "running", "commands find the server where it listens: {version}");

    let logs = world.ctl(&["system", "logs", "--tail", "20"]).ok();
    assert!(logs.stdout.contains("Serving at"), "{logs}");

    let stopped = world.ctl(&["system", "stop", "-o", "json"]).ok().json();
    assert_eq!((&stopped["outcome"], &stopped["pid"]), (&serde_json::json!("stopped"), &started["pid"]));
    assert!(!world.run_file().exists());
    let again = world.ctl(&["system", "stop"]).ok();
    assert!(again.stdout.contains("does not run"), "{again}");
}

#[test]
fn the_token_is_made_private_and_kept_and_old_cookies_work() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.start();
    let path = world.0.path("home/.meshery/auth.json");
    let first = world.0.read("home/.meshery/auth.json");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&world.0.path("home/.meshery/data")), 0o700);
    let token: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(token.as_object().unwrap().keys().collect::<Vec<_>>(), ["meshery-provider", "token"]);
    assert!(!world.0.read("home/.local/state/mesheryctl/logs/server.log").contains(token["token"].as_str().unwrap()));
    world.ctl(&["system", "restart"]).ok();
    assert_eq!(world.0.read("home/.meshery/auth.json"), first, "a restart keeps the token");
    let wrong = world.0.write("wrong.json", r#"{"meshery-provider":"None","token":"wrong"}"#);
    let refused = world.ctl(&["operation", "list", "--token", wrong.to_str().unwrap()]).run();
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(refused.stderr.contains("wrong.json"), "{refused}");
}

#[test]
fn a_wrong_token_is_no_login_with_the_server_and_without() {
    let world = World::new();
    let login = |token: &str| world.ctl(&["system", "login", "--token-stdin", "-o", "json"]).stdin(token.to_owned());
    for runs in [false, true] {
        if runs {
            world.start();
        }
        world.ctl(&["system", "login"]).ok();
        let before = world.0.read("home/.meshery/auth.json");
        let refused = login("garbage\n").run();
        assert_eq!(refused.code, Some(4), "runs: {runs}: {refused}");
        let error = refused.error_json();
        assert_eq!(error["code"], "auth-required", "{refused}");
        assert!(error["probable_cause"].as_str().unwrap().contains("the token from standard input"), "{refused}");
        assert_eq!(world.0.read("home/.meshery/auth.json"), before, "a refused token is not stored");
        let right: Value = serde_json::from_str(&before).unwrap();
        assert_eq!(login(right["token"].as_str().unwrap()).ok().json()["verified"], true);
    }
}

#[test]
fn a_restart_on_a_taken_port_leaves_the_plane_running() {
    let world = World::new();
    let before = world.start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let refused = world.ctl(&["system", "restart", "--port", &port, "-o", "json"]).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    assert_eq!(refused.error_json()["code"], "port-taken", "{refused}");
    assert_eq!(world.status()["pid"], before["pid"], "nothing was stopped");
    let own = before["endpoint"].as_str().unwrap().rsplit(':').next().unwrap();
    let same = world.ctl(&["system", "restart", "--port", own, "-o", "json"]).ok().json();
    assert_eq!(same["endpoint"], before["endpoint"], "its own port is not taken by another");
}

#[test]
fn a_restart_keeps_the_port_and_changes_the_process() {
    let world = World::new();
    let first = world.start();
    let second = world.ctl(&["system", "restart", "-o", "json"]).ok().json();
    assert_eq!(second["endpoint"], first["endpoint"]);
    assert_ne!(second["pid"], first["pid"]);
    let other = world.ctl(&["system", "start", "--port", "1"]).run();
    assert_eq!(other.code, Some(1), "{other}");
    assert!(other.stderr.contains("system restart --port 1"), "{other}");
}

#[test]
fn a_taken_port_is_named_with_its_holder_and_nothing_is_left_behind() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let refused = world.ctl(&["system", "start", "--port", &port, "-o", "json"]).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("port-taken"), "{refused}");
    if cfg!(target_os = "linux") {
        assert!(refused.stderr.contains(&format!("process {}", std::process::id())), "{refused}");
    }
    assert!(!world.run_file().exists());
    let foreground = world.ctl(&["serve", "server", "--port", &port]).run();
    assert_eq!(foreground.code, Some(1), "{foreground}");
    assert!(foreground.stderr.contains("port-taken"), "{foreground}");
}

#[test]
fn something_else_at_the_endpoint_is_told_from_a_plane() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = format!(
        "contexts:\n  local:\n    endpoint: http://localhost:{port}\n    platform: local\ncurrent-context: local\n"
    );
    let world = World(Env::with_config(&config));
    let answering = std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            use std::io::{Read, Write};
            let _ = socket.read(&mut [0; 1024]);
            if socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").is_err() {
                return;
            }
        }
    });
    let refused = world.ctl(&["operation", "list"]).run();
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.stderr.contains("server-not-meshery"), "{refused}");
    let status = world.ctl(&["system", "status"]).run();
    assert_eq!(status.code, Some(3), "{status}");
    assert!(status.stdout.contains("foreign"), "{status}");
    drop(answering);
}

#[test]
fn a_killed_server_is_recognised_and_started_anew_with_everything_it_acknowledged() {
    let world = World::new();
    let first = world.start();
    let data = serde_json::json!({"selectedContexts": ["kind"]});
    let token: Value = serde_json::from_str(&world.0.read("home/.meshery/auth.json")).unwrap();
    put_preferences(first["endpoint"].as_str().unwrap(), token["token"].as_str().unwrap(), &data);
    signal(pid(&first), rustix::process::Signal::KILL);
    until("the end of the process", || world.status()["state"] == "stopped");
    assert!(world.run_file().exists(), "it could not tidy up");
    let second = world.ctl(&["system", "start", "--port", "0", "-o", "json"]).ok();
    assert!(second.stderr.contains(&format!("process {}", pid(&first))), "{second}");
    assert_ne!(second.json()["pid"], first["pid"]);
    let endpoint = second.json()["endpoint"].as_str().unwrap().to_owned();
    assert_eq!(
        get_preferences(&endpoint, token["token"].as_str().unwrap())["selectedContexts"],
        data["selectedContexts"]
    );
}

fn exchange(endpoint: &str, token: &str, method: reqwest::Method, body: Option<&Value>) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = mesheryctl::base::http::Options { loopback: true, ..Default::default() };
        let client = mesheryctl::base::http::client(&options).unwrap();
        let request = client.request(method, format!("{endpoint}/api/user/prefs")).bearer_auth(token);
        let request = body.map_or_else(|| request.try_clone().unwrap(), |body| request.try_clone().unwrap().json(body));
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    })
}

fn put_preferences(endpoint: &str, token: &str, body: &Value) {
    exchange(endpoint, token, reqwest::Method::POST, Some(body));
}

fn get_preferences(endpoint: &str, token: &str) -> Value {
    exchange(endpoint, token, reqwest::Method::GET, None)
}

#[test]
fn a_record_of_a_process_that_is_gone_is_removed_and_a_stranger_with_its_number_is_spared() {
    let world = World::new();
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    let record = serde_json::json!({
        "pid": stranger.id(), "start_mark": "another time", "address": "127.0.0.1:1", "port": 1,
        "version": "0.0.1", "started_at": "2021-07-13T00:00:00Z",
    });
    world.0.write("home/.meshery/run/server.json", record.to_string());
    let stopped = world.ctl(&["system", "stop"]).ok();
    assert!(stopped.stdout.contains("does not run"), "{stopped}");
    assert!(!world.run_file().exists());
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger lives");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn two_homes_have_two_servers() {
    let (one, two) = (World::new(), World::new());
    let (first, second) = (one.start(), two.start());
    assert_ne!(first["endpoint"], second["endpoint"]);
    one.ctl(&["system", "stop"]).ok();
    assert_eq!(two.status()["state"], "running");
    assert_eq!(one.status()["state"], "stopped");
}

#[test]
fn a_server_of_another_home_is_told_from_ones_own() {
    let neighbour = World::new();
    let endpoint = neighbour.start()["endpoint"].as_str().unwrap().to_owned();
    let config = format!("contexts:\n  local: {{endpoint: '{endpoint}', platform: local}}\ncurrent-context: local\n");
    let world = World(Env::with_config(&config));
    let status = world.ctl(&["system", "status"]).run();
    assert_eq!(status.code, Some(3), "{status}");
    assert!(status.stdout.contains("foreign") && status.stderr.contains("another Meshery home"), "{status}");
    let start = world.ctl(&["system", "start"]).run();
    assert!(start.stderr.contains("another Meshery home"), "{start}");
    let list = world.ctl(&["operation", "list"]).run();
    assert_eq!(list.code, Some(4), "an endpoint that was configured is taken by its word: {list}");
    std::fs::copy(neighbour.0.path("home/.meshery/auth.json"), world.0.path("home/.meshery/auth.json")).unwrap();
    world.ctl(&["operation", "list"]).ok();
}

#[test]
fn one_home_has_one_server() {
    let world = World::new();
    let first = world.start();
    let second = world.ctl(&["serve", "server", "--port", "0", "-o", "json"]).run();
    assert_eq!(second.code, Some(1), "{second}");
    assert!(second.stderr.contains("server-running"), "{second}");
    assert!(second.stderr.contains(&format!("process {}", pid(&first))), "{second}");
}

#[test]
fn starting_several_times_at_once_gives_one_server() {
    let world = World::new();
    let pids: Vec<Value> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| world.start()["pid"].clone())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

fn foreground(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.ctl(&[&["serve", "server", "--port", "0"], arguments].concat()).command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until("the start in the foreground", || world.status()["state"] == "running");
    child
}

/// cli-ux row 45: SIGTERM to the server ends it in order, with exit code 0.
#[test]
fn row_45_signals_end_a_foreground_server_in_order() {
    for ask in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let world = World::new();
        let mut child = foreground(&world, &[]);
        let logs = world.ctl(&["system", "logs"]).run();
        assert!(logs.stderr.contains("foreground"), "{logs}");
        signal(i32::try_from(child.id()).unwrap(), ask);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{ask:?}");
        assert!(!world.run_file().exists());
    }
}

/// cli-ux row 44: a second signal ends it at once.
#[test]
fn row_44_a_second_signal_does_not_wait() {
    let world = World::new();
    let child = foreground(&world, &[]);
    let id = i32::try_from(child.id()).unwrap();
    // A stream that stays open keeps the server's connections busy for a moment.
    let status = world.status();
    let _stream =
        std::net::TcpStream::connect(status["endpoint"].as_str().unwrap().trim_start_matches("http://")).unwrap();
    signal(id, rustix::process::Signal::TERM);
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), rustix::process::Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 143)), "{output:?}");
}

#[test]
fn commands_without_a_server_work_on_the_same_data_as_with_one() {
    let world = World::new();
    let without = world.ctl(&["operation", "list", "-o", "json"]).ok();
    assert_eq!(without.json(), serde_json::json!([]));
    world.start();
    let with = world.ctl(&["operation", "list", "-o", "json"]).ok();
    assert_eq!((with.stdout, with.stderr), (without.stdout, without.stderr));
}

/// cli-ux row 64: a server that is down is named with endpoint, context and the start command.
#[test]
fn row_64_a_named_endpoint_that_is_down_says_what_to_do() {
    let world = World::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    let down = world.ctl(&["operation", "list", "--endpoint", &endpoint]).run();
    assert_eq!(down.code, Some(3), "{down}");
    for part in [endpoint.as_str(), "`local`", "mesheryctl system start"] {
        assert!(down.stderr.contains(part), "{part}: {down}");
    }
}

/// cli-ux row 63: a server that does not answer ends the command in its time limit.
#[test]
fn row_63_a_silent_server_ends_in_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config =
        format!("contexts:\n  far:\n    endpoint: http://{address}\n    platform: kubernetes\ncurrent-context: far\n");
    let world = World(Env::with_config(&config));
    let begin = Instant::now();
    let silent = world.ctl(&["operation", "list", "--timeout", "500ms"]).run();
    assert_eq!(silent.code, Some(3), "{silent}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(silent.stderr.contains("--timeout") && silent.stderr.contains("500 ms"), "{silent}");
}

#[test]
fn other_platforms_are_refused_honestly_and_old_flags_are_taken() {
    let world = World::new();
    let before = world.0.read("home/.meshery/config.yaml");
    let nobody = "unix:///nowhere/docker.sock";
    let dead = world.ctl(&["system", "start", "-p", "docker"]).var("DOCKER_HOST", nobody).run();
    assert!(dead.code == Some(3) && dead.stderr.contains(nobody), "{dead}");
    let none = world.ctl(&["system", "start", "-p", "kubernetes"]).run();
    assert!(none.code != Some(0) && none.stderr.contains("error:"), "{none}");
    assert_eq!(world.0.read("home/.meshery/config.yaml"), before, "a platform that does not answer is not remembered");
    let typo = world.ctl(&["system", "start", "-p", "dokcer"]).run();
    assert_eq!(typo.code, Some(2), "{typo}");
    let old = world.ctl(&["system", "start", "--port", "0", "--skip-update", "--skip-browser", "--reset", "-y"]).ok();
    assert!(old.stdout.contains("running"), "{old}");
    let asked = world.ctl(&["system", "stop", "--reset"]).run();
    assert!(asked.code == Some(2) && asked.stderr.contains("--yes"), "{asked}");
    let stopped = world.ctl(&["system", "stop", "--reset", "--keep-namespace", "-y"]).ok();
    assert!(stopped.stderr.contains("home/.meshery/archive/data-"), "what was there is kept aside: {stopped}");
    assert!(!world.0.path("home/.meshery/data").exists());
}

#[test]
fn a_reset_keeps_the_old_data_aside_and_starts_what_ran() {
    let world = World::new();
    let before = world.start();
    let unsaid = world.ctl(&["system", "reset"]).run();
    assert!(unsaid.code == Some(2) && unsaid.stderr.contains("--confirm NAME"), "{unsaid}");
    let wrong = world.ctl(&["system", "reset", "--confirm", "prod"]).run();
    assert!(wrong.code == Some(2) && wrong.stderr.contains("--confirm local"), "{wrong}");
    assert_eq!(world.status()["pid"], before["pid"], "nothing was done");
    let after = world.ctl(&["system", "reset", "--confirm", "local", "-o", "json"]).ok().json();
    assert_eq!((&after["state"], &after["endpoint"]), (&serde_json::json!("running"), &before["endpoint"]));
    assert_ne!(after["pid"], before["pid"]);
    let archived = world.0.files().iter().filter(|path| path.ends_with("meshery.db")).count();
    assert_eq!(archived, 2, "the old database and the new one");
    world.ctl(&["system", "stop"]).ok();
    let stopped = world.ctl(&["system", "reset", "-y", "-o", "json"]).ok().json();
    assert_eq!(stopped["state"], "stopped", "what did not run is not started");
}

#[test]
fn a_switch_stops_and_starts_planes_when_it_is_told() {
    let world = World(Env::with_config(
        "contexts:\n  one: {endpoint: 'http://localhost:9', platform: local}\n  two: {endpoint: 'http://localhost:0', \
         platform: local}\ncurrent-context: one\n",
    ));
    let first = world.start();
    let kept = world.ctl(&["system", "context", "switch", "two"]).ok();
    assert!(kept.stderr.contains("keeps running") && kept.stderr.contains("--context one"), "{kept}");
    world.ctl(&["system", "context", "switch", "one"]).ok();
    assert_eq!(world.status()["pid"], first["pid"]);
    let moved = world.ctl(&["system", "context", "switch", "two", "--stop", "--start"]).ok();
    assert!(moved.stderr.contains("has ended") && moved.stdout.contains("running"), "{moved}");
    let second = world.status();
    assert_eq!(second["context"], "two");
    assert_ne!(second["pid"], first["pid"]);
}

#[test]
fn an_update_of_a_local_plane_says_what_it_found() {
    let world = World::new();
    let none = world.ctl(&["system", "update", "-o", "json"]).ok();
    assert_eq!(none.json(), serde_json::json!([]), "{none}");
    world.start();
    let same = world.ctl(&["system", "update", "-o", "json"]).ok().json();
    assert_eq!((&same[0]["component"], &same[0]["outcome"]), (&"meshery".into(), &"unchanged".into()));
}

#[test]
fn a_release_that_this_program_is_not_is_told_and_nothing_is_touched() {
    let world = World::new();
    let before = world.start();
    let switch = world.ctl(&["system", "channel", "switch", "v9.9.9", "-y", "-o", "json"]).run();
    assert_eq!((switch.code, &switch.error_json()["code"]), (Some(1), &"program-release".into()), "{switch}");
    assert!(switch.stderr.contains("self update --version v9.9.9"), "{switch}");
    assert_eq!(world.status()["pid"], before["pid"]);
    let set = world.ctl(&["system", "channel", "set", "v0.6.0"]).ok();
    assert!(set.stderr.starts_with("warning: the plane of context `local` cannot be of release v0.6.0"), "{set}");
    let update = world.ctl(&["system", "update"]).run();
    assert_eq!(update.code, Some(1), "{update}");
    assert!(update.stderr.contains("program-release"), "{update}");
    world.ctl(&["system", "channel", "set", concat!("v", env!("CARGO_PKG_VERSION"))]).ok();
    world.ctl(&["system", "update"]).ok();
}

#[test]
fn a_reset_of_a_stopped_plane_says_what_it_did() {
    let world = World::new();
    let reset = world.ctl(&["system", "reset", "-y"]).ok();
    assert!(reset.stderr.contains("There was no data to remove."), "{reset}");
    assert!(reset.stderr.contains("was not started"), "{reset}");
}

#[test]
fn flags_of_other_platforms_are_warned_about() {
    let world = World::new();
    let flags = ["--image", "foo", "--namespace", "x", "--expose", "load-balancer", "--pull", "--load", "none"];
    let start = world.ctl(&[&["system", "start", "--port", "0"][..], &flags].concat()).ok();
    for flag in flags.iter().filter(|flag| flag.starts_with("--")) {
        assert!(start.stderr.contains(&format!("warning: {flag} does nothing on platform local")), "{flag}: {start}");
    }
    let update = world.ctl(&["system", "update", "--image", "foo"]).ok();
    assert!(update.stderr.contains("warning: --image does nothing on platform local"), "{update}");
    assert_eq!(world.ctl(&["system", "update", "nope"]).run().code, Some(5));
    let stop = world.ctl(&["system", "stop", "--keep-namespace"]).ok();
    assert!(stop.stderr.contains("warning: --keep-namespace does nothing on platform local"), "{stop}");
}

#[test]
fn a_failure_under_json_is_alone_on_stderr() {
    let world = World::new();
    let status = world.ctl(&["system", "status", "-o", "json"]).run();
    assert_eq!((status.code, status.stderr.as_str()), (Some(3), ""), "{status}");
    world.0.write("home/.meshery/config.yaml", "contexts: [oops");
    let check = world.ctl(&["system", "check", "-o", "json"]).run();
    assert_eq!((check.code, check.stderr.as_str()), (Some(1), ""), "{check}");
}

#[test]
fn log_lines_are_for_whoever_asks_for_them() {
    let world = World::new();
    let dead = "apiVersion: v1\nkind: Config\ncontexts:\n- name: dead\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:1'}\nusers:\n- name: u\n  user: {}\n";
    let kubeconfig = world.0.write("kubeconfig", dead);
    let check = world.ctl(&["system", "check", "-o", "json"]).var("KUBECONFIG", &kubeconfig).run();
    assert!(!check.stderr.contains("WARN"), "{check}");
    assert!(!check.stdout.contains("ServiceError"), "{check}");
    let preflight = world.ctl(&["system", "check", "-p", "kubernetes"]).var("KUBECONFIG", &kubeconfig).run();
    assert_eq!(preflight.code, Some(1), "the other platform's needs are checked: {preflight}");
    let missing = world.ctl(&["system", "start", "-p", "kubernetes"]).var("KUBECONFIG", "/nowhere/kubeconfig").run();
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("kubeconfig /nowhere/kubeconfig does not exist"), "{missing}");
}

#[test]
fn a_check_tells_everything_and_fails_when_something_does() {
    let world = World::new();
    let kubeconfig = world.0.write("kubeconfig", "apiVersion: v1\nkind: Config\n");
    let good = world.ctl(&["system", "check", "-o", "json"]).var("KUBECONFIG", &kubeconfig).ok().json();
    let ids: Vec<&str> = good.as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["home", "config", "token", "disk", "clock", "server", "version", "database", "kubeconfig"]);
    world.0.write("home/.meshery/config.yaml", "contexts: [oops");
    let bad = world.ctl(&["system", "check", "-o", "json"]).var("KUBECONFIG", &kubeconfig).run();
    assert_eq!(bad.code, Some(1), "{bad}");
    let bad = bad.json();
    let config = bad.as_array().unwrap().iter().find(|check| check["id"] == "config").unwrap();
    assert_eq!(config["result"], "fail");
    assert!(config["message"].as_str().unwrap().contains("config.yaml:1"), "{config}");
    let dead = "apiVersion: v1\nkind: Config\ncontexts:\n- name: dead\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:1'}\nusers:\n- name: u\n  user: {}\n";
    world.0.write("home/.meshery/config.yaml", NOBODY);
    std::fs::write(&kubeconfig, dead).unwrap();
    let dead = world.ctl(&["system", "check"]).var("KUBECONFIG", &kubeconfig).run();
    assert_eq!(dead.code, Some(1), "{dead}");
    assert!(dead.stdout.contains("cluster/dead"), "{dead}");
    let preflight = world.ctl(&["system", "check", "--preflight"]).var("KUBECONFIG", &kubeconfig).ok();
    assert!(!preflight.stdout.contains("cluster/dead"), "{preflight}");
}

#[test]
fn a_check_mends_what_is_safe_to_mend() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.start();
    let pid = pid(&world.status());
    signal(pid, rustix::process::Signal::KILL);
    until("the end of the server", || world.status()["state"] == "stopped");
    let token = world.0.path("home/.meshery/auth.json");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let verdict = |checks: &Value, id: &str| {
        let found = checks.as_array().unwrap().iter().find(|check| check["id"] == id).cloned();
        found.map(|check| (check["result"].as_str().unwrap().to_owned(), check["fixed"] == true))
    };
    let kubeconfig = world.0.write("kubeconfig", "apiVersion: v1\nkind: Config\n");
    let check = |flags: &[&str]| {
        let arguments = [&["system", "check", "-o", "json"], flags].concat();
        world.ctl(&arguments).var("KUBECONFIG", &kubeconfig).run()
    };
    let found = check(&[]);
    assert_eq!(found.code, Some(1), "{found}");
    assert_eq!(verdict(&found.json(), "token"), Some(("fail".into(), false)));
    assert_eq!(verdict(&found.json(), "record/server"), Some(("warn".into(), false)));
    let mended = check(&["--fix"]);
    assert_eq!(mended.code, Some(0), "{mended}");
    assert_eq!(verdict(&mended.json(), "token"), Some(("pass".into(), true)));
    assert_eq!(verdict(&mended.json(), "record/server"), Some(("pass".into(), true)));
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!world.run_file().exists());
    let again = check(&["--fix"]).json();
    assert_eq!(verdict(&again, "token"), Some(("pass".into(), false)), "nothing is left to mend");
}

#[test]
fn following_the_log_shows_what_comes() {
    let world = World::new();
    world.start();
    let mut command = world.ctl(&["system", "logs", "--follow", "--tail", "1"]).command();
    let follower = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(600));
    world.ctl(&["system", "stop"]).ok();
    std::thread::sleep(Duration::from_millis(600));
    signal(i32::try_from(follower.id()).unwrap(), rustix::process::Signal::INT);
    let output = follower.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("stopping, after 0 running operations"), "{output:?}");
    assert_eq!(output.status.code(), Some(130));
}

const SHOP: &str = "name: shop
services:
  shop:
    type: Namespace
  settings:
    type: ConfigMap
    namespace: shop
    dependsOn: [shop]
    settings:
      data: {colour: blue}
";

#[test]
fn the_practice_cluster_is_started_used_and_stopped() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let stopped = world.ctl(&["sample", "status"]).run();
    assert_eq!(stopped.code, Some(3), "{stopped}");
    let started = world.ctl(&["sample", "start", "-o", "json"]).ok().json();
    assert_eq!(
        (&started["running"], &started["kube_context"]),
        (&serde_json::json!(true), &serde_json::json!("practice"))
    );
    let kubeconfig = world.0.path("home/.meshery/practice/kubeconfig.yaml");
    assert_eq!(started["kubeconfig"], kubeconfig.display().to_string());
    assert_eq!(std::fs::metadata(&kubeconfig).unwrap().permissions().mode() & 0o777, 0o600);
    let again = world.ctl(&["sample", "start"]).ok();
    assert!(again.stderr.contains("runs already"), "{again}");
    let check = world.ctl(&["system", "check"]).ok();
    assert!(check.stdout.contains("cluster/practice"), "{check}");
    let stopped = world.ctl(&["sample", "stop", "-o", "json"]).ok().json();
    assert_eq!((&stopped["outcome"], &stopped["pid"]), (&serde_json::json!("stopped"), &started["pid"]));
    assert!(!kubeconfig.exists());
    world.ctl(&["sample", "stop"]).ok();
}

#[test]
fn a_pattern_is_applied_seen_and_deleted_the_same_way_with_a_server_and_without() {
    let world = World::new();
    world.0.write("work/shop.yaml", SHOP);
    world.ctl(&["sample", "start"]).ok();
    let round = || {
        ["apply -f shop.yaml", "apply -f shop.yaml", "status shop", "delete shop --yes"].map(|verb| {
            let words: Vec<&str> =
                ["pattern"].into_iter().chain(verb.split(' ')).chain(["--kube-context", "practice"]).collect();
            let output = world.ctl(&words).run();
            let text: Vec<String> = output.stdout.lines().map(without_age).collect();
            assert_eq!(output.code, Some(0), "{output}");
            text
        })
    };
    let without = round();
    assert!(without[0].join("\n").contains("created") && without[1].join("\n").contains("unchanged"), "{without:#?}");
    world.start();
    assert_eq!(round(), without);
    let operations = world.ctl(&["operation", "list", "-o", "json"]).ok().json();
    let ended: Vec<&str> = operations.as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(ended, ["succeeded"; 6], "{operations}");
    let id = operations[0]["id"].as_str().unwrap();
    let view = world.ctl(&["operation", "view", id]).ok();
    assert!(view.stdout.contains("ConfigMap shop/settings") && view.stdout.contains("deleted"), "{view}");
    let ended = world.ctl(&["operation", "cancel", id]).ok();
    assert!(ended.stdout.contains("has ended: succeeded"), "{ended}");
}

/// Ages are the one thing that two runs may tell differently.
fn without_age(line: &str) -> String {
    let is_age = |word: &&str| {
        let digits = word.trim_end_matches(['s', 'm', 'h', 'd']);
        digits.len() + 1 == word.len() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty()
    };
    line.split_whitespace().filter(|word| !is_age(word)).collect::<Vec<_>>().join(" ")
}

/// What the API acknowledged is there after the server was killed in the middle of accepting more.
#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let world = World::new();
    let started = world.start();
    let token: Value = serde_json::from_str(&world.0.read("home/.meshery/auth.json")).unwrap();
    let endpoint = started["endpoint"].as_str().unwrap().to_owned();
    let acknowledged = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (endpoint, token, acknowledged) = (&endpoint, token["token"].as_str().unwrap(), &acknowledged);
            scope.spawn(move || {
                for number in 0.. {
                    let name = format!("p-{writer}-{number}");
                    if !save(endpoint, token, &name) {
                        return;
                    }
                    acknowledged.lock().unwrap().push(name);
                }
            });
        }
        until("40 patterns", || acknowledged.lock().unwrap().len() >= 40);
        signal(pid(&started), rustix::process::Signal::KILL);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let listed = world.ctl(&["pattern", "list", "-o", "name"]).ok().stdout;
    let there: std::collections::HashSet<&str> = listed.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|name| !there.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    let check = world.ctl(&["system", "check", "--preflight"]).ok();
    assert!(check.stdout.contains("is sound"), "{check}");
}

/// Stores a pattern; whether the server acknowledged it.
fn save(endpoint: &str, token: &str, name: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut socket) = std::net::TcpStream::connect(endpoint.trim_start_matches("http://")) else { return false };
    let body = format!("name: {name}\nservices: {{}}\n");
    let request = format!(
        "POST /api/pattern HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/yaml\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut reply = String::new();
    socket.write_all(request.as_bytes()).is_ok()
        && socket.read_to_string(&mut reply).is_ok()
        && reply.starts_with("HTTP/1.1 200")
}
