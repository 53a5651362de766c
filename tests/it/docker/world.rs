//! The private world of a test with a double of the engine.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::ctl::Run;
use crate::support::docker::Engine;
use crate::support::env::Env;

/// Image that the double has and whose containers run.
pub const IMAGE: &str = "plane:1";
/// Another one.
pub const NEXT: &str = "plane:2";
/// One whose containers end at once.
pub const BROKEN: &str = "plane-broken:1";

/// Home, context and engine.
pub struct World {
    pub env: Env,
    pub engine: Engine,
    pub port: u16,
}

impl World {
    /// A context `local` on docker with an adapter, on a free port.
    pub fn new() -> Self {
        Self::with("[meshery-istio]", "")
    }

    /// With these components, and more lines of the context.
    pub fn with(components: &str, more: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let env = Env::with_config(&format!(
            "contexts:\n  local:\n    endpoint: http://localhost:{port}\n    platform: docker\n    token: default\n    \
             components: {components}\n{more}current-context: local\ntokens:\n- name: default\n  location: auth.json\n"
        ));
        let engine = Engine::start(env.root());
        for image in [IMAGE, NEXT, BROKEN] {
            engine.world().add_image(image, "");
        }
        Self { env, engine, port }
    }

    /// A run of the program that means this engine and no cluster.
    pub fn ctl(&self, args: &[&str]) -> Run<'_> {
        let kubeconfig = self.env.write("empty-kubeconfig", "apiVersion: v1\nkind: Config\n");
        self.env.ctl(args.iter().copied()).var("DOCKER_HOST", self.engine.host()).var("KUBECONFIG", kubeconfig)
    }

    /// `system start` with an image that the engine has.
    pub fn start(&self) -> Run<'_> {
        self.ctl(&["system", "start", "--image", IMAGE, "-o", "json"])
    }

    /// `system status` as JSON, whatever the exit code.
    pub fn status(&self) -> Value {
        self.ctl(&["system", "status", "-o", "json"]).run().json()
    }

    /// Names and states of the containers.
    pub fn overview(&self) -> Vec<(String, String)> {
        self.engine.world().overview()
    }
}

/// What an undisturbed start leaves.
pub fn whole() -> Vec<(String, String)> {
    ["meshery-local-meshery", "meshery-local-meshery-istio"]
        .map(|name| (name.to_owned(), "running".to_owned()))
        .to_vec()
}
