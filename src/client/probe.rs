//! A quick look at who answers on a port of this machine: one small request, no TLS, no waiting.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wire::rest::{HealthReport, paths};

/// Health replies are far smaller than this.
const LIMIT: u64 = 64 << 10;

/// Who answers.
#[derive(Debug, Clone)]
pub enum Probe {
    /// A server of this program.
    Ours(HealthReport),
    /// Something else: it accepts connections but speaks otherwise, or not at all.
    Other,
    /// Nobody: the connection is refused or the address is dead.
    Nobody,
}

/// Looks who answers at an address; takes at most `limit`.
pub async fn probe(address: SocketAddr, limit: Duration) -> Probe {
    let Ok(Ok(stream)) = tokio::time::timeout(limit, TcpStream::connect(address)).await else {
        return Probe::Nobody;
    };
    match tokio::time::timeout(limit, ask(stream, address)).await {
        Ok(Some(report)) if report.program == "mesheryctl" => Probe::Ours(report),
        _ => Probe::Other,
    }
}

async fn ask(mut stream: TcpStream, address: SocketAddr) -> Option<HealthReport> {
    let path = paths::HEALTH_READY[0];
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut reply = Vec::new();
    stream.take(LIMIT).read_to_end(&mut reply).await.ok()?;
    let body = reply.windows(4).position(|window| window == b"\r\n\r\n")?;
    serde_json::from_slice(&reply[body + 4..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answering(reply: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(reply.as_bytes()).await;
        });
        address
    }

    #[tokio::test]
    async fn ours_others_and_nobody_are_told_apart() {
        let limit = Duration::from_millis(500);
        let body = r#"{"program":"mesheryctl","phase":"starting","pid":7,"version":"1"}"#;
        let ours = format!("HTTP/1.1 503 x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let Probe::Ours(report) = probe(answering(ours.leak()).await, limit).await else { panic!("not ours") };
        assert_eq!(report.pid, 7);
        let other = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        assert!(matches!(probe(other, limit).await, Probe::Other));
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(matches!(probe(free, limit).await, Probe::Nobody));
    }
}
