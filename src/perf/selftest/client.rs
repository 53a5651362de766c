//! A client of the server: its socket, and the requests that its bytes are.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
/// Fields of a head.
const FIELDS: usize = 100;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// The path that does not follow the law but tells of it.
const ACCOUNT: &str = "/.law";

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// An answer by the law.
    Answer,
    /// What the server knows.
    Account,
    /// A new beginning of what it knows.
    Reset,
    /// What the server does not do: a status of HTTP.
    Refusal(u16),
}

/// What becomes of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// It stays, as is usual.
    Stays,
    /// It stays, which a client of HTTP/1.0 wants to be told.
    StaysByName,
    /// It is closed.
    Closes,
}

/// A whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// What it wants.
    pub wanted: Wanted,
    /// Whether it wants the head of the answer only.
    pub is_head: bool,
    /// What follows.
    pub after: After,
}

/// One client.
pub struct Client {
    stream: TcpStream,
    /// Bytes that are no whole request yet.
    unread: Vec<u8>,
    /// Bytes of a request's body that are still to come.
    body: u64,
    /// Answers that it waits for.
    pub waiting: u32,
    /// When the last of them is due: none may pass another.
    pub last_due: Option<Instant>,
    /// Whether nothing more comes from it.
    pub has_ended: bool,
}

impl Client {
    /// A client that has just connected.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new(), body: 0, waiting: 0, last_due: None, has_ended: false }
    }

    /// Reads what is there, and adds the whole requests in it to `requests`.
    pub fn read(&mut self, buffer: &mut [u8], requests: &mut Vec<Request>) {
        while !self.has_ended {
            match self.stream.read(buffer) {
                Ok(0) => self.has_ended = true,
                Ok(count) => {
                    self.unread.extend_from_slice(&buffer[..count]);
                    self.take(requests);
                }
                Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.has_ended = true,
            }
        }
    }

    fn take(&mut self, requests: &mut Vec<Request>) {
        let mut from = 0;
        while !self.has_ended {
            let rest = &self.unread[from..];
            let here = usize::try_from(self.body).map_or(rest.len(), |body| body.min(rest.len()));
            self.body -= here as u64;
            from += here;
            let Some((request, length, body)) = parse(&self.unread[from..]) else { break };
            from += length;
            self.body = body;
            self.has_ended = request.after == After::Closes;
            requests.push(request);
        }
        self.unread.drain(..from);
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// The client is gone, or does not read.
    pub fn answer(&mut self, request: Request, body: Option<&str>) -> io::Result<()> {
        self.waiting = self.waiting.saturating_sub(1);
        match (request, body) {
            (Request { wanted: Wanted::Answer, is_head: false, after: After::Stays }, _) => {
                self.stream.write_all(ANSWER)
            }
            _ => self.stream.write_all(message(request, body.unwrap_or("ok")).as_bytes()),
        }
    }
}

/// Reads the first request: it, the length of its head and that of its body. None while its head is not whole.
fn parse(bytes: &[u8]) -> Option<(Request, usize, u64)> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let (request, body) = understand(&request);
            Some((request, length, body))
        }
        Ok(httparse::Status::Partial) if bytes.len() <= LONGEST_HEAD => None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => Some((refusal(431), bytes.len(), 0)),
        Err(_) => Some((refusal(400), bytes.len(), 0)),
    }
}

fn refusal(status: u16) -> Request {
    Request { wanted: Wanted::Refusal(status), is_head: false, after: After::Closes }
}

/// What a head says, and the length of the body behind it.
fn understand(request: &httparse::Request<'_, '_>) -> (Request, u64) {
    let field = |name: &str| request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    if field("transfer-encoding").is_some() {
        return (refusal(501), 0);
    }
    let body = match field("content-length").map(|field| str::from_utf8(field.value).map(|text| text.trim().parse())) {
        None => 0,
        Some(Ok(Ok(length))) => length,
        Some(_) => return (refusal(400), 0),
    };
    let says = |word: &[u8]| {
        let tokens = field("connection").map_or(&[][..], |field| field.value).split(|byte| *byte == b',');
        tokens.map(<[u8]>::trim_ascii).any(|token| token.eq_ignore_ascii_case(word))
    };
    let after = match request.version {
        Some(1) if says(b"close") => After::Closes,
        Some(1) => After::Stays,
        _ if says(b"keep-alive") => After::StaysByName,
        _ => After::Closes,
    };
    let method = request.method.unwrap_or_default();
    let wanted = match (request.path, method) {
        (Some(ACCOUNT), "GET" | "HEAD") => Wanted::Account,
        (Some(ACCOUNT), "DELETE") => Wanted::Reset,
        (Some(ACCOUNT), _) => Wanted::Refusal(405),
        _ => Wanted::Answer,
    };
    (Request { wanted, is_head: method == "HEAD", after }, body)
}

fn message(request: Request, body: &str) -> String {
    let (status, body) = match request.wanted {
        Wanted::Answer => ("200 OK", body),
        Wanted::Account => ("200 OK\r\nContent-Type: application/json", body),
        Wanted::Reset => ("204 No Content", ""),
        Wanted::Refusal(405) => ("405 Method Not Allowed\r\nAllow: GET, HEAD, DELETE", ""),
        Wanted::Refusal(431) => ("431 Request Header Fields Too Large", ""),
        Wanted::Refusal(501) => ("501 Not Implemented", ""),
        Wanted::Refusal(_) => ("400 Bad Request", ""),
    };
    let connection = match request.after {
        After::Stays => "",
        After::StaysByName => "Connection: keep-alive\r\n",
        After::Closes => "Connection: close\r\n",
    };
    let length = match request.wanted {
        Wanted::Reset => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let sent = if request.is_head { "" } else { body };
    format!("HTTP/1.1 {status}\r\n{connection}{length}\r\n{sent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `text` is when it comes in parts of `step` bytes.
    fn requests(text: &str, step: usize) -> Vec<Request> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut client = Client::new(listener.accept().unwrap().0);
        near.write_all(text.as_bytes()).unwrap();
        drop(near);
        let mut found = Vec::new();
        client.read(&mut vec![0; step], &mut found);
        found
    }

    fn one(text: &str) -> Request {
        let found = requests(text, 1000);
        assert_eq!(found, requests(text, 1), "{text}");
        assert_eq!(found.len(), 1, "{text}");
        found[0]
    }

    #[test]
    fn requests_are_told_apart_however_their_bytes_come() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nContent-Length: 20\r\n\r\nGET / HTTP/1.1\r\n\r\n..GET /.law HTTP/1.1\r\n\r\n";
        for step in [1, 7, 1000] {
            let wanted: Vec<Wanted> = requests(text, step).iter().map(|request| request.wanted).collect();
            assert_eq!(wanted, [Wanted::Answer, Wanted::Answer, Wanted::Account], "{step}");
        }
    }

    #[test]
    fn the_client_says_whether_its_connection_stays() {
        assert_eq!(one("GET / HTTP/1.1\r\n\r\n").after, After::Stays);
        assert_eq!(one("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n").after, After::Closes);
        assert_eq!(one("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").after, After::StaysByName);
        assert_eq!(one("GET / HTTP/1.0\r\n\r\n").after, After::Closes);
    }

    #[test]
    fn what_is_not_understood_is_refused_and_ends_the_connection() {
        for (text, status) in [
            ("garbage\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 501),
            (format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(FIELDS + 1)), 431),
            ("POST /.law HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 405),
        ] {
            let request = one(&text);
            assert_eq!((request.wanted, request.after), (Wanted::Refusal(status), After::Closes), "{text}");
            assert!(message(request, "").starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        }
    }

    #[test]
    fn answers_have_the_form_that_was_asked_for() {
        let answer = |text| message(one(text), "ok");
        assert_eq!(answer("GET / HTTP/1.1\r\n\r\n").as_bytes(), ANSWER);
        assert_eq!(answer("HEAD / HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert_eq!(answer("DELETE /.law HTTP/1.1\r\n\r\n"), "HTTP/1.1 204 No Content\r\n\r\n");
        assert!(answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").contains("Connection: keep-alive\r\n"));
        assert!(answer("GET / HTTP/1.0\r\n\r\n").contains("Connection: close\r\n"));
    }
}
