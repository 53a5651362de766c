//! A small HTTP/1.1 server in this process: answers each request after a delay, or not at all.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The server; it lives as long as this.
pub struct Target {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    by_peer: Arc<Mutex<HashMap<IpAddr, usize>>>,
    last: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
}

impl Target {
    /// One that answers 200 at once.
    pub fn start() -> Self {
        Self::with(200, Duration::ZERO)
    }

    /// One that answers `status` after `delay`.
    pub fn with(status: u16, delay: Duration) -> Self {
        Self::at("127.0.0.1:0", status, delay)
    }

    /// One that listens at an address of this machine.
    pub fn at(address: &str, status: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, last, over) =
            (Arc::<AtomicUsize>::default(), Arc::<Mutex<String>>::default(), Arc::<AtomicBool>::default());
        let by_peer = Arc::<Mutex<HashMap<IpAddr, usize>>>::default();
        let target =
            Self { address, seen: seen.clone(), by_peer: by_peer.clone(), last: last.clone(), over: over.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, last, by_peer) = (seen.clone(), last.clone(), by_peer.clone());
                std::thread::spawn(move || {
                    let Ok(peer) = stream.peer_addr() else { return };
                    serve(stream, status, delay, |request| {
                        *last.lock().unwrap() = request;
                        *by_peer.lock().unwrap().entry(peer.ip()).or_default() += 1;
                        seen.fetch_add(1, Ordering::SeqCst);
                    });
                });
            }
        });
        target
    }

    /// An address of it.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Requests so far.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// Requests from there so far.
    pub fn seen_from(&self, peer: IpAddr) -> usize {
        self.by_peer.lock().unwrap().get(&peer).copied().unwrap_or_default()
    }

    /// The last request as it came.
    pub fn last(&self) -> String {
        self.last.lock().unwrap().clone()
    }

    /// An address at which nobody listens.
    pub fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, status: u16, delay: Duration, take: impl Fn(String)) {
    let Ok(mut answer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    loop {
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            request.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        request.push_str(&String::from_utf8_lossy(&body));
        take(request);
        std::thread::sleep(delay);
        let reply = format!("HTTP/1.1 {status} Test\r\ncontent-length: 2\r\n\r\nok");
        if answer.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}
