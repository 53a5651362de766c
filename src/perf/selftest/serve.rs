//! The server standing alone, for any generator to be measured against.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::Law;
use super::server::{self, Running, Waiting};
use super::truth::{Account, Truth};
use crate::base::error::{Code, Error, Result};

/// A server that runs until it is told to end.
pub struct Serving {
    running: Running<Truth>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Ends it, and tells what it knows.
    ///
    /// # Errors
    /// It had ended before.
    pub fn stop(self) -> Result<Account> {
        Ok(self.running.stop()?.record.now())
    }
}

/// Serves HTTP/1.1 under a law on a host and a port, where port 0 takes a free one. Besides the law it answers
/// `GET /.law` with an [`Account`] as JSON, and `DELETE /.law` begins that anew.
///
/// # Errors
/// [`Code::PortTaken`] and [`Code::ListenFailed`] where it cannot listen; [`Code::PerfEngine`] where it cannot begin.
pub fn serve(host: &str, port: u16, law: Law, seed: u64) -> Result<Serving> {
    let listener = TcpListener::bind((host, port)).map_err(|problem| {
        let (code, message) = match problem.kind() {
            ErrorKind::AddrInUse => (Code::PortTaken, format!("port {port} of {host} is taken")),
            _ => (Code::ListenFailed, format!("cannot listen on {host}, port {port}")),
        };
        Error::new(code, message).because(problem).remedy("Give --serve another address; port 0 takes a free one.")
    })?;
    Ok(Serving { running: server::start(listener, Waiting::Awake, move || Truth::new(law, seed))? })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn exchange(stream: &mut TcpStream, request: &str) -> String {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        head + std::str::from_utf8(&body).unwrap()
    }

    fn begun(law: Law) -> (Serving, TcpStream) {
        let serving = serve("127.0.0.1", 0, law, 1).unwrap();
        let stream = TcpStream::connect(serving.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (serving, stream)
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const ACCOUNT: &str = "GET /.law HTTP/1.1\r\n\r\n";

    fn account(stream: &mut TcpStream) -> Account {
        let answer = exchange(stream, ACCOUNT);
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    #[test]
    fn a_connection_carries_many_requests_and_the_account_none_of_its_own() {
        let (serving, mut stream) = begun(Law::Constant);
        for _ in 0..5 {
            assert!(exchange(&mut stream, GET).ends_with("\r\n\r\nok"));
        }
        let known = account(&mut stream);
        assert_eq!(known.count, 5);
        assert!(known.latency_us.p50 >= 1000.0, "{known:?}");
        assert!(exchange(&mut stream, "DELETE /.law HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 204 "));
        assert_eq!(account(&mut stream).count, 0);
        exchange(&mut stream, GET);
        assert_eq!(serving.stop().unwrap().count, 1);
    }

    #[test]
    fn answers_of_a_connection_come_in_the_order_of_its_requests() {
        let (serving, mut stream) = begun(Law::HeavyTail);
        // were the last one not held back, it would be answered first
        stream.write_all((GET.repeat(20) + ACCOUNT).as_bytes()).unwrap();
        for _ in 0..20 {
            assert!(exchange(&mut stream, "").ends_with("ok"));
        }
        assert!(exchange(&mut stream, "").contains("\"count\":20,"));
        serving.stop().unwrap();
    }

    #[test]
    fn a_client_that_wants_to_be_closed_is_and_its_place_is_used_again() {
        let (serving, mut stream) = begun(Law::Immediate);
        for _ in 0..3 {
            let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
            assert!(answer.contains("Connection: close"), "{answer}");
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            stream = TcpStream::connect(serving.address()).unwrap();
        }
        assert!(exchange(&mut stream, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert_eq!(serving.stop().unwrap().count, 3);
    }

    #[test]
    fn an_address_that_is_taken_is_refused() {
        let (serving, _stream) = begun(Law::Constant);
        let error = serve("127.0.0.1", serving.address().port(), Law::Constant, 1).err().unwrap();
        assert_eq!(error.code(), Code::PortTaken);
        let elsewhere = serve("192.0.2.1", 0, Law::Constant, 1).err().unwrap();
        assert_eq!(elsewhere.code(), Code::ListenFailed);
    }
}
