//! The server of a command inside this process, with a practice cluster whose state can be looked at.

use futures_util::StreamExt;
use http_body_util::BodyExt;
use mesheryctl::client::Client;
use mesheryctl::model::event::Event;
use mesheryctl::model::operation::Operation;
use mesheryctl::server::in_process;
use mesheryctl::wire::rest::{Accepted, AppliedSet, DeployRequest};
use serde_json::Value;
use tower::ServiceExt;

use super::cluster::Practice;
use super::env::Env;

/// Label that every object of a pattern carries.
const LABEL: &str = "resource.pattern.meshery.io%2Fid";
/// Where the kinds of these tests are listed.
const LISTS: &[&str] = &[
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
    "/api/v1/services",
    "/apis/apps/v1/deployments",
    "/apis/rbac.authorization.k8s.io/v1/roles",
];

/// The server, the cluster and their folders.
pub struct Plane {
    /// The practice cluster, for faults and looks.
    pub practice: Practice,
    client: Client,
    _env: Env,
}

impl Plane {
    /// Both, empty.
    pub async fn start() -> Self {
        let env = Env::new();
        let practice = Practice::start(&env);
        let kubeconfig = env.path("kubeconfig").display().to_string();
        let client = in_process::client(env.path("home"), Some(kubeconfig)).await.unwrap();
        Self { practice, client, _env: env }
    }

    /// Applies a pattern and waits for the end of the operation.
    pub async fn apply(&self, request: &DeployRequest) -> Operation {
        let accepted = self.client.deploy(request).await.unwrap();
        self.ended(&accepted).await
    }

    /// Deletes a pattern and waits for the end of the operation.
    pub async fn delete(&self, request: &DeployRequest) -> Operation {
        let accepted = self.client.undeploy(request).await.unwrap();
        self.ended(&accepted).await
    }

    /// Begins to apply a pattern and listens to nothing.
    pub async fn begin(&self, request: &DeployRequest) -> Accepted {
        self.client.deploy(request).await.unwrap()
    }

    /// The events of an operation from its first to its last.
    pub async fn events(&self, accepted: &Accepted) -> Vec<Event> {
        self.client.follow(accepted.operation_id).map(Result::unwrap).collect().await
    }

    async fn ended(&self, accepted: &Accepted) -> Operation {
        let mut events = self.client.follow(accepted.operation_id);
        while let Some(event) = events.next().await {
            event.unwrap();
        }
        self.client.operation(accepted.operation_id).await.unwrap()
    }

    /// What the server knows of an applied pattern.
    pub async fn inventory(&self, pattern: &str) -> Option<AppliedSet> {
        self.client.applied().await.unwrap().applied.into_iter().find(|set| set.pattern == pattern)
    }

    /// A call of the cluster's API by somebody else, past the faults of none: status and body.
    pub async fn call(&self, method: &str, path: &str, media: &str, body: String) -> (u16, Value) {
        let cluster = &self.practice.cluster;
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", cluster.token()))
            .header("content-type", media)
            .body(axum::body::Body::from(body))
            .unwrap();
        let response = cluster.router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Every object in the cluster that carries the label of patterns.
    pub async fn labelled(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for path in LISTS {
            let (status, list) =
                self.call("GET", &format!("{path}?labelSelector={LABEL}"), "application/json", String::new()).await;
            assert_eq!(status, 200, "{path}: {list}");
            let kind = list["kind"].as_str().unwrap().trim_end_matches("List").to_owned();
            for mut item in list["items"].as_array().cloned().unwrap_or_default() {
                item["kind"] = kind.clone().into();
                found.push(item);
            }
        }
        found
    }
}
