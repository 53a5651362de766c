//! The far side: an API server, a client of it, and a namespace of this test's own.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use mesheryctl::sample::cluster::{Cluster, kubeconfig};
use serde_json::{Value, json};

pub const JSON: &str = "application/json";
pub const APPLY: &str = "application/apply-patch+yaml";
pub const MERGE: &str = "application/merge-patch+json";

/// An answer: HTTP status and body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Answer {
    /// The body of a call that had to succeed.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.code), "{} {:#}", self.code, self.body);
        self.body
    }

    /// Code, reason and message of a `Status`.
    #[track_caller]
    pub fn status(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["kind"], "Status", "{:#}", self.body);
        assert_eq!(self.body["apiVersion"], "v1");
        assert_eq!(self.body["status"], "Failure");
        assert_eq!(self.body["code"], self.code);
        (self.code, self.body["reason"].as_str().unwrap_or(""), self.body["message"].as_str().unwrap())
    }
}

/// An API server as a test sees it.
#[derive(Clone)]
pub struct Far {
    pub client: kube::Client,
    pub cluster: Option<Cluster>,
    /// The test's own namespace.
    pub namespace: String,
}

impl Far {
    /// A practice cluster of this test's own, over real HTTP.
    pub async fn practice() -> Far {
        let cluster = Cluster::new().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(cluster.clone().serve(listener, std::future::pending()));
        let text = kubeconfig(&server, cluster.token());
        Far { client: client(&text).await, cluster: Some(cluster), namespace: String::new() }
    }

    /// The kit's API server. A missing kit is a failure, never a pass.
    pub async fn real() -> Far {
        let file = kit_env();
        let env = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; start the kit with tests/kit/up.sh api", file.display()));
        let path = env
            .lines()
            .find_map(|line| line.strip_prefix("MESHERYCTL_KIT_KUBECONFIG="))
            .unwrap_or_else(|| panic!("{} names no MESHERYCTL_KIT_KUBECONFIG", file.display()));
        let text = std::fs::read_to_string(path.trim_matches('"')).unwrap();
        Far { client: client(&text).await, cluster: None, namespace: String::new() }
    }

    /// Runs a test in a namespace of its own, which goes afterwards whether the test passed or not.
    pub async fn run<F, T>(mut self, name: &str, test: F)
    where
        F: FnOnce(Far) -> T,
        T: Future<Output = ()> + Send + 'static,
    {
        let unique = mesheryctl::base::id::short();
        self.namespace = format!("api-{}-{unique}", name.replace('_', "-").chars().take(40).collect::<String>());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        self.post("/api/v1/namespaces", &namespace).await.ok();
        let result = tokio::spawn(test(self.clone())).await;
        self.delete(&format!("/api/v1/namespaces/{}", self.namespace)).await;
        if let Err(error) = result {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    /// The path of a namespaced collection or object in the test's namespace.
    pub fn path(&self, root: &str, rest: &str) -> String {
        format!("/{root}/namespaces/{}/{rest}", self.namespace)
    }

    /// Config maps of the test's namespace.
    pub fn maps(&self, rest: &str) -> String {
        self.path("api/v1", &format!("configmaps{rest}"))
    }

    /// Deployments of the test's namespace.
    pub fn deployments(&self, rest: &str) -> String {
        self.path("apis/apps/v1", &format!("deployments{rest}"))
    }

    /// Any call.
    pub async fn call(&self, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", JSON)
            .header("user-agent", "suite/1")
            .body(Body::from(body))
            .unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Answer { code, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, JSON, Vec::new()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, JSON, body.to_string().into()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, JSON, body.to_string().into()).await
    }

    pub async fn patch(&self, path: &str, content_type: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, content_type, body.to_string().into()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, JSON, Vec::new()).await
    }

    pub async fn delete_with(&self, path: &str, options: &Value) -> Answer {
        self.call(Method::DELETE, path, JSON, options.to_string().into()).await
    }

    /// Applies as this manager.
    pub async fn apply(&self, path: &str, manager: &str, body: &Value) -> Answer {
        self.patch(&format!("{path}?fieldManager={manager}"), APPLY, body).await
    }

    /// Reads until the condition holds, at most thirty seconds.
    pub async fn until(&self, path: &str, holds: impl Fn(&Answer) -> bool) -> Answer {
        let mut last = self.get(path).await;
        for _ in 0..600 {
            if holds(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            last = self.get(path).await;
        }
        panic!("{path} never came to be as expected; last: {} {:#}", last.code, last.body);
    }
}

async fn client(text: &str) -> kube::Client {
    mesheryctl::base::tls::install();
    let kubeconfig = Kubeconfig::from_yaml(text).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the kit's place is told by the environment of the test run")]
fn kit_env() -> PathBuf {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || {
        let base = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")));
        base.expect("HOME is set").join("mesheryctl-kit")
    };
    var("MESHERYCTL_KIT_ENV").unwrap_or_else(|| var("MESHERYCTL_KIT_CACHE").unwrap_or_else(cache).join("run/env"))
}

/// A config map.
pub fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// A deployment of one container.
pub fn deployment(name: &str, replicas: Option<i64>, image: &str) -> Value {
    let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    }});
    if let Some(replicas) = replicas {
        value["spec"]["replicas"] = json!(replicas);
    }
    value
}
