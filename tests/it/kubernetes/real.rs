//! The kit's real node: the plane runs there from the image that is made of this program.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::cluster::Kit;
use crate::support::ctl::{Output, Run};
use crate::support::env::Env;

/// Planes of one cluster share the kinds MeshSync and Broker: what is left of them shows only when one is alone.
static ALONE: Mutex<()> = Mutex::new(());

/// A context whose plane goes into a namespace of its own on the kit's node.
struct World {
    env: Env,
    kit: Kit,
    namespace: String,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn new(namespace: &str, components: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let config = format!(
            "contexts:\n  kit:\n    endpoint: http://localhost:9\n    platform: kubernetes\n    adapters: {components}\ncurrent-context: kit\n"
        );
        let world =
            Self { env: Env::with_config(&config), kit: Kit::up(), namespace: namespace.to_owned(), _alone: alone };
        world.clean();
        world
    }

    fn ctl<'e>(&'e self, args: &[&str]) -> Run<'e> {
        self.env.ctl(args.iter().copied()).var("KUBECONFIG", self.kit.get("KUBECONFIG"))
    }

    fn start_args<'a>(&'a self, load: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["system", "start", "--load", load, "--namespace", &self.namespace], more].concat()
    }

    fn load(&self) -> String {
        let run = PathBuf::from(self.kit.get("KUBECONFIG"));
        format!("containerd={}", run.with_file_name("containerd.sock").display())
    }

    fn start(&self, more: &[&str]) -> Output {
        let load = self.load();
        self.ctl(&self.start_args(&load, more)).run()
    }

    fn reset(&self) -> Output {
        self.ctl(&["system", "stop", "--reset", "--yes"]).run()
    }

    /// Everything in the cluster that carries this program's mark, or lies in the namespace, of every kind it serves.
    fn left(&self) -> Vec<String> {
        let kinds = self.kit.kubectl(&["api-resources", "--verbs=list", "-o", "name"]).replace('\n', ",");
        let list = |args: &[&str]| -> Value {
            let get = ["get", kinds.trim_end_matches(','), "--ignore-not-found", "-o", "json"];
            let text = self.kit.kubectl(&[&get[..], args].concat());
            if text.trim().is_empty() { json!({"items": []}) } else { serde_json::from_str(&text).unwrap() }
        };
        let marked = list(&["-A", "-l", "app.kubernetes.io/managed-by=mesheryctl"]);
        let name = |object: &Value| {
            format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
        };
        let mut left: Vec<String> = marked["items"].as_array().unwrap().iter().map(name).collect();
        if self.kit.try_kubectl(&["get", "namespace", &self.namespace]).is_ok() {
            left.push(format!("Namespace/{}", self.namespace));
        }
        left
    }

    fn pod(&self, part: &str) -> Value {
        let label = format!("app.kubernetes.io/name={part}");
        let text = self.kit.kubectl(&["-n", &self.namespace, "get", "pods", "-l", &label, "-o", "json"]);
        let list: Value = serde_json::from_str(&text).unwrap();
        let living = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        list["items"].as_array().unwrap().iter().find(living).cloned().unwrap_or_default()
    }

    /// Removes what an earlier run that was broken off has left.
    fn clean(&self) {
        let label = format!("meshery.io/plane-namespace={}", self.namespace);
        let kinds = "clusterroles,clusterrolebindings,persistentvolumes";
        self.kit.kubectl(&["delete", "namespace", &self.namespace, "--ignore-not-found", "--timeout=120s"]);
        self.kit.kubectl(&["delete", kinds, "-l", &label, "--ignore-not-found", "--timeout=60s"]);
    }

    /// Starts a run whose stderr is read line by line.
    fn spawn(&self, args: &[&str]) -> Spawned {
        let mut command = self.ctl(args).command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for stream in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
            let tell = tell.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        Spawned { child, lines }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.clean();
        }
    }
}

struct Spawned {
    child: Child,
    lines: Receiver<String>,
}

impl Spawned {
    /// Waits for a line that holds `words`.
    fn until(&self, words: &str) -> String {
        let deadline = Instant::now() + Duration::from_mins(2);
        let mut seen = Vec::new();
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(rest) else { panic!("`{words}` is not in {seen:#?}") };
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
    }

    fn kill(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A pattern with a namespace and a ConfigMap in it.
fn pattern(namespace: &str) -> String {
    format!(
        "name: {namespace}\nservices:\n  space: {{type: Namespace, name: {namespace}}}\n  map:\n    type: ConfigMap\n    namespace: {namespace}\n    settings: {{data: {{a: b}}}}\n    dependsOn: [space]\n"
    )
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_plane_lives_from_its_own_image_keeps_its_data_and_leaves_nothing() {
    let world = World::new("kube-life", "[meshery-istio]");
    let data = tempfile::tempdir().unwrap();
    let storage = format!("hostpath={}", data.path().display());
    let started = world.start(&["--storage", &storage]);
    assert_eq!(started.code, Some(0), "{started}");
    for part in ["meshery", "meshery-istio"] {
        let pod = world.pod(part);
        assert_eq!(pod["status"]["phase"], "Running", "{pod:#}");
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
        assert!(image.starts_with("meshery/mesheryctl:"), "{image}");
    }
    let again = world.start(&[]);
    assert!(again.code == Some(0) && again.stderr.contains("runs already, as it is wanted"), "{again}");

    world.env.write("work/p.yaml", pattern("kube-life-app"));
    let applied = world.ctl(&["pattern", "apply", "-f", "p.yaml"]).ok();
    assert!(applied.stdout.contains("created"), "{applied}");
    world.kit.kubectl(&["-n", "kube-life-app", "get", "configmap", "map"]);
    let adapters = world.ctl(&["adapter", "list", "-o", "json"]).ok().json();
    assert!(adapters.to_string().contains("meshery-istio"), "{adapters}");

    let logs = world.spawn(&["system", "logs", "--follow", "meshery"]);
    logs.until("Serving at");
    let old = world.pod("meshery")["metadata"]["name"].clone();
    world.kit.kubectl(&["-n", "kube-life", "delete", "pod", old.as_str().unwrap(), "--wait=false"]);
    logs.until("Serving at");
    drop(logs);
    until("the new pod's readiness", || {
        let status = world.ctl(&["system", "status", "-o", "json"]).run().json();
        status["components"][0]["ready"] == 1 && status["components"][0]["instance"] != old
    });
    let known = world.ctl(&["pattern", "list", "-o", "json"]).ok().json();
    assert_eq!(known[0]["name"], "kube-life-app", "the data outlives the pod: {known}");

    let restarted = world.ctl(&["system", "restart"]).ok();
    assert!(restarted.stdout.contains("1/1"), "{restarted}");
    let check = world.ctl(&["system", "check", "-o", "json"]).run().json();
    let failed = |one: &&Value| one["id"].as_str().unwrap().starts_with("kubernetes/") && one["result"] == "fail";
    assert_eq!(check.as_array().unwrap().iter().filter(failed).count(), 0, "{check:#}");

    let kept = world.ctl(&["system", "stop"]).ok();
    assert!(kept.stdout.contains("PersistentVolumeClaim/meshery-data kept"), "{kept}");
    let found = world.start(&[]);
    assert_eq!(found.code, Some(0), "{found}");
    let known = world.ctl(&["pattern", "list", "-o", "json"]).ok().json();
    assert_eq!(known[0]["name"], "kube-life-app", "the data outlives a stop: {known}");
    world.ctl(&["pattern", "delete", "-f", "p.yaml"]).ok();

    let stopped = world.reset();
    assert_eq!(stopped.code, Some(0), "{stopped}");
    assert_eq!(world.left(), Vec::<String>::new());
    assert!(data.path().join("data/meshery.db").exists(), "the files of a folder are its owner's to remove");
    assert!(!world.env.files().iter().any(|file| file.contains("planes") || file.contains(".tar")));
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_start_or_stop_that_is_killed_anywhere_is_completed_by_the_next() {
    let world = World::new("kube-killed", "[]");
    let load = world.load();
    let start = world.start_args(&load, &["--storage", "ephemeral"]);
    for moment in ["image: ", "objects: Namespace", "objects: ClusterRole/", "objects: Deployment", "meshery: "] {
        let run = world.spawn(&start);
        run.until(moment);
        run.kill();
        let completed = world.start(&["--storage", "ephemeral"]);
        assert_eq!(completed.code, Some(0), "killed at `{moment}`: {completed}");
        assert_eq!(world.reset().code, Some(0), "killed at `{moment}`");
        assert_eq!(world.left(), Vec::<String>::new(), "killed at `{moment}`");
    }
    for moment in ["objects: removing Deployment", "pods: ending", "objects: removing ClusterRole/", "namespace: "] {
        assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
        let run = world.spawn(&["system", "stop"]);
        run.until(moment);
        run.kill();
        let completed = world.ctl(&["system", "stop"]).run();
        assert_eq!(completed.code, Some(0), "killed at `{moment}`: {completed}");
        assert_eq!(world.left(), Vec::<String>::new(), "killed at `{moment}`");
    }
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_user_who_may_not_is_told_what_lacks_and_changes_nothing() {
    let world = World::new("kube-refused", "[]");
    let user = "kube-refused-user";
    world.kit.kubectl(&["delete", "namespace", user, "--ignore-not-found"]);
    world.kit.kubectl(&["create", "namespace", user]);
    world.kit.kubectl(&["-n", user, "create", "serviceaccount", "weak"]);
    let bind = ["create", "clusterrolebinding", user, "--clusterrole=view", &format!("--serviceaccount={user}:weak")];
    let _ = world.kit.try_kubectl(&["delete", "clusterrolebinding", user]);
    world.kit.kubectl(&bind);
    let token = world.kit.kubectl(&["-n", user, "create", "token", "weak"]);
    let text = std::fs::read_to_string(world.kit.get("KUBECONFIG")).unwrap();
    let mut config = mesheryctl::base::yaml::read_kubernetes(&text).unwrap();
    config["users"][0]["user"] = json!({"token": token.trim()});
    let weak = world.env.write("weak", config.to_string());
    let refused =
        world.ctl(&["system", "start", "--image", "i:1", "--namespace", "kube-refused", "--storage", "ephemeral"]);
    let refused = refused.var("KUBECONFIG", weak.as_os_str()).run();
    world.kit.kubectl(&["delete", "clusterrolebinding", user]);
    world.kit.kubectl(&["delete", "namespace", user]);
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(refused.stderr.contains("cluster-forbidden"), "{refused}");
    assert!(refused.stderr.contains("system:serviceaccount:kube-refused-user:weak"), "the user is named: {refused}");
    assert!(refused.stderr.contains("in namespace kube-refused"), "{refused}");
    assert_eq!(world.left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn what_blocks_a_plane_is_named_and_an_update_goes_back() {
    let world = World::new("kube-blocked", "[]");
    let storage = world.start(&[]);
    assert_eq!(storage.code, Some(1), "{storage}");
    assert!(storage.stderr.contains("storage-missing") && storage.stderr.contains("--storage hostpath="), "{storage}");
    let node = world.start(&["--storage", "hostpath=/x@elsewhere"]);
    assert!(node.code == Some(1) && node.stderr.contains("no node `elsewhere`"), "{node}");
    assert_eq!(world.left(), Vec::<String>::new());

    let missing = ["--storage", "ephemeral", "--image", "kit.local/none:1", "--timeout", "10s"];
    let missing = world.start(&missing);
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("plane-not-ready") && missing.stderr.contains("ImagePull"), "{missing}");
    assert_eq!(world.reset().code, Some(0));

    let folder = world.start(&["--storage", "hostpath=/nowhere/at/all", "--timeout", "10s"]);
    assert_eq!(folder.code, Some(6), "{folder}");
    assert!(folder.stderr.contains("does not exist") && folder.stderr.contains("Create the folder"), "{folder}");
    assert_eq!(world.reset().code, Some(0));

    assert_eq!(world.start(&["--storage", "ephemeral"]).code, Some(0));
    let unchanged = world.ctl(&["system", "update", "-o", "json"]).ok().json();
    assert_eq!(unchanged[0]["outcome"], "unchanged");
    let back = world.ctl(&["system", "update", "--image", "kit.local/none:1", "--timeout", "10s", "-o", "json"]).run();
    assert_eq!(back.code, Some(5), "{back}");
    assert!(back.stderr.contains("ImagePull") && back.stderr.contains("meshery keeps"), "{back}");
    world.ctl(&["version"]).ok();
    let status = world.ctl(&["system", "status", "-o", "json"]).ok().json();
    assert!(status["components"][0]["image"].as_str().unwrap().starts_with("meshery/mesheryctl:"), "{status}");

    let unknown = world.ctl(&["system", "logs", "meshery-isti"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    assert_eq!(world.reset().code, Some(0));
    assert_eq!(world.left(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_plane_behind_a_port_of_the_node_is_found_there() {
    let world = World::new("kube-exposed", "[]");
    let started = world.start(&["--storage", "ephemeral", "--expose", "node-port"]);
    assert_eq!(started.code, Some(0), "{started}");
    let service = world.kit.kubectl(&["-n", "kube-exposed", "get", "service", "meshery", "-o", "json"]);
    let service: Value = serde_json::from_str(&service).unwrap();
    let port = service["spec"]["ports"][0]["nodePort"].as_u64().unwrap();
    assert!(world.env.read("home/.meshery/config.yaml").contains(&format!(":{port}")), "{started}");
    let version = world.ctl(&["version", "-o", "json"]).ok().json();
    assert_eq!(version["server"]["state"], "running", "{version}");
    // A token that is replaced here reaches the server with the next start.
    world.env.write("home/.meshery/auth.json", r#"{"meshery-provider":"None","token":"another"}"#);
    let again = world.start(&[]);
    assert_eq!(again.code, Some(0), "{again}");
    world.ctl(&["operation", "list"]).ok();
    assert_eq!(world.reset().code, Some(0));
    assert_eq!(world.left(), Vec::<String>::new());
}
