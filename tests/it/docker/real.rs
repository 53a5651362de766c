//! The same life on the kit's real engine, with the program's own image and the kit's real cluster.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::cluster::Kit;
use crate::support::ctl::{Output, Run};
use crate::support::env::Env;

/// A home with a context of its own name, so that planes of several tests stand beside each other; what is left of it
/// goes when the test ends, however it ends.
struct World {
    env: Env,
    kit: Kit,
    name: String,
    port: u16,
}

impl World {
    fn new(components: &str) -> Self {
        let kit = Kit::up();
        let name = format!("kit-{}", mesheryctl::base::id::short());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let env = Env::with_config(&format!(
            "contexts:\n  {name}:\n    endpoint: http://localhost:{port}\n    platform: docker\n    token: default\n    \
             components: {components}\ncurrent-context: {name}\ntokens:\n- name: default\n  location: auth.json\n"
        ));
        Self { env, kit, name, port }
    }

    fn ctl(&self, args: &[&str]) -> Run<'_> {
        self.env
            .ctl(args.iter().copied())
            .var("DOCKER_HOST", self.kit.get("DOCKER_HOST"))
            .var("KUBECONFIG", self.kit.get("KUBECONFIG"))
    }

    /// Runs the docker command and gives its stdout.
    fn docker(&self, args: &[&str]) -> String {
        let output = self.docker_command(args).output().unwrap();
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn docker_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.kit.get("DOCKER"));
        command.args(["--host", self.kit.get("DOCKER_HOST")]).args(args);
        command
    }

    fn container(&self, component: &str) -> String {
        format!("meshery-{}-{component}", self.name)
    }

    fn inspect(&self, component: &str) -> Value {
        let found: Value = serde_json::from_str(&self.docker(&["inspect", &self.container(component)])).unwrap();
        found[0].clone()
    }

    /// Containers, networks and volumes of this plane.
    fn left(&self) -> Vec<String> {
        let filter = format!("label=io.meshery.context={}", self.name);
        let list = |args: &[&str]| self.docker(&[args, &["--filter", &filter]].concat());
        [
            list(&["ps", "-a", "--format", "container/{{.Names}}"]),
            list(&["network", "ls", "--format", "network/{{.Name}}"]),
            list(&["volume", "ls", "--format", "volume/{{.Name}}"]),
        ]
        .iter()
        .flat_map(|text| text.lines())
        .map(str::to_owned)
        .collect()
    }

    /// An image made of that of a container with another entry point.
    fn variant(&self, component: &str, change: &str) -> String {
        let image = format!("kit.local/{}:{}", self.name, mesheryctl::base::id::short());
        self.docker(&["commit", "--change", change, &self.container(component), &image]);
        image
    }

    fn pattern(&self) -> String {
        let namespace = &self.name;
        let text = format!(
            "name: {namespace}\nservices:\n  {namespace}:\n    type: Namespace\n  settings:\n    type: ConfigMap\n    \
             namespace: {namespace}\n    dependsOn: [{namespace}]\n    settings:\n      data: {{colour: blue}}\n"
        );
        self.env.write("work/pattern.yaml", text).display().to_string()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.ctl(&["system", "stop", "--reset", "--force", "--yes"]).run();
        let _ = self.kit.try_kubectl(&["delete", "namespace", &self.name, "--ignore-not-found"]);
        let images = self.docker(&["images", "-q", &format!("kit.local/{}", self.name)]);
        for image in images.lines() {
            let _ = self.docker_command(&["rmi", "-f", image]).output();
        }
    }
}

fn ready(output: &Output) -> Vec<(String, u64, u64)> {
    let one = |one: &Value| {
        (one["name"].as_str().unwrap().to_owned(), one["ready"].as_u64().unwrap(), one["wanted"].as_u64().unwrap())
    };
    output.json()["components"].as_array().unwrap().iter().map(one).collect()
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn a_plane_lives_on_a_real_engine_and_nothing_is_left_of_it() {
    let world = World::new("[meshery-istio]");
    let started = world.ctl(&["system", "start", "-o", "json"]).ok();
    let all = [("meshery".to_owned(), 1, 1), ("meshery-istio".to_owned(), 1, 1)];
    assert_eq!(ready(&started), all);
    assert_eq!(started.json()["version"], env!("CARGO_PKG_VERSION"));

    // A pattern goes through that plane to the real cluster, and what the plane knows outlives its containers.
    let pattern = world.pattern();
    world.ctl(&["pattern", "apply", "-f", &pattern]).ok();
    let colour = ["-n", &world.name, "get", "configmap", "settings", "-o", "jsonpath={.data.colour}"];
    assert_eq!(world.kit.kubectl(&colour), "blue");
    world.ctl(&["system", "restart"]).ok();
    let known = world.ctl(&["operation", "list", "-o", "json"]).ok().json();
    assert_eq!(known.as_array().unwrap().len(), 1, "{known}");
    let stopped = world.ctl(&["system", "stop", "-o", "json"]).ok().json();
    assert_eq!(stopped["kept"], json!([format!("volume/meshery-{}", world.name)]));
    assert_eq!(world.left(), [format!("volume/meshery-{}", world.name)]);
    let again = world.ctl(&["system", "start"]).ok();
    assert!(!again.stderr.contains("loaded"), "the engine has the image: {again}");
    assert_eq!(world.ctl(&["operation", "list", "-o", "json"]).ok().json(), known);
    world.ctl(&["pattern", "delete", &world.name, "--yes"]).ok();
    assert_eq!(world.kit.left_of(&world.name, &world.name), Vec::<String>::new());

    let adapters = world.ctl(&["adapter", "list", "-o", "json"]).ok().json();
    assert_eq!(adapters[0]["state"], "answers", "{adapters}");
    world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    assert_eq!(world.left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn containers_have_no_rights_and_secrets_are_files_that_only_they_read() {
    let world = World::new("[meshery-istio]");
    world.ctl(&["system", "start"]).ok();
    let auth: Value = serde_json::from_str(&world.env.read("home/.meshery/auth.json")).unwrap();
    for component in ["meshery", "meshery-istio"] {
        let found = world.inspect(component);
        assert!(!found.to_string().contains(auth["token"].as_str().unwrap()));
        assert_eq!(found["Config"]["User"], "65532:65532");
        assert_eq!(found["HostConfig"]["ReadonlyRootfs"], true);
        assert_eq!(found["HostConfig"]["CapDrop"], json!(["ALL"]));
        let pid = found["State"]["Pid"].as_u64().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Uid:\t65532"] {
            assert!(status.contains(line), "{line}: {status}");
        }
    }
    let bindings = &world.inspect("meshery")["NetworkSettings"]["Ports"]["9081/tcp"];
    assert_eq!(*bindings, json!([{"HostIp": "127.0.0.1", "HostPort": world.port.to_string()}]));
    let file =
        world.docker_command(&["cp", &format!("{}:/var/lib/meshery/auth.json", world.container("meshery")), "-"]);
    let archive = { file }.output().unwrap().stdout;
    let mut archive = tar::Archive::new(archive.as_slice());
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!((entry.header().mode().unwrap() & 0o777, entry.header().uid().unwrap()), (0o600, 65532));
    let health = world.docker(&["exec", &world.container("meshery"), "/usr/local/bin/mesheryctl", "system", "status"]);
    assert!(health.contains("running"), "{health}");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn an_update_is_taken_back_with_its_data_when_the_new_image_ends_or_stays_silent() {
    let world = World::new("[]");
    world.ctl(&["system", "start"]).ok();
    world.ctl(&["pattern", "apply", "-f", &world.pattern()]).ok();
    let id = world.inspect("meshery")["Id"].clone();
    let update =
        |image: &str| world.ctl(&["system", "update", "--image", image, "--timeout", "45s", "-o", "json"]).run();
    let ends = world.variant("meshery", r#"ENTRYPOINT ["/usr/local/bin/mesheryctl", "no-such-verb"]"#);
    let refused = update(&ends);
    assert_eq!(refused.code, Some(7), "{refused}");
    let reason = refused.json()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("exit code 2") && reason.contains("explain usage-error"), "{reason}");
    let silent =
        world.variant("meshery", r#"ENTRYPOINT ["/usr/local/bin/mesheryctl", "serve", "adapter", "istio", "--"]"#);
    let refused = update(&silent);
    assert_eq!(refused.code, Some(7), "{refused}");
    assert_eq!(world.inspect("meshery")["Id"], id, "the old container runs again");
    let operations = || world.ctl(&["operation", "list", "-o", "json"]).ok().json().as_array().unwrap().len();
    assert_eq!(operations(), 1, "it answers again");

    let good = world.variant("meshery", "LABEL another=one");
    let updated = update(&good);
    assert_eq!((updated.code, &updated.json()[0]["outcome"]), (Some(0), &json!("updated")), "{updated}");
    assert_ne!(world.inspect("meshery")["Id"], id);
    assert_eq!(operations(), 1, "the data is the same");
    assert_eq!(world.left().len(), 3, "{:?}", world.left());
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn logs_are_followed_over_a_restart() {
    let world = World::new("[]");
    world.ctl(&["system", "start"]).ok();
    let mut command = world.ctl(&["system", "logs", "-f"]).command();
    let mut follower = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |text: &str| {
        let found = lines.by_ref().find(|line| line.contains(text));
        assert!(found.is_some_and(|line| line.starts_with("meshery | ")), "{text} did not come");
    };
    until("Serving at");
    world.ctl(&["system", "restart"]).ok();
    until("stopping");
    until("Serving at");
    world.ctl(&["system", "stop"]).ok();
    until("stopping");
    assert!(follower.wait().unwrap().success(), "there is nothing more to follow");
}

/// Each line of progress is a moment at which the program is killed.
#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn a_start_or_stop_that_is_killed_is_completed_by_the_next() {
    let world = World::new("[meshery-istio]");
    let kill_at = |args: &[&str], number: usize| -> bool {
        let mut command = world.ctl(args).command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let reached = lines.by_ref().map_while(Result::ok).nth(number).is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        reached
    };
    let mut moments = 0;
    for number in 0.. {
        if !kill_at(&["system", "start"], number) {
            break;
        }
        let started = world.ctl(&["system", "start", "-o", "json"]).ok();
        assert_eq!(ready(&started).iter().map(|(_, ready, _)| ready).sum::<u64>(), 2, "after line {number}: {started}");
        assert_eq!(world.left().len(), 4, "after line {number}: {:?}", world.left());
        kill_at(&["system", "stop", "--reset", "--yes"], number);
        world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
        assert_eq!(world.left(), Vec::<String>::new(), "after line {number}");
        moments += 1;
    }
    assert!(moments >= 5, "only {moments} moments");
}

/// Passes connections on to the kit's API server; the port it listens on.
fn forward(listen: &str, kit: &Kit) -> u16 {
    let config = std::fs::read_to_string(kit.get("KUBECONFIG")).unwrap();
    let server = config.lines().find_map(|line| line.trim().strip_prefix("server: https://")).unwrap().to_owned();
    let listener = std::net::TcpListener::bind((listen, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(far) = std::net::TcpStream::connect(&server) else { continue };
            for (mut from, mut to) in [(client.try_clone().unwrap(), far.try_clone().unwrap()), (far, client)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    port
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn a_cluster_at_a_loopback_address_is_reached_from_the_container_under_its_own_certificate() {
    let world = World::new("[]");
    let config = std::fs::read_to_string(world.kit.get("KUBECONFIG")).unwrap();
    let server = config.lines().find_map(|line| line.trim().strip_prefix("server: ")).unwrap();
    let loopback = |port: u16| {
        let text = config.replace(server, &format!("https://127.0.0.1:{port}"));
        world.env.write("loopback-kubeconfig", text)
    };
    let open = loopback(forward("0.0.0.0", &world.kit));
    let started = world.ctl(&["system", "start"]).var("KUBECONFIG", &open).ok();
    assert!(!started.stderr.contains("cannot reach"), "{started}");
    world.ctl(&["pattern", "apply", "-f", &world.pattern()]).ok();
    world.ctl(&["pattern", "delete", &world.name, "--yes"]).ok();

    let closed = loopback(forward("127.0.0.1", &world.kit));
    let started = world.ctl(&["system", "start"]).var("KUBECONFIG", &closed).ok();
    assert!(started.stderr.contains("cannot reach Kubernetes context `kit`"), "{started}");
}

/// As kind has it: the API server is in a container on a network of its own, with a port on loopback.
#[test]
#[ignore = "needs the kit: tests/kit/up.sh istio docker"]
fn a_cluster_in_a_container_is_reached_over_its_own_network() {
    let world = World::new("[]");
    let config = std::fs::read_to_string(world.kit.get("KUBECONFIG")).unwrap();
    let server = config.lines().find_map(|line| line.trim().strip_prefix("server: https://")).unwrap();
    let (image, name) = (format!("kit.local/{}:proxy", world.name), format!("{}-control-plane", world.name));
    let folder = world.env.path("proxy");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(world.kit.get("FORTIO"), folder.join("fortio")).unwrap();
    let archive = world.env.path("proxy.tar");
    assert!(Command::new("tar").arg("-C").arg(&folder).arg("-cf").arg(&archive).arg(".").status().unwrap().success());
    world.docker(&["import", &archive.display().to_string(), &image]);
    world.docker(&["network", "create", &world.name]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (publish, proxy) = (format!("127.0.0.1:{port}:6443"), format!(":6443 {server}"));
    world.docker(&[
        "run",
        "-d",
        "--name",
        &name,
        "--network",
        &world.name,
        "-p",
        &publish,
        &image,
        "/fortio",
        "proxies",
        "-P",
        &proxy,
    ]);
    let text = config.replace(server, &format!("127.0.0.1:{port}"));
    let kubeconfig = world.env.write("kind-kubeconfig", text);
    let ended = [
        world.ctl(&["system", "start"]).var("KUBECONFIG", &kubeconfig).run(),
        world.ctl(&["pattern", "apply", "-f", &world.pattern()]).run(),
        world.ctl(&["pattern", "delete", &world.name, "--yes"]).run(),
        world.ctl(&["system", "stop", "--reset", "--yes"]).run(),
    ];
    world.docker(&["rm", "-f", "-v", &name]);
    world.docker(&["network", "rm", &world.name]);
    for output in ended {
        assert_eq!(output.code, Some(0), "{output}");
    }
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh docker"]
fn the_compose_file_makes_the_same_plane() {
    use mesheryctl::model::context::{Context, Platform};
    use mesheryctl::plane::Spec;
    use mesheryctl::plane::compose::{ComposeOptions, compose};
    use mesheryctl::plane::container::Settings;
    use std::os::unix::fs::PermissionsExt;

    let world = World::new("[meshery-istio]");
    let image = world.ctl(&["system", "start", "-o", "json"]).ok().json()["components"][0]["image"].clone();
    world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    let context = Context {
        name: world.name.clone(),
        endpoint: String::new(),
        token: String::new(),
        platform: Platform::Docker,
        components: vec!["meshery-istio".into()],
        channel: String::new(),
        version: String::new(),
        provider: String::new(),
    };
    let spec = Spec::new(&context, image.as_str().unwrap(), None).unwrap();
    let token = world.env.write("work/token.json", world.env.read("home/.meshery/auth.json"));
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let options = ComposeOptions {
        settings: Settings { port: world.port, ..Settings::default() },
        token_file: token.display().to_string(),
        kubeconfig: None,
        home: mesheryctl::client::process::home_id(world.env.root()).to_string(),
    };
    let file = world.env.write("work/compose.yaml", compose(&spec, &options).unwrap());
    let compose = |args: &[&str]| {
        let mut command = Command::new(world.kit.get("COMPOSE"));
        command.env("DOCKER_HOST", world.kit.get("DOCKER_HOST")).args(["-p", &world.name, "-f"]).arg(&file).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    compose(&["config", "--quiet"]);
    compose(&["up", "-d"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let answers = loop {
        let list = world.ctl(&["adapter", "list", "-o", "json"]).run();
        if list.code == Some(0) && list.json()[0]["state"] == "answers" || std::time::Instant::now() > deadline {
            break list;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    compose(&["down", "-v"]);
    assert_eq!(answers.code, Some(0), "{answers}");
    assert_eq!(world.left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node docker"]
fn faults_are_told_in_the_words_of_the_real_engine() {
    let world = World::new("[]");
    world.ctl(&["system", "start"]).ok();
    let image = world.inspect("meshery")["Config"]["Image"].as_str().unwrap().to_owned();

    let other = World::new("[]");
    let port = world.port.to_string();
    let taken = other.ctl(&["system", "start", "--port", &port]).run();
    assert_eq!(taken.code, Some(1), "{taken}");
    assert!(taken.stderr.contains(&format!("container {} has it", world.container("meshery"))), "{taken}");

    let missing = other.ctl(&["system", "start", "--image", "127.0.0.1:1/none:1"]).run();
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("docker-image-missing") && missing.stderr.contains("refused"), "{missing}");

    other.docker(&["create", "--name", &other.container("meshery"), &image]);
    let stranger = other.ctl(&["system", "start"]).run();
    assert_eq!(stranger.code, Some(1), "{stranger}");
    assert!(stranger.stderr.contains("docker-name-taken"), "{stranger}");
    other.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    other.docker(&["rm", "-v", &other.container("meshery")]);

    let broken = world.variant("meshery", r#"ENTRYPOINT ["/usr/local/bin/mesheryctl", "no-such-verb"]"#);
    let failed = other.ctl(&["system", "start", "--image", &broken]).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains("exit code 2") && failed.stderr.contains("no-such-verb"), "{failed}");
    other.ctl(&["system", "start"]).ok();

    let check = other.ctl(&["system", "check", "-o", "json"]).run().json();
    let docker = |check: &&Value| check["id"].as_str().unwrap().starts_with("docker");
    for one in check.as_array().unwrap().iter().filter(docker) {
        assert_eq!(one["result"], "pass", "{one}");
    }
}
