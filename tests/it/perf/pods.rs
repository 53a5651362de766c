//! Workers as pods of the kit's real node.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mesheryctl::model::performance::result::{Ending, PerfResult};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::parts::is_sum_of_its_parts;
use crate::support::cluster::Kit;
use crate::support::ctl::{Output, Run};
use crate::support::env::Env;

/// A namespace of the kit's cluster; it goes when this is dropped.
pub struct World {
    pub env: Env,
    pub kit: Kit,
    pub namespace: String,
}

impl World {
    pub fn new(name: &str) -> Self {
        let namespace = format!("perf-{name}-{}", std::process::id());
        let world = Self { env: Env::new(), kit: Kit::up(), namespace };
        world.kit.kubectl(&["create", "namespace", &world.namespace]);
        world
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        self.kit.kubectl(&[&["-n", &self.namespace], args].concat())
    }

    pub fn create(&self, object: &Value) {
        let file = self.env.write("work/object.json", object.to_string());
        self.kubectl(&["create", "-f", file.to_str().unwrap()]);
    }

    /// The image of the program under test in the node's containerd; its name.
    pub fn image(&self) -> String {
        let saved = self.env.ctl(["system", "image", "save", "-f", "image.tar"]).ok();
        let file = self.env.path("work/image.tar");
        let socket = self.kit.get("CONTAINERD");
        let import = ["-a", socket, "-n", "k8s.io", "images", "import", file.to_str().unwrap()];
        let output = Command::new("ctr").args(import).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        saved.stdout.split_whitespace().next().unwrap().to_owned()
    }

    /// A server in the cluster that answers /healthz; its URL.
    fn server(&self, image: &str) -> String {
        // The practice cluster answers to loopback names only.
        let host = json!({"name": "Host", "value": "localhost"});
        self.create(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "server"},
            "spec": {
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 1,
                "volumes": [{"name": "home", "emptyDir": {}}],
                "containers": [{
                    "name": "server",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "args": ["serve", "sample", "--host", "0.0.0.0", "--port", "8080"],
                    "env": [{"name": "MESHERY_HOME", "value": "/home/meshery"}],
                    "volumeMounts": [{"name": "home", "mountPath": "/home"}],
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTPS", "httpHeaders": [host]}, "periodSeconds": 1},
                }],
            },
        }));
        self.kubectl(&["wait", "--for=condition=Ready", "pod/server", "--timeout=120s"]);
        let address = self.kubectl(&["get", "pod", "server", "-o", "jsonpath={.status.podIP}"]);
        format!("https://{address}:8080/healthz")
    }

    /// `perf run` with three workers in the namespace.
    fn run(&self, url: &str, more: &[&str]) -> Run<'_> {
        let args = [
            "perf",
            "run",
            "--url",
            url,
            "--header",
            "Host: localhost",
            "--insecure",
            "--rate",
            "300",
            "--connections",
            "6",
        ];
        let workers = ["--workers", "kubernetes:3", "--worker-namespace", &self.namespace, "-o", "json"];
        self.env.ctl([&args[..], &workers, more].concat()).var("KUBECONFIG", self.kit.get("KUBECONFIG"))
    }

    /// What of workers is in the namespace.
    fn left(&self) -> String {
        let marked = ["-l", "app.kubernetes.io/name=mesheryctl-worker", "-o", "name"];
        self.kubectl(&[&["get", "jobs,pods,secrets"], &marked[..]].concat())
    }

    fn is_left_clean(&self) {
        until("the end of what workers are made of", || self.left().is_empty());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.kit.try_kubectl(&["delete", "namespace", &self.namespace, "--timeout=60s"]);
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn result(stdout: &str) -> PerfResult {
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// Interrupts a run when `now` says so; its end.
fn interrupted(run: &Run<'_>, now: impl Fn() -> bool) -> Output {
    let mut command = run.command();
    let child: Child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the moment to interrupt at", now);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    run.ended(child)
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn three_pods_measure_a_server_of_the_cluster_and_leave_nothing() {
    let world = World::new("pods");
    let image = world.image();
    let url = world.server(&image);
    let load = format!("containerd={}", world.kit.get("CONTAINERD"));
    let ended = world.run(&url, &["--duration", "4s", "--worker-load", &load]).ok();
    let whole = result(&ended.stdout);
    is_sum_of_its_parts(&whole);
    assert_eq!((whole.workers.len(), whole.ended_by), (3, Ending::Duration));
    assert!(whole.workers.iter().all(|share| share.lost.is_none() && share.sent > 0), "{ended}");
    assert_eq!(whole.statuses["200"], whole.requests.sent, "{ended}");
    world.is_left_clean();

    let run = world.run(&url, &["--duration", "10m", "--worker-image", &image]);
    let measuring = || {
        let listed = world.env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
        let newest = &listed[0];
        newest["state"] == "running" && newest["summary"]["sent"].as_u64().unwrap() > 0
    };
    let stopped = interrupted(&run, measuring);
    assert_eq!(stopped.code, Some(130), "{stopped}");
    let whole = result(&stopped.stdout);
    is_sum_of_its_parts(&whole);
    assert!(whole.ended_by == Ending::Stopped && whole.requests.succeeded > 0, "{stopped}");
    world.is_left_clean();
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn pods_that_cannot_start_are_told_with_their_reason_and_taken_away() {
    let world = World::new("stuck");
    let url = "http://127.0.0.1:9/";
    let image = ["--duration", "5s", "--worker-image", "kit.local/none:1"];
    let no_image = world.run(url, &image).run();
    assert_eq!(no_image.code, Some(1), "{no_image}");
    for words in ["workers-not-ready", "0 of 3 worker pods are ready", "ImagePull", "kit.local/none:1", "--worker-load"]
    {
        assert!(no_image.stderr.contains(words), "{words}: {no_image}");
    }
    world.is_left_clean();

    let waiting = || !world.kubectl(&["get", "pods", "-o", "name"]).is_empty();
    let stopped = interrupted(&world.run(url, &image), waiting);
    assert_eq!(stopped.code, Some(130), "{stopped}");
    world.is_left_clean();

    let container = json!({"type": "Container", "default": {"cpu": "900"}, "defaultRequest": {"cpu": "900"}});
    world.create(&json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "huge"}, "spec": {"limits": [container]}}));
    let no_room = world.run(url, &image).run();
    assert_eq!(no_room.code, Some(1), "{no_room}");
    for words in ["Unschedulable", "Insufficient cpu", "Make room on the nodes"] {
        assert!(no_room.stderr.contains(words), "{words}: {no_room}");
    }
    world.is_left_clean();

    world.create(&json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}));
    until("the quota's first count", || {
        world.kubectl(&["get", "resourcequota", "none", "-o", "jsonpath={.status.hard.pods}"]) == "0"
    });
    let refused = world.run(url, &image).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    for words in ["exceeded quota", "quota or policy of namespace"] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
    world.is_left_clean();
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn without_an_image_or_a_namespace_the_next_step_is_told() {
    let world = World::new("bare");
    let url = "http://127.0.0.1:9/";
    let no_image = world.run(url, &["--duration", "5s"]).run();
    assert_eq!(no_image.code, Some(2), "{no_image}");
    assert!(
        no_image.stderr.contains("no plane whose image") && no_image.stderr.contains("--worker-load"),
        "{no_image}"
    );
    let nowhere = ["--duration", "5s", "--worker-image", "kit.local/none:1"];
    let mut args = vec!["perf", "run", "--url", url, "--rate", "30", "--connections", "3", "--workers", "kubernetes:3"];
    args.extend(nowhere);
    args.extend(["--worker-namespace", "perf-nowhere"]);
    let nowhere = world.env.ctl(args).var("KUBECONFIG", world.kit.get("KUBECONFIG")).run();
    assert_eq!(nowhere.code, Some(5), "{nowhere}");
    assert!(nowhere.stderr.contains("perf-nowhere") && nowhere.stderr.contains("not found"), "{nowhere}");
    assert_eq!(world.left(), "");
}
