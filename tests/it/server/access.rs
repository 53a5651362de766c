//! Token, Host and Origin.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use mesheryctl::server::rest;
use reqwest::Method;
use tower::ServiceExt;

use super::plane::{Plane, TOKEN, error, json};

#[tokio::test]
async fn every_path_but_the_open_ones_wants_the_token() {
    let plane = Plane::start().await;
    for route in rest::routes() {
        for path in route.paths {
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            let response = plane.bare(route.method.clone(), &path).send().await.unwrap();
            // Without a token to take, these tell one to those who have it.
            if matches!(route.id, "setToken" | "postToken") {
                assert_eq!(response.status(), 401, "{} {path}", route.method);
            } else if route.open {
                assert_ne!(response.status(), 401, "{} {path}", route.method);
            } else {
                let body = error(response, 401).await;
                assert_eq!(body["code"], "auth-required", "{} {path}", route.method);
            }
        }
    }
    let open: Vec<_> = rest::routes().into_iter().filter(|route| route.open).map(|route| route.id).collect();
    assert_eq!(
        open,
        [
            "getLive",
            "getReady",
            "getVersion",
            "listProviders",
            "chooseProvider",
            "login",
            "setToken",
            "postToken",
            "endLogin",
            "logout",
            "postLogout"
        ]
    );
}

#[tokio::test]
async fn the_token_comes_as_bearer_or_as_the_cookies_of_old_clients() {
    let plane = Plane::start().await;
    let cookie = format!("meshery-provider=None; token={TOKEN}");
    let reply = plane.bare(Method::GET, "/api/token").header("cookie", cookie).send().await.unwrap();
    let reply = json(reply, 200).await;
    assert_eq!(reply, serde_json::json!({"meshery-provider": "None", "token": TOKEN}), "exactly a token file");
    for wrong in ["Bearer nonsense", "Bearer ", "Basic YTph", &format!("Bearer {TOKEN}x")] {
        let reply = plane.bare(Method::GET, "/api/token").header("authorization", wrong).send().await.unwrap();
        let reply = error(reply, 401).await;
        assert!(!reply.to_string().contains(TOKEN), "the token is not told to those who do not know it");
    }
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_even_with_the_token() {
    let plane = Plane::start().await;
    let with =
        async |name: &str, value: &str| plane.ask(Method::GET, "/api/user").header(name, value).send().await.unwrap();
    for host in ["evil.example", "evil.example:9081", "localhost.evil.example"] {
        assert_eq!(error(with("host", host).await, 403).await["code"], "origin-refused", "{host}");
    }
    for host in ["localhost", "localhost:1234", "127.0.0.1:80", "[::1]:80", "plane.example"] {
        assert_eq!(with("host", host).await.status(), 200, "{host}");
    }
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        assert_eq!(error(with("origin", origin).await, 403).await["code"], "origin-refused", "{origin}");
    }
    let own = format!("http://{}", plane.address);
    assert_eq!(with("origin", &own).await.status(), 200);
}

#[tokio::test]
async fn the_open_paths_are_closed_to_foreign_hosts_too() {
    let plane = Plane::start().await;
    let reply = plane.bare(Method::GET, "/api/system/version").header("host", "evil.example").send().await.unwrap();
    error(reply, 403).await;
}

/// A kubeconfig path is opened on the server's machine, and may run programs named in it.
#[tokio::test]
async fn only_callers_of_this_machine_may_name_a_kubeconfig() {
    let plane = Plane::start().await;
    let body = r#"{"pattern_file": "name: a\nservices: {}\n", "pattern": "a", "kubeconfig": "/nowhere/at/all"}"#;
    let mut codes = Vec::new();
    for peer in ["10.1.2.3:4000", "[::ffff:10.1.2.3]:4000", "127.0.0.1:4000", "[::ffff:127.0.0.1]:4000"] {
        for (method, path) in
            [("POST", "/api/pattern/deploy"), ("DELETE", "/api/pattern/deploy"), ("POST", "/api/pattern/status")]
        {
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("content-type", "application/json")
                .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()))
                .body(Body::from(body))
                .unwrap();
            let reply = plane.server.router().oneshot(request).await.unwrap();
            let text = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
            let text = String::from_utf8_lossy(&text).into_owned();
            codes.push((peer, path, text.contains("from another machine"), text));
        }
    }
    for (peer, path, refused, text) in codes {
        assert_eq!(refused, peer.contains("10.1.2.3"), "{peer} {path}: {text}");
    }
}
