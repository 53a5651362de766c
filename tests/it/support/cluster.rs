//! The far side of pattern tests: a practice cluster in this process, and the kit's real one.

use std::path::PathBuf;

use mesheryctl::sample::cluster::{self, Cluster};

use super::env::Env;

/// A practice cluster that serves on a port of its own until it is dropped.
pub struct Practice {
    /// Its handle, for faults.
    pub cluster: Cluster,
    url: String,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Practice {
    /// Starts one and makes it the kubeconfig of `env`, with the context `practice`.
    pub fn start(env: &Env) -> Self {
        Self::start_as(env, "kubeconfig")
    }

    /// As [`Practice::start`], with another file name.
    pub fn start_as(env: &Env, file: &str) -> Self {
        let cluster = Cluster::new().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let serving = cluster.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let until = async move {
                    let _ = stopped.await;
                };
                serving.serve(listener, until).await.unwrap();
            });
        });
        let address = told.recv().unwrap();
        env.write(file, cluster::kubeconfig(&format!("http://{address}"), cluster.token()));
        Self { cluster, url: format!("http://{address}"), _stop: stop }
    }

    /// What stands at a path of the API: an object, a list, or the status that says why not.
    pub fn get(&self, path: &str) -> serde_json::Value {
        let options = mesheryctl::base::http::Options { loopback: true, ..Default::default() };
        let client = mesheryctl::base::http::client(&options).unwrap();
        let request = client.get(format!("{}{path}", self.url)).bearer_auth(self.cluster.token());
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(async { request.send().await?.text().await })
            .map(|text| serde_json::from_str(&text).unwrap())
            .unwrap()
    }

    /// Makes a call of the API as somebody else would, and wants success.
    pub fn call(&self, method: &str, path: &str, media: &str, body: &str) {
        let options = mesheryctl::base::http::Options { loopback: true, ..Default::default() };
        let request = mesheryctl::base::http::client(&options)
            .unwrap()
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
            .bearer_auth(self.cluster.token())
            .header("Content-Type", media)
            .body(body.to_owned());
        let answer = tokio::runtime::Runtime::new().unwrap().block_on(async { request.send().await }).unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    }
}

/// The kit's real cluster.
pub struct Kit(Vec<(String, String)>);

impl Kit {
    /// Reads the kit's env file. Fails when the kit is not up: a test never passes by skipping.
    pub fn up() -> Self {
        let path = env_file();
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("the kit is not up (tests/kit/up.sh node): {}: {error}", path.display()));
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// A value of the env file.
    pub fn get(&self, key: &str) -> &str {
        let key = format!("MESHERYCTL_KIT_{key}");
        let found = self.0.iter().find(|(known, _)| *known == key);
        &found.unwrap_or_else(|| panic!("the kit's env file has no {key}")).1
    }

    /// Runs the kit's kubectl and gives its stdout.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|error| panic!("kubectl {args:?}: {error}"))
    }

    /// Runs the kit's kubectl; a failure is what it says on stderr.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let output = std::process::Command::new(self.get("KUBECTL"))
            .args(["--kubeconfig", self.get("KUBECONFIG")])
            .args(args)
            .output()
            .unwrap();
        let bytes = if output.status.success() { &output.stdout } else { &output.stderr };
        let text = String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text) } else { Err(text) }
    }

    /// What of a pattern is in the cluster, of every kind it serves: objects with the label of patterns that name this
    /// one, or lie in this namespace. Other tests have patterns of their own there.
    pub fn left_of(&self, pattern: &str, namespace: &str) -> Vec<String> {
        let mut attempt = 1;
        let list = loop {
            let kinds = self.kubectl(&["api-resources", "--verbs=list", "-o", "name"]).replace('\n', ",");
            let label = "resource.pattern.meshery.io/id";
            match self.try_kubectl(&["get", kinds.trim_end_matches(','), "-A", "-l", label, "-o", "json"]) {
                Ok(list) => break list,
                // a kind that another test defined is gone by now
                Err(error) => assert!(attempt < 5, "{error}"),
            }
            attempt += 1;
        };
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let is_of = |object: &&serde_json::Value| {
            let metadata = &object["metadata"];
            metadata["annotations"]["pattern.meshery.io/name"] == pattern || metadata["namespace"] == namespace
        };
        let name = |object: &serde_json::Value| format!("{}/{}", object["kind"], object["metadata"]["name"]);
        list["items"].as_array().unwrap().iter().filter(is_of).map(name).collect()
    }
}

fn env_file() -> PathBuf {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = var("MESHERYCTL_KIT_ENV") {
        return file;
    }
    let cache = var("MESHERYCTL_KIT_CACHE").unwrap_or_else(|| {
        let base = var("XDG_CACHE_HOME").unwrap_or_else(|| var("HOME").unwrap_or_default().join(".cache"));
        base.join("mesheryctl-kit")
    });
    cache.join("run").join("env")
}
