//! What the double of the engine has.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

/// Everything it has.
#[derive(Default)]
pub struct World {
    /// Labels of networks, by name.
    pub networks: BTreeMap<String, Value>,
    /// Volumes, by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Containers, in the order they were made.
    pub containers: Vec<Container>,
    /// Ids of images, by reference.
    pub images: BTreeMap<String, String>,
    /// Ids of images that can be pulled, by reference.
    pub registry: BTreeMap<String, String>,
    /// Credentials that came with the last pull.
    pub login: Option<String>,
    made: usize,
}

/// A volume.
#[derive(Default, Clone)]
pub struct Volume {
    /// Labels.
    pub labels: Value,
    /// Files by path: content, mode, owner.
    pub files: BTreeMap<String, (Vec<u8>, u32, u64)>,
}

/// A container.
pub struct Container {
    pub id: String,
    pub name: String,
    /// What it was made of.
    pub body: Value,
    pub image_id: String,
    /// The engine's word.
    pub status: String,
    pub exit_code: i64,
    pub started_at: String,
    /// Times and lines.
    pub log: Vec<(String, String)>,
    /// Networks it joined later.
    pub joined: Vec<String>,
    serving: Option<Serving>,
}

/// Answers on the published port as long as the container runs.
struct Serving {
    stop: Arc<AtomicBool>,
    held: Arc<AtomicBool>,
    port: u16,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, and waits until the port is free.
        let _ = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        while TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            std::thread::yield_now();
        }
    }
}

pub fn now() -> String {
    mesheryctl::base::clock::Timestamp::now().to_string()
}

impl World {
    /// Makes an image known; its id is of its reference and its content.
    pub fn add_image(&mut self, reference: &str, content: &str) -> String {
        let id = format!("sha256:{}", mesheryctl::base::id::stable(reference, content).simple());
        self.images.insert(reference.to_owned(), id.clone());
        id
    }

    /// The container of a name or id.
    pub fn find(&mut self, name: &str) -> Option<&mut Container> {
        self.containers.iter_mut().find(|one| one.name == name || one.id == name)
    }

    /// Names and states of the containers, in the order of names.
    pub fn overview(&self) -> Vec<(String, String)> {
        let mut found: Vec<_> = self.containers.iter().map(|one| (one.name.clone(), one.status.clone())).collect();
        found.sort();
        found
    }

    /// Makes a container that is somebody else's.
    pub fn add_stranger(&mut self, name: &str) {
        let body = json!({"Image": "stranger:1", "Labels": {}});
        self.create(name, body, "sha256:stranger".to_owned());
    }

    pub fn create(&mut self, name: &str, body: Value, image_id: String) -> String {
        self.made += 1;
        let id = format!("{:064x}", self.made);
        if let Some(volume) = body["HostConfig"]["Mounts"][0]["Source"].as_str() {
            self.volumes.entry(volume.to_owned()).or_default();
        }
        self.containers.push(Container {
            id: id.clone(),
            name: name.to_owned(),
            body,
            image_id,
            status: "created".to_owned(),
            exit_code: 0,
            started_at: "0001-01-01T00:00:00Z".to_owned(),
            log: Vec::new(),
            joined: Vec::new(),
            serving: None,
        });
        id
    }

    /// Starts a container: one of an image with `broken` in its name ends at once.
    pub fn start(&mut self, name: &str) -> Result<(), String> {
        let at = self.containers.iter().position(|one| one.name == name || one.id == name).unwrap();
        if self.containers[at].status == "running" {
            return Ok(());
        }
        let volume = self.containers[at].volume();
        let image = self.containers[at].body["Image"].as_str().unwrap_or_default().to_owned();
        let one = &mut self.containers[at];
        one.started_at = now();
        one.say(&format!("{image} begins"));
        let files = volume.and_then(|name| self.volumes.get_mut(&name)).map(|volume| &mut volume.files);
        let is_server = files.is_some();
        if let Some(files) = files {
            if !files.contains_key("auth.json") {
                one.end(70, "there is no token");
                return Ok(());
            }
            let database = files.entry("data/meshery.db".to_owned()).or_insert((b"first".to_vec(), 0o600, 65532));
            if image.contains("broken") {
                database.0 = b"migrated".to_vec();
                files.insert("data/meshery.db-wal".to_owned(), (b"half".to_vec(), 0o600, 65532));
            }
        }
        if image.contains("broken") {
            one.end(3, "panicked at the double");
            return Ok(());
        }
        if let (true, Some(port)) = (is_server, one.published()) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|_| format!("driver failed: Bind for 127.0.0.1:{port} failed: port is already allocated"))?;
            one.serving = Some(serve(listener, port));
        }
        "running".clone_into(&mut one.status);
        Ok(())
    }

    /// Ends a container.
    pub fn stop(&mut self, name: &str) -> bool {
        let Some(one) = self.find(name) else { return false };
        if ["running", "paused"].contains(&one.status.as_str()) {
            one.say("stopping");
            "exited".clone_into(&mut one.status);
            one.serving = None;
        }
        true
    }

    /// Holds a container; its port stays its own, and nobody answers there.
    pub fn pause(&mut self, name: &str) {
        let one = self.find(name).unwrap();
        assert_eq!(one.status, "running");
        "paused".clone_into(&mut one.status);
        if let Some(serving) = &one.serving {
            serving.held.store(true, Ordering::SeqCst);
        }
    }

    /// Lets a held container go on.
    pub fn resume(&mut self, name: &str) -> bool {
        let Some(one) = self.find(name).filter(|one| one.status == "paused") else { return false };
        "running".clone_into(&mut one.status);
        if let Some(serving) = &one.serving {
            serving.held.store(false, Ordering::SeqCst);
        }
        true
    }

    /// Removes a container.
    pub fn remove(&mut self, name: &str) -> bool {
        self.stop(name);
        let before = self.containers.len();
        self.containers.retain(|one| one.name != name && one.id != name);
        self.containers.len() < before
    }
}

impl Container {
    /// The value of a label.
    pub fn label(&self, name: &str) -> &str {
        self.body["Labels"][name].as_str().unwrap_or_default()
    }

    /// Writes a line into its log.
    pub fn say(&mut self, line: &str) {
        self.log.push((now(), line.to_owned()));
    }

    fn end(&mut self, code: i64, line: &str) {
        self.say(line);
        (self.status, self.exit_code) = ("exited".to_owned(), code);
    }

    /// Its volume.
    pub fn volume(&self) -> Option<String> {
        self.body["HostConfig"]["Mounts"][0]["Source"].as_str().map(str::to_owned)
    }

    /// Port of this machine that leads to it.
    pub fn published(&self) -> Option<u16> {
        let bindings = self.body["HostConfig"]["PortBindings"].as_object()?;
        bindings.values().next()?[0]["HostPort"].as_str()?.parse().ok()
    }

    /// Its own port behind that.
    pub fn port(&self) -> u16 {
        let bindings = self.body["HostConfig"]["PortBindings"].as_object();
        let key = bindings.and_then(|bindings| bindings.keys().next()).map_or("", String::as_str);
        key.split('/').next().and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// What an inspection tells.
    pub fn inspect(&self) -> Value {
        let network = self.body["HostConfig"]["NetworkMode"].as_str().unwrap_or("bridge");
        let running = self.status == "running";
        json!({
            "Id": self.id, "Name": format!("/{}", self.name), "Image": self.image_id, "RestartCount": 0,
            "State": {
                "Status": self.status, "Running": running, "Paused": self.status == "paused", "Restarting": false, "OOMKilled": false,
                "Dead": false, "Pid": 0, "ExitCode": self.exit_code, "Error": "", "StartedAt": self.started_at,
                "FinishedAt": "0001-01-01T00:00:00Z",
            },
            "Config": {"Image": self.body["Image"], "Labels": self.body["Labels"], "Env": self.body["Env"]},
            "HostConfig": {"PortBindings": self.body["HostConfig"]["PortBindings"]},
            "NetworkSettings": {"Networks": {network: {"IPAddress": if running { "10.1.2.3" } else { "" }}}},
        })
    }
}

fn serve(listener: TcpListener, port: u16) -> Serving {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let held = Arc::new(AtomicBool::new(false));
    let is_held = held.clone();
    let home = mesheryctl::client::process::home_id(std::path::Path::new(mesheryctl::plane::container::HOME));
    let body =
        json!({"program": "mesheryctl", "phase": "ready", "pid": 1, "version": "double", "home": home}).to_string();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            if stopped.load(Ordering::SeqCst) {
                return;
            }
            if is_held.load(Ordering::SeqCst) {
                continue;
            }
            let _ = socket.read(&mut [0; 2048]);
            let _ = write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    Serving { stop, held, port }
}
