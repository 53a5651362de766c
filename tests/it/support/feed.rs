//! A double of a release feed: a folder of signed releases, and a server on loopback that serves it, with faults.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use mesheryctl::release::manifest::archive_name;
use mesheryctl::release::publish::{self, Publish};
use serde_json::{Value, json};
use zipsign_api::{Prehash, SigningKey};

use super::env::Env;

/// The version of the program under test.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// What goes wrong with a file.
#[derive(Clone, Copy)]
pub enum Fault {
    /// It breaks off in the middle though more was promised.
    Broken,
    /// It stops in the middle and never ends.
    Stalled,
    /// The server answers with this status.
    Status(u16),
}

/// The feed. Served until it is dropped.
pub struct Feed {
    /// Its address.
    pub url: String,
    /// Its folder.
    pub folder: PathBuf,
    /// File of its public key.
    pub key: PathBuf,
    pair: SigningKey,
    state: Arc<Served>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

struct Served {
    folder: PathBuf,
    faults: Mutex<HashMap<String, Fault>>,
    asked: Mutex<Vec<String>>,
    stalled: Mutex<Vec<String>>,
}

impl Feed {
    /// A feed without releases, in a folder of `env`.
    pub fn start(env: &Env) -> Self {
        let folder = env.path("feed");
        std::fs::create_dir(&folder).unwrap();
        let key = env.path("release.key.pub");
        publish::new_pair(&env.path("release.key")).unwrap();
        let state = Arc::new(Served {
            folder: folder.clone(),
            faults: Mutex::default(),
            asked: Mutex::default(),
            stalled: Mutex::default(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let router = axum::Router::new().fallback(serve).with_state(state.clone());
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let url = format!("http://{}/releases", told.recv().unwrap());
        let pair = publish::read_pair(&env.path("release.key")).unwrap();
        Self { url, folder, key, pair, state, _stop: stop }
    }

    /// Adds a release whose program is a shell script, and signs everything.
    pub fn release(&self, version: &str, script: &str) {
        self.put(version, script);
        self.publish();
    }

    /// Adds an archive for this machine, unsigned; its path.
    pub fn put(&self, version: &str, script: &str) -> PathBuf {
        let path = self.archive(version);
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(script.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, "mesheryctl", script.as_bytes()).unwrap();
        std::fs::write(&path, tar.into_inner().unwrap().finish().unwrap()).unwrap();
        path
    }

    /// Path of the archive for this machine.
    pub fn archive(&self, version: &str) -> PathBuf {
        self.folder.join(archive_name(version, &mesheryctl::release::targets()[0]))
    }

    /// Signs the archives and writes the manifest, as the keeper of a feed does.
    pub fn publish(&self) {
        self.publish_with(|_| {});
    }

    /// As [`Feed::publish`], with changes to how.
    pub fn publish_with(&self, change: impl FnOnce(&mut Publish)) {
        let mut how = Publish {
            pair: self.pair.clone(),
            channel: None,
            notes_url: None,
            archives_url: None,
            withdraw: Vec::new(),
        };
        change(&mut how);
        publish::publish(&self.folder, &how).unwrap();
    }

    /// Rewrites the manifest so that it names the archive as it is now, whoever signed that, and signs the manifest.
    pub fn vouch_for(&self, version: &str) {
        let path = self.archive(version);
        let (bytes, name) = (std::fs::read(&path).unwrap(), path.file_name().unwrap().to_str().unwrap());
        let digest = format!("sha256:{}", sha256(&bytes));
        let asset = json!({"name": name, "url": name, "digest": digest, "size": bytes.len()});
        self.write_manifest(
            &json!({"schema": 1, "releases": [{"version": version, "channel": "stable", "assets": [asset]}]}),
        );
    }

    /// Writes and signs a manifest.
    pub fn write_manifest(&self, manifest: &Value) {
        let json = manifest.to_string();
        let hash = Prehash::calculate(&mut json.as_bytes()).unwrap();
        let signature =
            zipsign_api::sign::gather_signature_data(std::slice::from_ref(&self.pair), &hash, Some(b"manifest.json"));
        std::fs::write(self.folder.join("manifest.json"), json).unwrap();
        let signature = BASE64_STANDARD.encode(signature.unwrap());
        std::fs::write(self.folder.join("manifest.json.sig"), signature).unwrap();
    }

    /// Lets something go wrong with a file from now on.
    pub fn fault(&self, name: &str, fault: Option<Fault>) {
        let mut faults = self.state.faults.lock().unwrap();
        match fault {
            Some(fault) => faults.insert(name.to_owned(), fault),
            None => faults.remove(name),
        };
    }

    /// Names of the files that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Whether somebody has the first half of a stalled file and waits for the rest.
    pub fn has_stalled(&self) -> bool {
        !self.state.stalled.lock().unwrap().is_empty()
    }
}

/// The script of a program that reports a version, and writes pages and completions of its own.
pub fn program(version: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$*\" in\n  \"version --client -o json\") echo '{{\"client\":{{\"build\":\"{version}\"}}}}' ;;\n  \
         \"completion \"*) echo \"$2 of {version}\" ;;\n  \
         \"man --dir \"*) mkdir -p \"$3\" && echo page of {version} >\"$3/mesheryctl.1\" && cp \"$3/mesheryctl.1\" \"$3/mesheryctl-more.1\" ;;\n  \
         *) echo \"double of {version} cannot $*\" >&2; exit 64 ;;\nesac\n"
    )
}

/// In lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    mesheryctl::base::id::hex(&sha2::Sha256::digest(bytes))
}

async fn serve(State(state): State<Arc<Served>>, uri: Uri) -> Response {
    let name = uri.path().trim_start_matches("/releases/").to_owned();
    state.asked.lock().unwrap().push(name.clone());
    let fault = state.faults.lock().unwrap().get(&name).copied();
    let Ok(bytes) = std::fs::read(state.folder.join(&name)) else { return StatusCode::NOT_FOUND.into_response() };
    let length = bytes.len();
    let half = Bytes::copy_from_slice(&bytes[..length / 2]);
    let first = futures_util::stream::once(async move { Ok::<_, std::io::Error>(half) });
    let body = match fault {
        None => Body::from(bytes),
        Some(Fault::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Broken) => {
            let rest = futures_util::stream::once(async { Err(std::io::Error::other("the double breaks off")) });
            Body::from_stream(first.chain(rest))
        }
        Some(Fault::Stalled) => {
            let rest = futures_util::stream::once(async move {
                state.stalled.lock().unwrap().push(name);
                std::future::pending().await
            });
            Body::from_stream(first.chain(rest))
        }
    };
    ([(header::CONTENT_LENGTH, length)], body).into_response()
}
