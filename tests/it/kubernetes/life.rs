//! The plane's life on the practice cluster: start, stop, what is kept, what is foreign, and whatever breaks off.

use std::process::Stdio;
use std::time::{Duration, Instant};

use mesheryctl::sample::faults::{Effect, Matcher, Times};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::world::World;
use crate::support::env::Env;

#[test]
fn a_plane_is_started_seen_and_stopped_and_nothing_is_left() {
    let world = World::new();
    let started = world.start(&[]);
    assert_eq!(started.code, Some(0), "{started}");
    assert!(started.stderr.contains(&format!("Context team has the endpoint {} now", world.endpoint())), "{started}");
    for object in [
        "Namespace/meshery",
        "ConfigMap/meshery-inventory",
        "Secret/meshery-token",
        "Service/meshery",
        "Service/meshery-istio",
        "ServiceAccount/meshery",
        "PersistentVolumeClaim/meshery-data",
        "Deployment/meshery",
        "Deployment/meshery-istio",
        "ClusterRole/meshery",
        "ClusterRoleBinding/meshery",
        "CustomResourceDefinition/meshsyncs.meshery.io",
        "CustomResourceDefinition/brokers.meshery.layer5.io",
    ] {
        assert!(world.marked().contains(&object.to_owned()), "{object} in {:?}", world.marked());
    }

    let again = world.start(&[]);
    assert!(again.code == Some(0) && again.stderr.contains("runs already, as it is wanted"), "{again}");
    let status = world.ctl(&["system", "status", "-o", "json"]).ok().json();
    assert_eq!((&status["state"], &status["endpoint"]), (&json!("running"), &json!(world.endpoint())));
    let rows: Vec<_> = status["components"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(rows, [json!("meshery"), json!("meshery-istio")]);
    assert_eq!(status["components"][0]["node"], "practice");
    let version = world.ctl(&["version", "-o", "json"]).ok().json();
    assert_eq!(version["server"]["state"], "running", "commands reach the plane where it answered: {version}");

    let stopped = world.reset();
    assert_eq!(stopped.code, Some(0), "{stopped}");
    assert!(stopped.stdout.contains("Namespace/meshery removed"), "{stopped}");
    assert_eq!(world.marked(), Vec::<String>::new());
    assert!(!world.env.files().iter().any(|file| file.contains("planes")), "{:?}", world.env.files());
    let again = world.ctl(&["system", "stop"]).ok();
    assert!(again.stdout.contains("does not run"), "{again}");
}

#[test]
fn a_stop_keeps_the_data_and_the_next_start_finds_it() {
    let world = World::new();
    assert_eq!(world.start(&["--storage-size", "2Gi"]).code, Some(0));
    let uid = world.get("/api/v1", "persistentvolumeclaims/meshery-data")["metadata"]["uid"].clone();
    let stopped = world.ctl(&["system", "stop"]).ok();
    assert!(stopped.stdout.contains("PersistentVolumeClaim/meshery-data kept"), "{stopped}");
    let kept = ["Namespace/meshery", "ConfigMap/meshery-inventory", "PersistentVolumeClaim/meshery-data"];
    assert_eq!(world.marked(), kept);
    assert_eq!(world.ctl(&["system", "stop"]).ok().code, Some(0), "a stop can be repeated");
    assert_eq!(world.start(&[]).code, Some(0));
    let claim = world.get("/api/v1", "persistentvolumeclaims/meshery-data");
    assert_eq!(claim["metadata"]["uid"], uid);
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Gi", "what was chosen at the first start holds");
    assert_eq!(world.reset().code, Some(0));
    assert!(world.marked().is_empty());
}

#[test]
fn what_others_have_in_the_namespace_keeps_it_alive_and_is_not_touched() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    world.create("/api/v1/namespaces/meshery/configmaps", &json!({"metadata": {"name": "guest"}}));
    let stopped = world.ctl(&["system", "stop"]).ok();
    assert!(stopped.stderr.contains("Namespace meshery stays: it holds ConfigMap/guest"), "{stopped}");
    assert_eq!(world.marked(), ["Namespace/meshery"]);
    assert_eq!(world.get("/api/v1", "configmaps/guest")["metadata"]["name"], "guest");
}

#[test]
fn a_namespace_that_others_made_is_used_and_left() {
    let world = World::new();
    world.create("/api/v1/namespaces", &json!({"metadata": {"name": "shared"}}));
    assert_eq!(world.start(&["--namespace", "shared"]).code, Some(0));
    assert!(!world.marked().contains(&"Namespace/shared".to_owned()));
    let stopped = world.reset();
    assert_eq!(stopped.code, Some(0), "{stopped}");
    assert_eq!(world.practice.get("/api/v1/namespaces/shared")["status"]["phase"], "Active");
    assert!(world.marked().is_empty());
}

#[test]
fn the_namespace_stays_when_it_is_asked_for_and_goes_with_the_next_stop() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let stopped = world.ctl(&["system", "stop", "--keep-namespace"]).ok();
    assert!(stopped.stdout.contains("Namespace/meshery kept"), "{stopped}");
    assert_eq!(world.marked(), ["Namespace/meshery"]);
    world.ctl(&["system", "stop"]).ok();
    assert!(world.marked().is_empty());
}

#[test]
fn two_contexts_never_share_a_namespace_and_share_the_definitions() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let refused = world.start(&["--context", "other"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("holds the plane of context `team`"), "{refused}");
    assert!(refused.stderr.contains("--namespace meshery-other"), "{refused}");
    let second = world.start(&["--context", "other", "--namespace", "meshery-other", "--storage", "ephemeral"]);
    assert_eq!(second.code, Some(0), "{second}");
    assert!(world.marked().contains(&"ClusterRole/meshery-meshery-other".to_owned()));

    let stopped = world.ctl(&["system", "stop"]).ok();
    assert!(stopped.stdout.contains("CustomResourceDefinition/brokers.meshery.io kept"), "{stopped}");
    assert!(world.marked().contains(&"ConfigMap/meshery-inventory".to_owned()), "the other plane's is untouched");
    world.ctl(&["system", "stop", "--context", "other"]).ok();
    assert!(world.marked().is_empty(), "{:?}", world.marked());
}

#[test]
fn objects_of_these_kinds_are_never_deleted_with_their_definition() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let sample = json!({"apiVersion": "meshery.layer5.io/v1alpha1", "kind": "MeshSync",
        "metadata": {"name": "meshery-meshsync"}, "spec": {"size": 1, "broker": {"native": {"name": "meshery-broker", "namespace": "meshery"}}}});
    world.create("/apis/meshery.layer5.io/v1alpha1/namespaces/default/meshsyncs", &sample);
    let stopped = world.ctl(&["system", "stop"]).ok();
    assert!(stopped.stdout.contains("CustomResourceDefinition/meshsyncs.meshery.layer5.io kept"), "{stopped}");
    let found = world.practice.get("/apis/meshery.layer5.io/v1alpha1/namespaces/default/meshsyncs/meshery-meshsync");
    assert_eq!(found["spec"]["size"], 1);
}

#[test]
fn objects_of_the_planes_names_that_others_made_are_refused_before_anything_is_written() {
    let world = World::new();
    let role = json!({"metadata": {"name": "meshery"}, "rules": []});
    world.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", &role);
    let refused = world.start(&[]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("plane-foreign") && refused.stderr.contains("ClusterRole meshery"), "{refused}");
    assert!(world.marked().is_empty());
}

#[test]
fn an_adapter_that_the_context_no_longer_has_goes_with_the_next_start() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let config = world.env.read("home/.meshery/config.yaml").replace("[meshery-istio]", "[]");
    world.env.write("home/.meshery/config.yaml", config);
    assert_eq!(world.start(&[]).code, Some(0));
    let marked = world.marked();
    assert!(!marked.contains(&"Deployment/meshery-istio".to_owned()), "{marked:?}");
    assert!(!marked.contains(&"Service/meshery-istio".to_owned()), "{marked:?}");
    assert_eq!(world.reset().code, Some(0));
    assert!(world.marked().is_empty());
}

/// Breaks a verb off at its first write, its second, and so on, until it makes no more.
fn at_every_write(world: &World, verb: &dyn Fn() -> crate::support::ctl::Output, look: &dyn Fn(u32)) {
    for number in 0.. {
        assert!(number < 100, "the verb does not end");
        let matcher = Matcher::any().verbs(&["patch", "delete"]);
        let refuse = Effect::Refuse { code: 403, webhook: "w".into(), message: "not now".into() };
        world.practice.cluster.faults().add(matcher, refuse, Times::After(number));
        let run = verb();
        world.practice.cluster.faults().clear();
        look(number);
        if run.code == Some(0) {
            assert!(number > 8, "only {number} writes could be broken off: {run}");
            return;
        }
        assert!(run.stderr.contains("not now"), "{run}");
    }
}

#[test]
fn a_start_that_is_broken_off_at_any_write_is_completed_by_the_next() {
    let world = World::new();
    let start = || world.start(&["--storage", "ephemeral"]);
    at_every_write(&world, &start, &|number| {
        let completed = start();
        assert_eq!(completed.code, Some(0), "after write {number}: {completed}");
        assert!(world.marked().contains(&"Deployment/meshery-istio".to_owned()), "after write {number}");
        let removed = world.reset();
        assert_eq!(removed.code, Some(0), "after write {number}: {removed}");
        assert_eq!(world.marked(), Vec::<String>::new(), "after write {number}");
    });
}

#[test]
fn a_start_that_is_broken_off_at_any_write_is_removed_by_a_stop() {
    let world = World::new();
    at_every_write(&world, &|| world.start(&[]), &|number| {
        let removed = world.reset();
        assert_eq!(removed.code, Some(0), "after write {number}: {removed}");
        assert_eq!(world.marked(), Vec::<String>::new(), "after write {number}");
    });
}

#[test]
fn a_stop_that_is_broken_off_at_any_write_is_completed_by_the_next() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    at_every_write(&world, &|| world.ctl(&["system", "stop"]).run(), &|number| {
        let completed = world.ctl(&["system", "stop"]).run();
        assert_eq!(completed.code, Some(0), "after write {number}: {completed}");
        assert_eq!(world.marked(), Vec::<String>::new(), "after write {number}");
        assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0), "after write {number}");
    });
}

#[test]
fn a_start_that_is_killed_in_the_middle_is_completed_by_the_next() {
    let world = World::new();
    let matcher = || Matcher::any().verbs(&["patch"]).resource("deployments");
    let faults = world.practice.cluster.faults();
    faults.add(matcher(), Effect::Delay(Duration::from_mins(5)), Times::Always);
    let mut command =
        world.ctl(&["system", "start", "--image", super::world::IMAGE, "--storage", "ephemeral"]).command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while faults.counts()[0] == 0 {
        assert!(Instant::now() < deadline, "the Deployment was not reached");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    faults.clear();
    assert!(world.marked().contains(&"Secret/meshery-token".to_owned()));
    let completed = world.start(&[]);
    assert_eq!(completed.code, Some(0), "{completed}");
    assert_eq!(world.reset().code, Some(0));
    assert_eq!(world.marked(), Vec::<String>::new());
}

#[test]
fn a_plane_whose_namespace_was_deleted_by_hand_leaves_nothing_after_a_stop() {
    let world = World::new();
    assert_eq!(world.start(&[]).code, Some(0));
    world.practice.call("DELETE", "/api/v1/namespaces/meshery", "application/json", "{}");
    let stopped = world.reset();
    assert_eq!(stopped.code, Some(0), "{stopped}");
    assert!(stopped.stdout.contains("CustomResourceDefinition/brokers.meshery.io removed"), "{stopped}");
    assert_eq!(world.marked(), Vec::<String>::new());
}

fn check(world: &World, id: &str) -> serde_json::Value {
    let list = world.ctl(&["system", "check", "-o", "json"]).run().json();
    let found = list.as_array().unwrap().iter().find(|one| one["id"] == id).cloned();
    found.unwrap_or_else(|| panic!("{id} in {list}"))
}

#[test]
fn what_is_left_of_a_plane_is_told_and_removed_without_a_record_too() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    world.practice.call("DELETE", "/api/v1/namespaces/meshery", "application/json", "{}");
    std::fs::remove_dir_all(world.env.path("home/.meshery/planes")).unwrap();
    let message = check(&world, "kubernetes/leftovers")["message"].as_str().unwrap().to_owned();
    for left in ["ClusterRole/meshery", "CustomResourceDefinition/brokers.meshery.io"] {
        assert!(message.contains(left), "{message}");
    }
    assert_eq!(world.reset().code, Some(0));
    assert_eq!(world.marked(), Vec::<String>::new());
    assert_eq!(check(&world, "kubernetes/leftovers")["result"], "pass");
}

#[test]
fn a_deleted_object_is_named_by_check_and_update_and_comes_back_with_a_start() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    assert_eq!(check(&world, "kubernetes/objects")["result"], "pass");
    for path in [
        "/api/v1/namespaces/meshery/secrets/meshery-token",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/brokers.meshery.io",
        "/apis/apps/v1/namespaces/meshery/deployments/meshery-istio",
    ] {
        world.practice.call("DELETE", path, "application/json", "{}");
    }
    let found = check(&world, "kubernetes/objects");
    assert_eq!(found["result"], "fail", "{found}");
    let gone = ["Secret/meshery-token", "CustomResourceDefinition/brokers.meshery.io", "Deployment/meshery-istio"];
    for object in gone {
        assert!(found["message"].as_str().unwrap().contains(object), "{found}");
    }
    let updated = world.ctl(&["system", "update", "--image", super::world::IMAGE, "-o", "json"]).run();
    assert_eq!(updated.code, Some(7), "{updated}");
    let rows = updated.json();
    let missing = rows.as_array().unwrap().iter().filter(|one| one["outcome"] == "missing");
    let mut missing: Vec<&str> = missing.map(|one| one["component"].as_str().unwrap()).collect();
    missing.sort_unstable();
    assert_eq!(missing, ["CustomResourceDefinition/brokers.meshery.io", "Secret/meshery-token", "meshery-istio"]);
    assert_eq!(world.start(&[]).code, Some(0));
    assert_eq!(check(&world, "kubernetes/objects")["result"], "pass");
}

#[test]
fn a_namespace_that_ends_is_waited_for_and_an_endless_one_is_told_of() {
    let world = World::new();
    world.create("/api/v1/namespaces", &json!({"metadata": {"name": "meshery"}}));
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.org/held"]}});
    world.create("/api/v1/namespaces/meshery/configmaps", &held);
    world.practice.call("DELETE", "/api/v1/namespaces/meshery", "application/json", "{}");
    let late = world.start(&["--timeout", "1s"]);
    assert_eq!(late.code, Some(6), "{late}");
    assert!(late.stderr.contains("namespace-terminating") && late.stderr.contains("finalizers remaining"), "{late}");

    let release = |world: &World| {
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        let path = "/api/v1/namespaces/meshery/configmaps/held";
        world.practice.call("PATCH", path, "application/merge-patch+json", patch);
    };
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| world.start(&["--storage", "ephemeral"]));
        release(&world);
        let started = starting.join().unwrap();
        assert_eq!(started.code, Some(0), "{started}");
    });
}

#[test]
fn clusters_that_cannot_take_a_plane_are_told_with_cause_and_next_step() {
    let world = World::new();
    world.practice.cluster.pretend_version("v1.20.15");
    let old = world.start(&[]);
    assert_eq!(old.code, Some(1), "{old}");
    assert!(old.stderr.contains("cluster-too-old") && old.stderr.contains("1.26 is the oldest"), "{old}");
    assert!(world.marked().is_empty());

    let unloadable = world.ctl(&["system", "start"]).run();
    assert_eq!(unloadable.code, Some(1), "{unloadable}");

    let nobody = Env::with_config("contexts:\n  team: {platform: kubernetes}\ncurrent-context: team\n");
    let dead = nobody.write("dead", "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\nusers: [{name: c, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: c}}]\n");
    let run = |kubeconfig: &std::path::Path| {
        nobody.ctl(["system", "start", "--image", "i:1"]).var("KUBECONFIG", kubeconfig.as_os_str()).run()
    };
    let unreachable = run(&dead);
    assert_eq!(unreachable.code, Some(3), "{unreachable}");
    assert!(unreachable.stderr.contains("cluster-unreachable"), "{unreachable}");
    let broken = run(&nobody.write("broken", "clusters: {"));
    assert_eq!(broken.code, Some(65), "{broken}");
    assert!(broken.stderr.contains("kubeconfig-invalid") && broken.stderr.contains("broken"), "{broken}");
    let empty = run(&nobody.write("empty", "apiVersion: v1\nkind: Config\n"));
    assert_eq!(empty.code, Some(2), "{empty}");
    assert!(empty.stderr.contains("kube-context-missing"), "{empty}");
}

#[test]
fn an_image_that_cannot_be_brought_to_the_nodes_is_told_before_anything_is_written() {
    let world = World::new();
    let refused = world.ctl(&["system", "start"]).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("image-not-loadable"), "{refused}");
    assert!(refused.stderr.contains("system image push REFERENCE") && refused.stderr.contains("--image"), "{refused}");
    let missing = world.ctl(&["system", "start", "--load", "kind"]).var("PATH", "/nowhere").run();
    assert_eq!(missing.code, Some(1), "{missing}");
    assert!(missing.stderr.contains("`kind` is not on PATH"), "{missing}");
    assert!(world.marked().is_empty());
}

#[test]
fn an_image_is_loaded_by_the_program_of_the_clusters_kind() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    for (program, flag, said) in [
        ("kind", "kind", "load image-archive ARCHIVE --name practice"),
        ("k3d", "k3d", "image import ARCHIVE --cluster practice"),
        ("minikube", "minikube", "image load ARCHIVE --profile practice"),
        ("ctr", "containerd=/run/c.sock", "--address /run/c.sock --namespace k8s.io images import ARCHIVE"),
    ] {
        // The double of the program tells its arguments, and what the archive is.
        let script = format!(
            "#!/bin/sh\necho \"$@\" >{0}/said\nfor word; do [ ! -f \"$word\" ] || tar -tf \"$word\" >{0}/held; done\necho 'no such place' >&2\nexit 3\n",
            world.env.root().display()
        );
        let path = world.env.write(&format!("bin/{program}"), script);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let search = format!("{}:{}", world.env.path("bin").display(), mesheryctl::base::env::get("PATH").unwrap());
        let run = world.ctl(&["system", "start", "--load", flag]).var("PATH", search).run();
        assert_eq!(run.code, Some(1), "{run}");
        assert!(run.stderr.contains("tool-failed") && run.stderr.contains(&format!("`{program} ")), "{run}");
        assert!(run.stderr.contains("no such place") && !run.stderr.contains("`ctr --address` failed"), "{run}");
        assert!(run.stderr.contains("See that "), "{run}");
        let words: Vec<String> = world.env.read("said").split_whitespace().map(str::to_owned).collect();
        let words: Vec<&str> =
            words.iter().map(|word| if word.contains(".tar") { "ARCHIVE" } else { word.as_str() }).collect();
        assert_eq!(words.join(" "), said);
        assert!(world.env.read("held").contains("manifest.json"), "the archive is one that engines load");
        assert!(!world.env.files().iter().any(|file| file.contains(".tar")), "the archive is gone");
    }
    assert!(world.marked().is_empty());
}

#[test]
fn settings_of_a_start_that_failed_are_not_those_of_the_next() {
    let world = World::new();
    assert_eq!(world.start(&["--storage", "hostpath=/data@practice"]).code, Some(0));
    let before = world.marked();
    let immutable = "spec.persistentvolumesource is immutable after creation".to_owned();
    let refuse = Effect::Refuse { code: 422, webhook: "w".into(), message: immutable };
    world.practice.cluster.faults().add(
        Matcher::any().resource("persistentvolumes").verbs(&["patch"]),
        refuse,
        Times::Always,
    );
    let failed = world.start(&["--storage", "hostpath=/typo@practice", "--broker"]);
    world.practice.cluster.faults().clear();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains("object-immutable"), "{failed}");
    assert!(failed.stderr.contains("Start without --storage"), "the way that keeps the data is named: {failed}");
    let again = world.start(&[]);
    assert_eq!(again.code, Some(0), "{again}");
    assert_eq!(world.marked(), before, "without the broker of the failed start");
    let volumes = world.practice.get("/api/v1/persistentvolumes");
    let spec = volumes["items"][0]["spec"].to_string();
    assert!(spec.contains("\"/data\"") && !spec.contains("typo"), "{volumes}");
    assert_eq!(world.ctl(&["system", "stop"]).ok().code, Some(0));
    let anew = world.start(&[]);
    assert_eq!(anew.code, Some(0), "{anew}");
    assert_eq!(world.reset().code, Some(0));
}

#[test]
fn the_platform_is_remembered_when_something_is_made_there_and_not_before() {
    let world = World::new();
    let config = world.env.read("home/.meshery/config.yaml").replace("platform: kubernetes", "platform: local");
    world.env.write("home/.meshery/config.yaml", config);
    world.create(
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        &json!({"metadata": {"name": "meshery"}, "rules": []}),
    );
    let refused = world.start(&["-p", "kubernetes"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(!refused.stderr.contains("has platform kubernetes now"), "{refused}");
    assert!(!world.env.read("home/.meshery/config.yaml").contains("kubernetes"));
    world.practice.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery", "application/json", "{}");
    let started = world.start(&["-p", "kubernetes"]);
    assert_eq!(started.code, Some(0), "{started}");
    assert!(started.stderr.contains("Context team has platform kubernetes now"), "{started}");
    assert_eq!(world.reset().code, Some(0));
}

#[test]
fn the_namespace_of_a_plane_is_remembered_shown_and_can_be_named() {
    let world = World::new();
    let started = world.start(&["--namespace", "team-a", "--storage", "ephemeral"]);
    assert_eq!(started.code, Some(0), "{started}");
    let view = || world.ctl(&["system", "context", "view", "-o", "json"]).ok().json()["kubernetes"].clone();
    assert_eq!((&view()["namespace"], &view()["storage"]), (&json!("team-a"), &json!("ephemeral")), "{}", view());
    assert_eq!(view()["grant"], json!(["discovery", "patterns"]));
    let failed = world.start(&["--namespace", "team-b"]);
    assert_eq!(failed.code, Some(1), "{failed}");
    world.ctl(&["system", "stop"]).ok();
    assert_eq!(world.marked().iter().filter(|one| one.starts_with("Namespace")).count(), 0, "{:?}", world.marked());
    let restarted = world.ctl(&["system", "restart"]).run();
    assert_eq!(restarted.code, Some(0), "{restarted}");
    assert!(world.marked().contains(&"Namespace/team-a".to_owned()), "{:?}", world.marked());

    // Another machine knows nothing of it, but can be told.
    std::fs::remove_file(world.env.path("home/.meshery/planes/team.json")).unwrap();
    let run = |args: &[&str]| world.ctl(&[args, &["-n", "team-a"]].concat()).run();
    let status = run(&["system", "status", "-o", "json"]);
    assert_eq!((status.code, &status.json()["state"]), (Some(0), &json!("running")), "{status}");
    for verb in ["logs", "restart", "update"] {
        let args: &[&str] =
            if verb == "update" { &["system", verb, "--image", super::world::IMAGE] } else { &["system", verb] };
        let output = run(args);
        assert_eq!(output.code, Some(0), "{output}");
    }
    let stopped = run(&["system", "stop"]);
    assert!(stopped.stdout.contains("Namespace/team-a removed"), "{stopped}");
    assert_eq!(world.marked(), Vec::<String>::new());
    let docker = world.ctl(&["system", "status", "-p", "docker", "-n", "team-a"]).run();
    assert_eq!(docker.code, Some(2), "{docker}");
    assert!(docker.stderr.contains("--namespace team-a means nothing on platform docker"), "{docker}");
}
