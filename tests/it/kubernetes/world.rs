//! A practice cluster, a context whose plane goes into it, and a server that stands for the one in the pod: the practice
//! cluster runs no images.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use crate::support::cluster::Practice;
use crate::support::ctl::{Output, Run};
use crate::support::env::Env;

/// Image that is never run.
pub const IMAGE: &str = "registry.example.org/meshery/mesheryctl:1";
/// Token of the plane, here and in the server that stands for it.
const TOKEN: &str = r#"{"meshery-provider":"None","token":"0123456789abcdef"}"#;

/// Contexts `team` (current) and `other`, both on Kubernetes.
const CONFIG: &str = "contexts:
  team:
    endpoint: http://localhost:9
    platform: kubernetes
    adapters: [meshery-istio]
  other:
    endpoint: http://localhost:9
    platform: kubernetes
current-context: team
";

/// Lists of every kind that a plane is made of.
const LISTS: &[&str] = &[
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/pods",
    "/api/v1/secrets",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/api/v1/persistentvolumes",
    "/api/v1/persistentvolumeclaims",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
];

/// A world with a server that takes its token.
pub struct World {
    pub env: Env,
    pub practice: Practice,
    server: Server,
}

/// A server at a port of those that nodes open for services; it ends when the test does.
pub struct Server {
    pub port: u16,
    process: Child,
    _env: Env,
}

impl Server {
    /// A server that takes one token, in the form of the token's file.
    pub fn start(token: &str) -> Self {
        let env = Env::new();
        env.write("home/.meshery/auth.json", token);
        let port = free_node_port();
        let mut command = env.ctl(["serve", "server", "--port", &port.to_string()]).command();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { port, process, _env: env }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl World {
    pub fn new() -> Self {
        let env = Env::with_config(CONFIG);
        env.write("home/.meshery/auth.json", TOKEN);
        let practice = Practice::start(&env);
        let server = Server::start(TOKEN);
        Self { env, practice, server }
    }

    /// A run with the practice cluster as its kubeconfig.
    pub fn ctl<'e>(&'e self, args: &[&str]) -> Run<'e> {
        self.env.ctl(args.iter().copied()).var("KUBECONFIG", self.env.path("kubeconfig"))
    }

    /// A start whose endpoint is a port of the node, where the server that stands for the plane's listens.
    pub fn start(&self, more: &[&str]) -> Output {
        self.start_at(self.server.port, more)
    }

    /// A start whose endpoint is another port of the node.
    pub fn start_at(&self, port: u16, more: &[&str]) -> Output {
        let expose = format!("node-port={port}");
        let start = ["system", "start", "--image", IMAGE, "--expose", &expose];
        self.ctl(&[&start[..], more].concat()).run()
    }

    /// Where the plane answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// `KIND/NAME` of everything that carries this program's mark, in the order of [`LISTS`].
    pub fn marked(&self) -> Vec<String> {
        let mut found = Vec::new();
        for path in LISTS {
            let list = self.practice.get(&format!("{path}?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dmesheryctl"));
            let kind = list["kind"].as_str().unwrap_or_else(|| panic!("{path}: {list}")).trim_end_matches("List");
            let items = list["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| format!("{kind}/{}", item["metadata"]["name"].as_str().unwrap())));
        }
        found
    }

    /// What lies at a path of the namespace `meshery`.
    pub fn get(&self, group: &str, path: &str) -> Value {
        self.practice.get(&format!("{group}/namespaces/meshery/{path}"))
    }

    /// Creates an object as somebody else would.
    pub fn create(&self, path: &str, body: &Value) {
        self.practice.call("POST", path, "application/json", &body.to_string());
    }

    /// Stops the plane with its data.
    pub fn reset(&self) -> Output {
        self.ctl(&["system", "stop", "--reset", "--yes"]).run()
    }
}

/// A port that nobody listens on, of those that nodes open for services; another one for each call.
pub fn free_node_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let start = 30000 + u16::try_from(std::process::id() % 2000).unwrap();
    let mut ports = std::iter::repeat_with(|| start + TAKEN.fetch_add(1, Ordering::Relaxed));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
