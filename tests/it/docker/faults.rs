//! What can be wrong, each with its cause, the next step and the exit code.

use std::net::TcpListener;

use super::world::{BROKEN, IMAGE, World, whole};
use crate::support::ctl::Output;
use crate::support::docker::tls_front;

fn says(output: &Output, code: i32, parts: &[&str]) {
    assert_eq!(output.code, Some(code), "{output}");
    for part in parts {
        assert!(output.stderr.contains(part), "`{part}` is missing: {output}");
    }
}

#[test]
fn a_plane_is_not_left_behind_without_a_word() {
    let world = World::new();
    world.start().ok();
    let moved = world.ctl(&["system", "start", "-p", "local", "--port", "0"]).ok();
    says(&moved, 0, &["warning: The plane of context local goes on running on platform docker", "stop -p docker"]);
    world.ctl(&["system", "stop"]).ok();
    world.ctl(&["system", "start", "--image", IMAGE, "-p", "docker"]).ok();
    world.ctl(&["system", "context", "create", "other", "--set"]).ok();
    let refused = world.ctl(&["system", "context", "delete", "local"]).run();
    says(&refused, 1, &["plane-runs", "mesheryctl system stop --context local"]);
    world.ctl(&["system", "stop", "--context", "local"]).ok();
    world.ctl(&["system", "context", "delete", "local"]).ok();
}

#[test]
fn a_restart_cannot_move_the_port() {
    let world = World::new();
    world.start().ok();
    let before = world.status();
    let refused = world.ctl(&["system", "restart", "--port", "39413"]).run();
    says(&refused, 2, &["--port 39413", "system start --port 39413"]);
    assert_eq!(world.status(), before, "nothing was ended");
}

#[test]
fn an_engine_that_cannot_be_reached_is_named_with_who_named_it() {
    let world = World::new();
    let run = |host: &str| world.ctl(&["system", "start", "--image", IMAGE]).var("DOCKER_HOST", host).run();
    let nowhere = format!("unix://{}/none.sock", world.env.root().display());
    says(&run(&nowhere), 3, &["docker-unreachable", &nowhere, "DOCKER_HOST", "there is no socket", "Start the engine"]);
    let dead = world.env.path("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    says(&run(&format!("unix://{}", dead.display())), 3, &["docker-unreachable", "the engine has ended"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(&run(&format!("tcp://{free}")), 3, &["docker-unreachable", "refused"]);
    says(&run("ssh://me@far"), 2, &["docker-address", "over SSH", "ssh -nNT -L"]);
    says(&run("docker.sock"), 2, &["docker-address", "not an address", "unix:///PATH"]);
    for verb in [
        &["system", "stop"][..],
        &["system", "status"],
        &["system", "logs"],
        &["system", "update"],
        &["system", "restart"],
    ] {
        let output = world.ctl(verb).var("DOCKER_HOST", &nowhere).run();
        says(&output, 3, &["docker-unreachable"]);
    }
}

#[test]
fn something_else_that_answers_is_no_engine() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.read(&mut [0; 1024]);
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    let run = world.ctl(&["system", "start"]).var("DOCKER_HOST", format!("tcp://{address}")).run();
    says(&run, 3, &["docker-unreachable", "no Docker engine"]);
}

#[test]
fn a_socket_that_this_user_may_not_use_is_told_from_an_engine_that_is_down() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    std::fs::set_permissions(world.engine.socket(), std::fs::Permissions::from_mode(0o000)).unwrap();
    let run = world.start().run();
    // Root may use every socket.
    if rustix::process::geteuid().is_root() {
        assert_eq!(run.code, Some(0), "{run}");
    } else {
        says(&run, 3, &["docker-permission", "usermod -aG docker"]);
    }
}

#[test]
fn versions_of_the_api_that_do_not_meet_are_told_with_both() {
    let world = World::new();
    world.engine.speak("1.40", "1.12");
    says(&world.start().run(), 1, &["docker-version", "1.40", "1.41", "20.10"]);
    world.engine.speak("1.99", "1.60");
    says(&world.start().run(), 1, &["docker-version", "1.60", "1.53"]);
    world.engine.speak("1.99", "1.24");
    world.start().ok();
    assert!(world.engine.calls().iter().any(|call| call.contains("/v1.53/")), "{:#?}", world.engine.calls());
}

#[test]
fn contexts_of_docker_are_honoured() {
    let world = World::new();
    let folder = world.env.path("home/.docker");
    let run = |args: &[&str]| {
        let kubeconfig = world.env.path("empty-kubeconfig");
        world.env.ctl(args.iter().copied()).var("KUBECONFIG", kubeconfig)
    };
    world.ctl(&["version"]).ok();
    let name = mesheryctl::base::id::hex(&<sha2::Sha256 as sha2::Digest>::digest(b"work"));
    let meta = format!(r#"{{"Name":"work","Endpoints":{{"docker":{{"Host":"{}"}}}}}}"#, world.engine.host());
    world.env.write(&format!("home/.docker/contexts/meta/{name}/meta.json"), meta);
    std::fs::write(folder.join("config.json"), r#"{"currentContext":"work"}"#).unwrap();
    run(&["system", "start", "--image", IMAGE]).ok();
    assert_eq!(world.overview(), whole());
    let unknown = run(&["system", "status"]).var("DOCKER_CONTEXT", "wrok").run();
    says(&unknown, 2, &["docker-address", "`wrok`", "did you mean work?", "docker context use"]);
}

#[test]
fn an_engine_behind_tls_is_spoken_to_with_the_certificates_that_docker_keeps() {
    let world = World::new();
    let folder = world.env.path("certificates");
    let port = tls_front(world.engine.socket(), &folder);
    let host = format!("tcp://127.0.0.1:{port}");
    let run = |certificates: &std::path::Path| {
        let run = world.ctl(&["system", "start", "--image", IMAGE]).var("DOCKER_HOST", &host);
        run.var("DOCKER_TLS_VERIFY", "1").var("DOCKER_CERT_PATH", certificates).run()
    };
    let output = run(&folder);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(world.overview(), whole());
    let plain = world.ctl(&["system", "status"]).var("DOCKER_HOST", &host).run();
    says(&plain, 3, &["docker-unreachable", &host]);
    let strange = world.env.path("strange");
    tls_front(world.engine.socket(), &strange);
    says(&run(&strange), 3, &["docker-unreachable", "certificate"]);
    std::fs::remove_file(folder.join("key.pem")).unwrap();
    says(&run(&folder), 2, &["docker-address", "key.pem", "DOCKER_CERT_PATH"]);
}

#[test]
fn what_belongs_to_others_is_never_touched() {
    let world = World::new();
    world.engine.world().add_stranger("meshery-local-meshery");
    says(
        &world.start().run(),
        1,
        &["docker-name-taken", "the container meshery-local-meshery", "docker rm -f meshery-local-meshery"],
    );
    world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    assert_eq!(world.overview().len(), 1, "the stranger is there");
    world.engine.world().remove("meshery-local-meshery");
    world.engine.world().networks.insert("meshery-local".into(), serde_json::json!({}));
    says(&world.start().run(), 1, &["docker-name-taken", "the network meshery-local"]);
    world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    assert!(world.engine.world().networks.contains_key("meshery-local"));
    world.engine.world().networks.clear();
    world.engine.world().volumes.entry("meshery-local".into()).or_default();
    says(&world.start().run(), 1, &["docker-name-taken", "the volume meshery-local"]);
    assert!(world.overview().is_empty(), "nothing was made");
}

#[test]
fn a_plane_of_another_home_is_not_ours() {
    let world = World::new();
    world.start().ok();
    let other = World::new();
    let run = other.ctl(&["system", "start", "--image", IMAGE]).var("DOCKER_HOST", world.engine.host()).run();
    says(&run, 1, &["docker-name-taken", "another Meshery home"]);
    other.ctl(&["system", "stop", "--reset", "--yes"]).var("DOCKER_HOST", world.engine.host()).ok();
    assert_eq!(world.overview(), whole());
}

#[test]
fn a_network_with_guests_stays() {
    let world = World::new();
    world.start().ok();
    let body = serde_json::json!({"Image": "guest:1", "Labels": {}, "HostConfig": {"NetworkMode": "meshery-local"}});
    world.engine.world().create("guest", body, "sha256:guest".into());
    world.engine.world().start("guest").unwrap();
    let stopped = world.ctl(&["system", "stop", "-o", "json"]).ok();
    assert!(stopped.stderr.contains("guest"), "{stopped}");
    assert_eq!(stopped.json()["kept"], serde_json::json!(["network/meshery-local", "volume/meshery-local"]));
    assert_eq!(world.overview().len(), 1);
}

#[test]
fn a_taken_port_is_told_with_its_holder_before_anything_is_made() {
    let world = World::new();
    let listener = TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let refused = world.start().run();
    says(&refused, 1, &["port-taken", &world.port.to_string(), "--port 0"]);
    if cfg!(target_os = "linux") {
        says(&refused, 1, &[&format!("process {}", std::process::id())]);
    }
    assert!(world.overview().is_empty() && world.engine.world().networks.is_empty());
    drop(listener);
    world.start().ok();
    let other = World::new();
    let port = world.port.to_string();
    let run =
        other.ctl(&["system", "start", "--context", "local", "--port", &port]).var("DOCKER_HOST", world.engine.host());
    assert_eq!(run.run().code, Some(1));
    world.ctl(&["system", "context", "create", "second", "-p", "docker"]).ok();
    let run = world.ctl(&["system", "start", "--context", "second", "--image", IMAGE, "--port", &port]).run();
    says(&run, 1, &["port-taken", "container meshery-local-meshery has it"]);
}

#[test]
fn an_image_that_cannot_be_had_is_told_in_the_words_of_the_registry() {
    let world = World::new();
    let run = world.ctl(&["system", "start", "--image", "nowhere/plane:7"]).run();
    says(&run, 5, &["docker-image-missing", "nowhere/plane:7", "pull access denied"]);
    assert!(world.overview().is_empty());
    let broker = world.ctl(&["system", "start", "--image", IMAGE, "--broker=nowhere/nats:7"]).run();
    says(&broker, 5, &["docker-image-missing", "nowhere/nats:7", "--broker=REFERENCE"]);
    let nonsense = world.ctl(&["system", "start", "--image", "BAD IMAGE"]).run();
    says(&nonsense, 2, &["BAD IMAGE", "--image"]);
    let pull = world.ctl(&["system", "start", "--image", IMAGE, "--pull"]).run();
    says(&pull, 5, &["docker-image-missing", IMAGE]);
}

#[test]
fn a_container_that_ends_is_told_with_its_exit_code_and_last_lines() {
    let world = World::new();
    let run = world.ctl(&["system", "start", "--image", BROKEN]).run();
    says(&run, 1, &["docker-component-failed", "exit code 3", "panicked at the double", "system logs"]);
    let logs = world.ctl(&["system", "logs"]).ok();
    assert!(logs.stdout.contains("panicked at the double"), "{logs}");
    let status = world.status();
    assert_eq!(status["components"][0]["message"], "it ended with exit code 3");
    world.ctl(&["system", "start", "--image", IMAGE]).ok();
    assert_eq!(world.overview(), whole(), "the next start makes it anew");
}

#[test]
fn a_kubeconfig_is_made_one_for_the_container_or_refused() {
    let world = World::with("[]", "");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: kind\n\
        clusters: [{name: k, cluster: {server: 'https://127.0.0.1:6443'}}, {name: e, cluster: {server: 'https://eks.example'}}]\n\
        users: [{name: k, user: {token: kind-token}}, {name: e, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}]\n\
        contexts: [{name: kind, context: {cluster: k, user: k}}, {name: eks, context: {cluster: e, user: e}}]\n";
    let path = world.env.write("kubeconfig", config);
    let started = world.start().var("KUBECONFIG", &path).ok();
    assert!(started.stderr.contains("`eks`") && started.stderr.contains("`aws`"), "{started}");
    assert!(started.stderr.contains("kubectl --context eks create token"), "{started}");
    {
        let engine = world.engine.world();
        let (text, ..) = &engine.volumes["meshery-local"].files["host-kubeconfig.yaml"];
        let text = String::from_utf8_lossy(text);
        assert!(text.contains("https://host.docker.internal:6443") && text.contains("tls-server-name"), "{text}");
        assert!(text.contains("kind-token") && !text.contains("eks"), "{text}");
    }
    let broken = world.env.write("broken", "contexts: [oops");
    says(&world.start().var("KUBECONFIG", &broken).run(), 65, &["kubeconfig-invalid", "broken"]);
    let chosen =
        world.ctl(&["system", "start", "--image", IMAGE, "--kube-context", "none"]).var("KUBECONFIG", &path).run();
    says(&chosen, 5, &["kube-context-not-found", "kind, eks"]);
    assert_eq!(world.overview().len(), 1, "what runs is left alone");
}

/// As kind, k3d and minikube have it: loopback of this machine leads to a container on a network of theirs.
#[test]
fn a_cluster_in_a_container_is_reached_over_its_own_network() {
    let world = World::with("[]", "");
    let body = serde_json::json!({
        "Image": "kindest/node:1", "Labels": {},
        "HostConfig": {"NetworkMode": "kind", "PortBindings": {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40443"}]}},
    });
    world.engine.world().create("kind-control-plane", body, "sha256:kind".into());
    world.engine.world().start("kind-control-plane").unwrap();
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: kind\n\
        clusters: [{name: k, cluster: {server: 'https://127.0.0.1:40443'}}]\nusers: [{name: k, user: {token: t}}]\n\
        contexts: [{name: kind, context: {cluster: k, user: k}}]\n";
    let path = world.env.write("kubeconfig", config);
    world.start().var("KUBECONFIG", &path).ok();
    let mut engine = world.engine.world();
    let (text, ..) = &engine.volumes["meshery-local"].files["host-kubeconfig.yaml"];
    let text = String::from_utf8_lossy(text).into_owned();
    assert!(text.contains("https://kind-control-plane:6443") && text.contains("tls-server-name"), "{text}");
    assert_eq!(engine.find("meshery-local-meshery").unwrap().joined, ["kind"]);
    drop(engine);
    world.ctl(&["system", "stop"]).ok();
    assert_eq!(world.overview(), [("kind-control-plane".to_owned(), "running".to_owned())]);
}

#[test]
fn a_wrong_component_is_refused_before_anything_is_made() {
    let world = World::with("[meshery-isto]", "");
    says(&world.start().run(), 5, &["there is no adapter `meshery-isto`", "did you mean istio?"]);
    assert!(world.engine.world().networks.is_empty());
}

#[test]
fn checks_tell_what_a_start_needs_and_what_runs() {
    let world = World::new();
    // Others look at the program and the server.
    let checks = || {
        let list = world.ctl(&["system", "check", "-o", "json"]).run().json();
        let docker = |check: &&serde_json::Value| check["id"].as_str().unwrap().starts_with("docker");
        list.as_array().unwrap().iter().filter(docker).map(check_line).collect::<Vec<String>>()
    };
    let all = checks();
    assert!(all[0].starts_with("docker pass Docker engine 20.10.24 at unix://"), "{all:#?}");
    let ids = |all: &[String]| all.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&all), ["docker", "docker/names", "docker/port", "docker/image", "docker/kubeconfig"]);
    world.engine.world().add_stranger("meshery-local-meshery");
    assert!(checks().iter().any(|line| line.starts_with("docker/names fail")));
    world.engine.world().remove("meshery-local-meshery");
    world.start().ok();
    world.engine.world().stop("meshery-local-meshery-istio");
    let all = checks();
    assert!(all.iter().any(|line| line.starts_with("docker/meshery pass")), "{all:#?}");
    assert!(all.iter().any(|line| line.starts_with("docker/meshery-istio fail")), "{all:#?}");
    let down = world.ctl(&["system", "check", "-o", "json"]).var("DOCKER_HOST", "unix:///none.sock").run();
    assert_eq!(down.code, Some(1), "{down}");
    let down = down.json();
    let engine = down.as_array().unwrap().iter().find(|check| check["id"] == "docker").unwrap();
    assert!(engine["remedy"].as_str().unwrap().contains("Start the engine"), "{engine}");
}

fn check_line(check: &serde_json::Value) -> String {
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("id"), text("result"), text("message"))
}
