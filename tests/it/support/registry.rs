//! A registry double, written from the OCI distribution specification: uploads in one
//! piece, manifests by tag and digest, a token service that wants basic credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What it holds.
#[derive(Default)]
pub struct Held {
    pub blobs: HashMap<String, Vec<u8>>,
    pub manifests: HashMap<String, (String, Vec<u8>)>,
    pub uploads: usize,
    /// Says of every manifest that it took another.
    pub lies: bool,
}

/// A registry double that serves until it is dropped.
pub struct Double {
    pub address: String,
    pub held: Arc<Mutex<Held>>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

#[derive(Clone)]
struct Shared {
    held: Arc<Mutex<Held>>,
    address: String,
    locked: bool,
}

impl Double {
    /// With one repository, `team/shop`; `locked` wants the credentials `me` and `right`.
    pub fn start(locked: bool) -> Self {
        let held = Arc::new(Mutex::new(Held::default()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let serving = held.clone();
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap().to_string();
                tell.send(address.clone()).unwrap();
                let app = Router::new().fallback(answer).with_state(Shared { held: serving, address, locked });
                let until = async move {
                    let _ = stopped.await;
                };
                axum::serve(listener, app).with_graceful_shutdown(until).await.unwrap();
            });
        });
        Self { address: told.recv().unwrap(), held, _stop: stop }
    }
}

/// `sha256:…` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", mesheryctl::base::id::hex(&Sha256::digest(bytes)))
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = serde_json::json!({"errors": [{"code": code, "message": "said the double"}]});
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if path == "/token" {
        return token(&parts.headers, &query);
    }
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if shared.locked && bearer != Some("Bearer opensesame") {
        let challenge = format!("Bearer realm=\"http://{}/token\",service=\"double\"", shared.address);
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    let Some(rest) = path.strip_prefix("/v2/team/shop/") else { return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN") };
    registry(&shared.held, &parts.method, (rest, &query), &parts.headers, &body)
}

fn token(headers: &HeaderMap, query: &str) -> Response {
    let wanted = format!("Basic {}", STANDARD.encode("me:right"));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    assert!(query.contains("service=double") && query.contains("scope=repository%3Ateam%2Fshop%3Apu"), "{query}");
    if given == Some(wanted.as_str()) {
        return r#"{"token": "opensesame"}"#.into_response();
    }
    error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED")
}

fn registry(
    held: &Mutex<Held>,
    method: &Method,
    (rest, query): (&str, &str),
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let mut held = held.lock().unwrap();
    let (sort, name) = rest.split_once('/').unwrap_or((rest, ""));
    match (method.as_str(), sort, name) {
        ("POST", "blobs", "uploads/") => {
            held.uploads += 1;
            (StatusCode::ACCEPTED, [(header::LOCATION, "/v2/team/shop/blobs/uploads/1?state=x")]).into_response()
        }
        ("PUT", "blobs", "uploads/1") => {
            let claimed =
                query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap_or_default().replace("%3A", ":");
            let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            if length != Some(body.len().to_string().as_str()) {
                return error(StatusCode::LENGTH_REQUIRED, "SIZE_INVALID");
            }
            if !query.contains("state=x") || claimed != digest(body) {
                return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
            }
            held.blobs.insert(claimed, body.to_vec());
            StatusCode::CREATED.into_response()
        }
        ("HEAD" | "GET", "blobs", name) => match held.blobs.get(name) {
            Some(bytes) => bytes.clone().into_response(),
            None => error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
        },
        ("PUT", "manifests", name) => {
            let media = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            let manifest: serde_json::Value = serde_json::from_slice(body).unwrap();
            let blobs = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
            if name.contains(':') && name != digest(body) {
                return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
            }
            for blob in blobs {
                let known = held.blobs.get(blob["digest"].as_str().unwrap());
                if known.is_none_or(|bytes| bytes.len() as u64 != blob["size"].as_u64().unwrap()) {
                    return error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN");
                }
            }
            held.manifests.insert(name.to_owned(), (media.clone(), body.to_vec()));
            held.manifests.insert(digest(body), (media, body.to_vec()));
            let taken = if held.lies { digest(b"another") } else { digest(body) };
            (StatusCode::CREATED, [("docker-content-digest", taken)]).into_response()
        }
        ("GET", "manifests", name) => match held.manifests.get(name) {
            Some((media, bytes)) => ([(header::CONTENT_TYPE, media.clone())], bytes.clone()).into_response(),
            None => error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
        },
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
    }
}
