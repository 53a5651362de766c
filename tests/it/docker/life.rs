//! The life of a plane: start, status, logs, update, stop.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::world::{BROKEN, IMAGE, NEXT, World, whole};

fn token(world: &World) -> String {
    let file: Value = serde_json::from_str(&world.env.read("home/.meshery/auth.json")).unwrap();
    file["token"].as_str().unwrap().to_owned()
}

fn file(world: &World, path: &str) -> (String, u32, u64) {
    let engine = world.engine.world();
    let (content, mode, owner) = &engine.volumes["meshery-local"].files[path];
    (String::from_utf8(content.clone()).unwrap(), *mode, *owner)
}

#[test]
fn a_plane_is_started_seen_and_stopped_and_every_step_can_be_repeated() {
    let world = World::new();
    let started = world.start().ok().json();
    assert_eq!(
        (&started["state"], &started["version"], &started["endpoint"]),
        (&json!("running"), &json!("double"), &json!(format!("http://localhost:{}", world.port)))
    );
    assert_eq!(world.overview(), whole());
    let components: Vec<(&str, u64, u64)> = started["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["ready"].as_u64().unwrap(), one["wanted"].as_u64().unwrap()))
        .collect();
    assert_eq!(components, [("meshery", 1, 1), ("meshery-istio", 1, 1)]);

    let before: Vec<String> = world.engine.world().containers.iter().map(|one| one.id.clone()).collect();
    let again = world.start().ok();
    assert!(again.stderr.contains("runs already"), "{again}");
    let after: Vec<String> = world.engine.world().containers.iter().map(|one| one.id.clone()).collect();
    assert_eq!(after, before, "the containers are the same");

    let stopped = world.ctl(&["system", "stop", "-o", "json"]).ok().json();
    assert_eq!(
        stopped["removed"],
        json!(["container/meshery-local-meshery", "container/meshery-local-meshery-istio", "network/meshery-local"])
    );
    assert_eq!(stopped["kept"], json!(["volume/meshery-local"]));
    assert_eq!(world.overview(), []);
    let again = world.ctl(&["system", "stop"]).ok();
    assert!(again.stdout.contains("does not run"), "{again}");
    assert_eq!(world.status()["state"], "stopped");
    let reset = world.ctl(&["system", "stop", "--reset", "--yes", "-o", "json"]).ok().json();
    assert_eq!(reset["removed"], json!(["volume/meshery-local"]));
    assert!(world.engine.world().volumes.is_empty() && world.engine.world().networks.is_empty());
}

#[test]
fn secrets_go_in_as_private_files_and_nowhere_else() {
    let world = World::new();
    world.start().ok();
    let token = token(&world);
    let (auth, mode, owner) = file(&world, "auth.json");
    assert_eq!(serde_json::from_str::<Value>(&auth).unwrap(), json!({"meshery-provider": "None", "token": token}));
    assert_eq!((mode, owner), (0o600, 65532));
    assert_eq!(file(&world, "host-kubeconfig.yaml").1, 0o600);
    let engine = world.engine.world();
    for one in &engine.containers {
        let made = one.body.to_string();
        assert!(!made.contains(&token), "{made}");
        let host = &one.body["HostConfig"];
        assert_eq!((&host["ReadonlyRootfs"], &host["CapDrop"]), (&json!(true), &json!(["ALL"])));
        assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
        assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
        assert!(host["Memory"].as_i64().unwrap() > 0);
    }
    let server = &engine.containers.iter().find(|one| one.name == "meshery-local-meshery").unwrap().body;
    let binding = &server["HostConfig"]["PortBindings"]["9081/tcp"][0];
    assert_eq!(*binding, json!({"HostIp": "127.0.0.1", "HostPort": world.port.to_string()}));
    assert_eq!(server["HostConfig"]["ExtraHosts"], json!(["host.docker.internal:host-gateway"]));
    assert!(server["Env"].to_string().contains("ADAPTER_URLS=meshery-istio:10000"), "{server}");
    let adapter = &engine.containers.iter().find(|one| one.name == "meshery-local-meshery-istio").unwrap().body;
    assert_eq!(adapter["HostConfig"]["PortBindings"], Value::Null);
    assert_eq!(adapter["NetworkingConfig"]["EndpointsConfig"]["meshery-local"]["Aliases"], json!(["meshery-istio"]));
}

#[test]
fn a_start_brings_what_changed_to_the_wanted_state_and_nothing_else() {
    let world = World::new();
    world.start().ok();
    let id = |name: &str| world.engine.world().find(name).map(|one| one.id.clone());
    let (server, adapter) = (id("meshery-local-meshery").unwrap(), id("meshery-local-meshery-istio").unwrap());
    world.engine.world().stop("meshery-local-meshery-istio");
    world.ctl(&["system", "start"]).ok();
    assert_eq!(world.overview(), whole(), "what had ended runs");
    assert_eq!(id("meshery-local-meshery").unwrap(), server);
    assert_eq!(id("meshery-local-meshery-istio").unwrap(), adapter);

    // Another token is another file: only the server is made anew.
    world.env.write("home/.meshery/auth.json", r#"{"meshery-provider":"None","token":"another"}"#);
    world.ctl(&["system", "start"]).ok();
    assert_ne!(id("meshery-local-meshery").unwrap(), server);
    assert_eq!(id("meshery-local-meshery-istio").unwrap(), adapter);
    assert!(file(&world, "auth.json").0.contains("another"));

    let config = world.env.read("home/.meshery/config.yaml").replace("[meshery-istio]", "[linkerd]");
    world.env.write("home/.meshery/config.yaml", config);
    world.engine.world().add_image("nats:1", "");
    world.ctl(&["system", "start", "--broker=nats:1"]).ok();
    let names: Vec<String> = world.overview().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["meshery-local-broker", "meshery-local-meshery", "meshery-local-meshery-linkerd"]);
    assert!(world.engine.world().find("meshery-local-meshery").unwrap().body["Image"] == IMAGE, "it keeps its image");
}

#[test]
fn a_free_port_is_kept_and_written_into_the_context() {
    let world = World::new();
    let started = world.ctl(&["system", "start", "--image", IMAGE, "--port", "0", "-o", "json"]).ok().json();
    let endpoint = started["endpoint"].as_str().unwrap();
    assert!(!endpoint.ends_with(&format!(":{}", world.port)), "{endpoint}");
    assert!(world.env.read("home/.meshery/config.yaml").contains(endpoint));
    let again = world.ctl(&["system", "start", "--port", "0", "-o", "json"]).ok();
    assert_eq!(again.json()["endpoint"], endpoint);
    assert!(again.stderr.contains("runs already"), "{again}");
}

#[test]
fn the_image_of_this_program_is_loaded_once() {
    let world = World::with("[]", "");
    let first = world.ctl(&["system", "start"]).ok();
    assert!(first.stderr.contains("loaded"), "{first}");
    world.ctl(&["system", "stop"]).ok();
    world.engine.fail(None);
    world.ctl(&["system", "start"]).ok();
    assert!(!world.engine.calls().iter().any(|call| call.contains("/images/load")), "{:#?}", world.engine.calls());
}

#[test]
fn images_are_pulled_with_the_credentials_of_docker_login() {
    let world = World::new();
    world.engine.world().registry.insert("registry.example/plane:3".into(), "sha256:three".into());
    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "me:p?ss~w>rd");
    let config = format!(r#"{{"auths": {{"registry.example": {{"auth": "{auth}"}}}}}}"#);
    world.env.write("home/.docker/config.json", config);
    let started = world.ctl(&["system", "start", "--image", "registry.example/plane:3"]).ok();
    assert!(started.stderr.contains("registry.example/plane:3 pulled"), "{started}");
    let login = world.engine.world().login.clone().unwrap();
    let login = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE, login).unwrap();
    let login: Value = serde_json::from_slice(&login).unwrap();
    assert_eq!((&login["username"], &login["password"]), (&json!("me"), &json!("p?ss~w>rd")));
}

#[test]
fn logs_are_told_by_component_in_their_order_and_an_unknown_one_is_refused() {
    let world = World::new();
    let none = world.ctl(&["system", "logs"]).run();
    assert_eq!(none.code, Some(5), "{none}");
    world.start().ok();
    for (name, line) in [
        ("meshery-local-meshery-istio", "one"),
        ("meshery-local-meshery", "two"),
        ("meshery-local-meshery-istio", "three"),
    ] {
        world.engine.world().find(name).unwrap().say(line);
    }
    let all = world.ctl(&["system", "logs"]).ok();
    let lines: Vec<&str> = all.stdout.lines().filter(|line| !line.contains("begins")).collect();
    assert_eq!(lines, ["meshery-istio | one", "meshery | two", "meshery-istio | three"]);
    let by_mesh = world.ctl(&["system", "logs", "istio"]).ok();
    assert!(by_mesh.stdout.contains("meshery-istio | one") && !by_mesh.stdout.contains("two"), "{by_mesh}");
    let tail = world.ctl(&["system", "logs", "meshery-istio", "--tail", "1", "-o", "json"]).ok().json();
    assert_eq!(tail, json!([{"component": "meshery-istio", "text": "three"}]));
    let unknown = world.ctl(&["system", "logs", "meshery-isto"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    assert!(unknown.stderr.contains("did you mean meshery-istio?"), "{unknown}");
}

#[test]
fn followed_logs_go_on_over_restarts_and_in_the_container_that_takes_the_place() {
    let world = World::with("[]", "");
    world.start().ok();
    let mut command = world.ctl(&["system", "logs", "-f", "--tail", "1"]).command();
    let mut follower = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "meshery | plane:1 begins");
    let say = |line: &str| world.engine.world().find("meshery-local-meshery").unwrap().say(line);
    say("first run");
    assert_eq!(lines.next().unwrap(), "meshery | first run");
    world.engine.world().stop("meshery-local-meshery");
    world.engine.world().start("meshery-local-meshery").unwrap();
    say("second run");
    let next: Vec<String> = lines.by_ref().take(3).collect();
    assert_eq!(next, ["meshery | stopping", "meshery | plane:1 begins", "meshery | second run"]);
    world.ctl(&["system", "update", "--image", NEXT]).ok();
    let next: Vec<String> = lines.by_ref().take(2).collect();
    assert_eq!(next, ["meshery | stopping", "meshery | plane:2 begins"]);
    world.ctl(&["system", "stop"]).ok();
    lines.by_ref().for_each(drop);
    let ended = follower.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && told.contains("The plane was removed"), "{told}");
}

#[test]
fn an_update_goes_component_by_component_and_takes_back_what_does_not_become_ready() {
    let world = World::new();
    world.start().ok();
    let outcomes = |args: &[&str], code: i32| {
        let run = world.ctl(&[&["system", "update", "-o", "json"], args].concat()).run();
        assert_eq!(run.code, Some(code), "{run}");
        let list = run.json();
        let list: Vec<(String, String)> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let text = |key: &str| one[key].as_str().unwrap().to_owned();
                (text("component"), text("outcome"))
            })
            .collect();
        list
    };
    let pair = |name: &str, outcome: &str| (name.to_owned(), outcome.to_owned());
    let next = outcomes(&["--image", NEXT], 0);
    assert_eq!(next, [pair("meshery-istio", "updated"), pair("meshery", "updated")]);
    assert_eq!(outcomes(&["--image", NEXT], 0), [pair("meshery-istio", "unchanged"), pair("meshery", "unchanged")]);
    assert_eq!(world.overview(), whole());

    let id = world.engine.world().find("meshery-local-meshery").unwrap().id.clone();
    let broken = world.ctl(&["system", "update", "meshery", "--image", BROKEN, "-o", "json"]).run();
    assert_eq!(broken.code, Some(7), "{broken}");
    let reason = broken.json()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("exit code 3") && reason.contains("panicked at the double"), "{reason}");
    assert_eq!(world.overview(), whole());
    assert_eq!(world.engine.world().find("meshery-local-meshery").unwrap().id, id, "the old container runs again");
    assert_eq!(file(&world, "data/meshery.db").0, "first", "with the data it had");
    assert_eq!(file(&world, "data/meshery.db-wal").0, "", "and without what the new one had begun");
    assert!(!world.env.files().iter().any(|path| path.ends_with("data.tar")), "{:?}", world.env.files());
    let unknown = world.ctl(&["system", "update", "broker"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    let empty = world.ctl(&["system", "update", "--image", ""]).run();
    assert_eq!(empty.code, Some(2), "{empty}");
    assert!(empty.stderr.contains("--image"), "{empty}");

    world.engine.world().remove("meshery-local-meshery-istio");
    let unchanged = pair("meshery", "unchanged");
    assert_eq!(outcomes(&["--image", NEXT], 7), [unchanged, pair("meshery-istio", "missing")]);
    assert_eq!(outcomes(&["istio", "--image", NEXT], 7), [pair("meshery-istio", "missing")]);
    let told = world.ctl(&["system", "update", "istio", "--image", NEXT]).run();
    assert!(told.stderr.contains("meshery-istio is missing: `mesheryctl system start` brings it back"), "{told}");
}

#[test]
fn a_pinned_version_and_the_edge_channel_are_pulled() {
    for (more, reference) in [
        ("    channel: stable\n    version: v9.9.9\n", "meshery/mesheryctl:v9.9.9"),
        ("    channel: edge\n    version: latest\n", "meshery/mesheryctl:edge-latest"),
    ] {
        let world = World::with("[]", more);
        world.start().ok();
        let refused = world.ctl(&["system", "update"]).run();
        assert_eq!(refused.code, Some(5), "{refused}");
        assert!(refused.stderr.contains(reference) && refused.stderr.contains("pull access denied"), "{refused}");
        world.engine.world().registry.insert(reference.into(), "sha256:new".into());
        world.ctl(&["system", "update"]).ok();
        assert_eq!(world.engine.world().find("meshery-local-meshery").unwrap().body["Image"], reference);
    }
}

#[test]
fn a_restart_keeps_containers_port_broker_and_image() {
    let world = World::new();
    world.engine.world().add_image("nats:1", "");
    world.ctl(&["system", "start", "--image", IMAGE, "--broker=nats:1"]).ok();
    let ids =
        |world: &World| -> Vec<String> { world.engine.world().containers.iter().map(|one| one.id.clone()).collect() };
    let before = ids(&world);
    let restarted = world.ctl(&["system", "restart", "-o", "json"]).ok().json();
    assert_eq!(restarted["state"], "running");
    assert_eq!(ids(&world), before);
    for one in &world.engine.world().containers {
        let runs = one.log.iter().filter(|(_, line)| line.contains("begins")).count();
        assert_eq!((one.status.as_str(), runs), ("running", 2), "{}", one.name);
    }
}

#[test]
fn status_tells_what_is_not_ready_and_who_has_the_port() {
    let world = World::new();
    world.start().ok();
    world.engine.world().stop("meshery-local-meshery-istio");
    let status = world.status();
    let adapter = &status["components"][1];
    assert_eq!((&adapter["ready"], &adapter["wanted"], &adapter["status"]), (&json!(0), &json!(1), &json!("Exited")));
    assert_eq!(status["state"], "running");
    assert_eq!(world.ctl(&["system", "status"]).run().code, Some(7), "the server alone is not the whole plane");
    world.engine.world().remove("meshery-local-meshery-istio");
    assert_eq!(world.status()["components"][1]["status"], "Missing");
    world.ctl(&["system", "stop"]).ok();
    let stopped = world.ctl(&["system", "status"]).run();
    assert_eq!(stopped.code, Some(3), "{stopped}");
    assert!(!stopped.stdout.contains("PID") && stopped.stderr.contains("the server is stopped"), "{stopped}");
    let _listener = std::net::TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let status = world.ctl(&["system", "status", "-o", "json"]).run();
    assert_eq!((status.code, &status.json()["state"]), (Some(3), &json!("foreign")), "{status}");
}

#[test]
fn two_contexts_have_two_planes() {
    let world = World::new();
    world.start().ok();
    world.ctl(&["system", "context", "create", "Team.One", "-p", "docker"]).ok();
    let started = world.ctl(&["system", "start", "--context", "Team.One", "--image", IMAGE, "--port", "0"]).ok();
    assert!(started.stderr.contains("endpoint"), "{started}");
    let names: Vec<String> = world.overview().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("meshery-team-one-")), "{names:?}");
    world.ctl(&["system", "stop", "--context", "Team.One"]).ok();
    assert_eq!(world.overview(), whole());
}

/// What the engine has after `docker-compose up` with the file that `system manifest` prints.
fn compose_up(world: &World) {
    let printed = world.ctl(&["system", "manifest", "--image", IMAGE, "-o", "json"]).ok().json();
    world.ctl(&["system", "token", "list"]).ok();
    world.env.write("home/.meshery/auth.json", r#"{"meshery-provider":"None","token":"0123456789abcdef"}"#);
    let mut engine = world.engine.world();
    let id = engine.images[IMAGE].clone();
    let labels = &printed["networks"]["plane"]["labels"];
    engine.networks.insert("meshery-local".into(), labels.clone());
    engine.volumes.entry("meshery-local".into()).or_default().labels = printed["volumes"]["data"]["labels"].clone();
    let token = (b"{}".to_vec(), 0o600, 65532);
    engine.volumes.get_mut("meshery-local").unwrap().files.insert("auth.json".into(), token);
    for (name, service) in printed["services"].as_object().unwrap() {
        let mut host = json!({"NetworkMode": "meshery-local"});
        if service["ports"].is_array() {
            host["PortBindings"] = json!({"9081/tcp": [{"HostIp": "127.0.0.1", "HostPort": world.port.to_string()}]});
            host["Mounts"] = json!([{"Source": "meshery-local"}]);
        }
        let body = json!({"Image": IMAGE, "Labels": service["labels"], "HostConfig": host});
        let name = format!("meshery-local-{name}");
        engine.create(&name, body, id.clone());
        engine.start(&name).unwrap();
    }
}

#[test]
fn a_plane_made_by_its_compose_file_is_the_planes_own() {
    let world = World::new();
    compose_up(&world);
    let status = world.ctl(&["system", "status", "-o", "json"]).ok().json();
    assert_eq!((&status["state"], &status["components"][0]["name"]), (&json!("running"), &json!("meshery")));
    let logs = world.ctl(&["system", "logs", "meshery"]).ok();
    assert!(logs.stdout.contains("plane:1 begins"), "{logs}");
    world.ctl(&["system", "start"]).ok();
    assert_eq!(world.overview(), whole());
    let stopped = world.ctl(&["system", "stop", "-o", "json"]).ok().json();
    assert_eq!(stopped["kept"], json!(["volume/meshery-local"]));
    assert_eq!(world.overview(), []);
}

#[test]
fn a_paused_plane_is_told_as_paused_and_goes_on_with_a_start() {
    let world = World::new();
    world.start().ok();
    let id = world.engine.world().find("meshery-local-meshery").unwrap().id.clone();
    world.engine.world().pause("meshery-local-meshery");
    let status = world.ctl(&["system", "status", "-o", "json"]).run();
    assert_eq!((status.code, &status.json()["state"]), (Some(3), &json!("silent")), "{status}");
    let message = status.json()["components"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("it is paused") && message.contains("docker unpause meshery-local-meshery"), "{message}");
    assert!(!status.stdout.contains("foreign") && !status.stderr.contains("listens there"), "{status}");
    let started = world.ctl(&["system", "start"]).ok();
    assert!(!started.stderr.contains("runs already"), "{started}");
    assert_eq!(world.overview(), whole());
    assert_eq!(world.engine.world().find("meshery-local-meshery").unwrap().id, id, "the same container");
}
