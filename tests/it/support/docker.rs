//! A double of the Docker engine: the parts of its API that a plane needs, on a unix socket, with faults on demand.
//! It runs nothing: a "container" with a published port answers as a mesheryctl server does.

mod act;
mod state;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt;

pub use state::{Container, World};
pub use tls::front as tls_front;

/// What goes wrong at a call, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call is refused and nothing is done.
    Refused(usize),
    /// The call is done, and the connection breaks before the answer.
    Unanswered(usize),
    /// The call is done and never answered.
    Silent(usize),
}

/// The double.
pub struct Engine {
    shared: Arc<Shared>,
    socket: PathBuf,
    _stop: tokio::sync::oneshot::Sender<()>,
}

struct Shared {
    world: Mutex<World>,
    fault: Mutex<Option<Fault>>,
    calls: Mutex<Vec<String>>,
    api: Mutex<(String, String)>,
}

impl Engine {
    /// Listens on a socket in a folder.
    pub fn start(folder: &Path) -> Self {
        let socket = folder.join("docker.sock");
        let shared = Arc::new(Shared {
            world: Mutex::default(),
            fault: Mutex::default(),
            calls: Mutex::default(),
            api: Mutex::new(("1.41".to_owned(), "1.12".to_owned())),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let (serving, path) = (shared.clone(), socket.clone());
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async move {
                let listener = tokio::net::UnixListener::bind(path).unwrap();
                tell.send(()).unwrap();
                let app = Router::new().fallback(answer).with_state(serving);
                tokio::select! {
                    served = axum::serve(listener, app) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        told.recv().unwrap();
        Self { shared, socket, _stop: stop }
    }

    /// Value for DOCKER_HOST.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What is there.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Sets the fault of the calls to come, and counts them from 1.
    pub fn fail(&self, fault: Option<Fault>) {
        self.shared.calls.lock().unwrap().clear();
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// Sets the newest and the oldest version of the API that it speaks.
    pub fn speak(&self, newest: &str, oldest: &str) {
        *self.shared.api.lock().unwrap() = (newest.to_owned(), oldest.to_owned());
    }

    /// The calls since the last [`Engine::fail`], as `METHOD /path`.
    pub fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Waits until so many calls came.
    pub fn wait_for_call(&self, number: usize) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while self.calls().len() < number {
            assert!(std::time::Instant::now() < deadline, "call {number} did not come: {:#?}", self.calls());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let number = {
        let mut calls = shared.calls.lock().unwrap();
        calls.push(format!("{} {}", parts.method, parts.uri));
        calls.len()
    };
    let fault = *shared.fault.lock().unwrap();
    if fault == Some(Fault::Refused(number)) {
        return act::refusal(500, "the double refuses this call");
    }
    let response = act::act(&shared, &parts, &body);
    match fault {
        // A body that fails makes the server cut the connection.
        Some(Fault::Unanswered(at)) if at == number => {
            let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
            let mut response = Response::new(Body::from_stream(broken));
            response.headers_mut().insert("content-length", "9".parse().unwrap());
            response
        }
        Some(Fault::Silent(at)) if at == number => std::future::pending().await,
        _ => response,
    }
}
