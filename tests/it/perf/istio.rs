//! A real mesh, measured from within: the same service with and without sidecars.

use std::process::{Command, Output};

use mesheryctl::model::performance::result::PerfResult;
use serde_json::{Value, json};

use super::pods::World;

const ROUNDS: usize = 3;

/// fortio's server, its Service, and a pod that holds the program under test.
fn place(world: &World, image: &str) {
    let fortio = world.kit.get("IMAGE_FORTIO");
    let pod = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec});
    world.create(&pod(
        "server",
        json!({
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "fortio", "image": fortio, "imagePullPolicy": "Never", "args": ["server"],
                "ports": [{"name": "http", "containerPort": 8080}]}],
        }),
    ));
    world.create(&pod(
        "client",
        json!({
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": "home", "emptyDir": {}}],
            "containers": [{"name": "ours", "image": image, "imagePullPolicy": "Never", "args": ["serve", "worker"],
                "env": [{"name": "MESHERY_HOME", "value": "/tmp/meshery"}],
                "volumeMounts": [{"name": "home", "mountPath": "/tmp"}]}],
        }),
    ));
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    world.create(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "server"},
        "spec": {"selector": {"app": "server"}, "ports": ports}}));
    world.kubectl(&["wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=120s"]);
}

/// Sidecars for the pods to come, which speak mutual TLS and nothing else.
fn with_sidecars(world: &World) {
    world.kubectl(&["label", "namespace", &world.namespace, "istio-injection=enabled"]);
    world.create(&json!({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
        "metadata": {"name": "default"}, "spec": {"mtls": {"mode": "STRICT"}}}));
}

fn has_sidecar(world: &World, pod: &str) -> bool {
    let containers = "jsonpath={.spec.containers[*].name} {.spec.initContainers[*].name}";
    world.kubectl(&["get", "pod", pod, "-o", containers]).split(' ').any(|name| name == "istio-proxy")
}

/// `perf run` in the client's pod, judged by `threshold`.
fn measure(world: &World, threshold: &str) -> Output {
    Command::new(world.kit.get("KUBECTL"))
        .args(["--kubeconfig", world.kit.get("KUBECONFIG"), "-n", &world.namespace])
        .args(["exec", "client", "-c", "ours", "--", "/usr/local/bin/mesheryctl", "perf", "run"])
        .args(["--url", "http://server/", "--rate", "200", "--connections", "4", "--warm-up", "1s"])
        .args(["--duration", "4s", "--threshold", threshold, "-o", "json"])
        .output()
        .unwrap()
}

/// A result with a generous threshold, kept as a file; its path.
fn keep(world: &World, round: usize) -> String {
    let output = measure(world, "p50<10s");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let result: PerfResult = serde_json::from_slice(&output.stdout).unwrap();
    assert!(result.errors.is_empty(), "{:?}", result.errors);
    assert_eq!((result.requests.sent, result.requests.succeeded), (800, 800), "{told}");
    let text = String::from_utf8(output.stdout).unwrap();
    world.env.write(&format!("work/{round}.json"), text).display().to_string()
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh istio"]
fn the_cost_of_sidecars_is_measured_compared_marked_and_judged() {
    let (plain, mesh) = (World::new("plain"), World::new("mesh"));
    let image = plain.image();
    with_sidecars(&mesh);
    for world in [&plain, &mesh] {
        place(world, &image);
    }
    for pod in ["server", "client"] {
        assert!(has_sidecar(&mesh, pod) && !has_sidecar(&plain, pod), "{pod}");
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(keep(&plain, round));
        with.push(keep(&mesh, round));
    }

    let compared =
        plain.env.ctl(["perf", "compare", &without[ROUNDS - 1], &with[ROUNDS - 1], "-o", "json"]).ok().json();
    let figures = compared["others"][0]["figures"].as_array().unwrap();
    let median = figures.iter().find(|figure| figure["metric"] == "p50").unwrap();
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{median}"));
    let difference = number(&median["difference"]);
    let (low, high) = (number(&median["interval"]["low"]), number(&median["interval"]["high"]));
    assert!(0.0 < low && low <= difference && difference <= high, "{median}");

    let (with, without) = (with.join(","), without.join(","));
    let mark = plain.env.ctl(["perf", "meshmark", "--with", &with, "--without", &without, "-o", "json"]).ok().json();
    let score = number(&mark["score"]);
    assert!(0.0 < score && score < 100.0, "{mark}");
    assert_eq!(mark["pairs"].as_array().unwrap().len(), ROUNDS, "{mark}");

    let breached = measure(&mesh, "p50<1us");
    assert_eq!(breached.status.code(), Some(99), "{}", String::from_utf8_lossy(&breached.stderr));
}
