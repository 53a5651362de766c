//! A server on a free port, with its own home, for one test.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mesheryctl::base::http::{self, Options};
use mesheryctl::server::{Server, Settings};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// The token of every test server.
pub const TOKEN: &str = "a-token-for-tests";

/// A running server; gone when dropped.
pub struct Plane {
    pub server: Server,
    pub address: SocketAddr,
    home: tempfile::TempDir,
    http: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Plane {
    pub async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        // A kubeconfig of its own, so that the one of the machine plays no part.
        let kubeconfig = home.path().join("kubeconfig");
        std::fs::write(&kubeconfig, "apiVersion: v1\nkind: Config\n").unwrap();
        let settings = Settings {
            home: home.path().to_owned(),
            token: TOKEN.to_owned(),
            kubeconfig: Some(kubeconfig.display().to_string()),
            allow_hosts: vec!["plane.example".to_owned()],
            in_process: false,
            providers: mesheryctl::server::providers::ProviderSettings::default(),
        };
        let server = Server::open(settings).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = server.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = http::client(&Options { loopback: true, ..Options::default() }).unwrap();
        Self { server, address, home, http, task }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A request without credentials.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address)).timeout(Duration::from_secs(20))
    }

    /// A request with the token.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(TOKEN)
    }

    /// `GET`, wanted to succeed, as JSON.
    pub async fn get(&self, path: &str) -> Value {
        json(self.ask(Method::GET, path).send().await.unwrap(), 200).await
    }

    /// `POST` of JSON, wanted to succeed, as JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        json(self.ask(Method::POST, path).json(body).send().await.unwrap(), 200).await
    }
}

/// The reply as JSON, after a look at its status.
pub async fn json(response: Response, status: u16) -> Value {
    let url = response.url().clone();
    let found = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(found, StatusCode::from_u16(status).unwrap(), "{url}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
}

/// The error in a reply, after a look at its status.
pub async fn error(response: Response, status: u16) -> Value {
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/json"), "{kind}");
    let body = json(response, status).await;
    for key in ["code", "kind", "message", "error", "suggested_remediation"] {
        assert!(body[key].is_string(), "no `{key}` in {body}");
    }
    body
}
