//! HTTP/1.1 (RFC 9112): one request, one response, read in place. Bytes are copied only where a head is cut.

mod chunk;

use std::io::Write;
use std::mem;

use chunk::Chunk;
use url::Url;

use super::super::recorder::{Flight, Status};
use super::super::site::{self, Prepared};
use super::{Done, Overdue, Reply};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::Cause;

/// Header fields of a response that are read; the rare response with more is read again with room for [`MANY_FIELDS`].
const FIELDS: usize = 48;
const MANY_FIELDS: usize = 512;
/// Bytes of a response's head.
const LONGEST_HEAD: usize = 256 * 1024;

/// Writes a whole request.
pub fn message(plan: &Plan, url: &Url, method: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + body.len());
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let has_body = !body.is_empty();
    let fields = site::fields(plan, url, has_body);
    // writing to memory does not fail
    let _ = write!(bytes, "{method} {target} HTTP/1.1\r\nHost: {}\r\n", fields.authority);
    for (name, value) in &fields.others {
        let _ = write!(bytes, "{name}: {value}\r\n");
    }
    let framed = ["content-length", "transfer-encoding"];
    let is_framed = fields.others.iter().any(|(name, _)| framed.contains(&name.to_ascii_lowercase().as_str()));
    if !is_framed && (has_body || matches!(method, "POST" | "PUT" | "PATCH")) {
        let _ = write!(bytes, "Content-Length: {}\r\n", body.len());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// The state of a connection.
pub struct Http1 {
    flight: Option<Flight>,
    is_head: bool,
    wants_location: bool,
    state: State,
    status: u16,
    keeps: bool,
    location: Option<String>,
    /// A head whose end has not come.
    cut: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    Chunks(Chunk),
    UntilClose,
    Whole,
}

/// What a head says.
struct Head {
    length: usize,
    status: u16,
    state: State,
    keeps: bool,
    location: Option<String>,
}

impl Http1 {
    /// A connection without a request.
    pub fn new(wants_location: bool) -> Self {
        Self {
            flight: None,
            is_head: false,
            wants_location,
            state: State::Head,
            status: 0,
            keeps: true,
            location: None,
            cut: Vec::new(),
        }
    }

    /// Whether no request is on its way.
    pub fn is_idle(&self) -> bool {
        self.flight.is_none()
    }

    /// Whether the connection may carry a further request.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// Writes a request.
    pub fn begin(&mut self, request: &Prepared, flight: Flight, out: &mut Vec<u8>) {
        self.flight = Some(flight);
        self.is_head = request.method == "HEAD";
        self.state = State::Head;
        out.extend_from_slice(&request.head);
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// They are no response, or more than one.
    pub fn receive(&mut self, bytes: &[u8], done: &mut Vec<Done>) -> Result<(), Cause> {
        if self.flight.is_none() {
            self.keeps = false;
            return Err(Cause::Protocol);
        }
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Whole {
            rest = match self.state {
                State::Head => self.head(rest)?,
                State::Length(left) => self.counted(rest, left),
                State::Chunks(chunk) => self.chunks(rest, chunk)?,
                State::UntilClose | State::Whole => &[],
            };
        }
        if self.state == State::Whole {
            self.keeps &= rest.is_empty();
            self.finish(done);
        }
        Ok(())
    }

    /// The far side has closed.
    pub fn end(&mut self, done: &mut Vec<Done>) {
        self.keeps = false;
        if self.state == State::UntilClose {
            self.finish(done);
        }
    }

    /// Gives the request up when it was sent at or before `moment`.
    pub fn overdue(&mut self, moment: u64, done: &mut Vec<Done>) -> Overdue {
        match self.flight {
            Some(flight) if flight.sent <= moment => {
                self.keeps = false;
                self.abandon(Cause::Timeout, done);
                Overdue::Spoilt
            }
            _ => Overdue::Usable,
        }
    }

    /// Takes the request that is on its way.
    pub fn abandon(&mut self, cause: Cause, done: &mut Vec<Done>) {
        done.extend(self.flight.take().map(|flight| Done { flight, outcome: Err(cause) }));
    }

    fn finish(&mut self, done: &mut Vec<Done>) {
        let reply = Reply { status: Status::Http(self.status), location: self.location.take() };
        done.extend(self.flight.take().map(|flight| Done { flight, outcome: Ok(reply) }));
        self.state = State::Head;
    }

    /// Reads a head, or keeps what there is of it. Returns what follows.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Cause> {
        let kept = self.cut.len();
        let read = if kept == 0 {
            self.read_head(bytes)?
        } else {
            let mut whole = mem::take(&mut self.cut);
            whole.extend_from_slice(bytes);
            let read = self.read_head(&whole)?;
            self.cut = whole;
            read
        };
        let Some(head) = read else {
            if kept == 0 {
                self.cut.extend_from_slice(bytes);
            }
            return if self.cut.len() > LONGEST_HEAD { Err(Cause::Protocol) } else { Ok(&[]) };
        };
        self.cut.clear();
        self.state = head.state;
        self.status = head.status;
        self.keeps = head.keeps;
        self.location = head.location;
        Ok(&bytes[head.length - kept..])
    }

    fn read_head(&self, bytes: &[u8]) -> Result<Option<Head>, Cause> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => self.understand(&response, length).map(Some),
            Ok(httparse::Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                let mut fields = vec![httparse::EMPTY_HEADER; MANY_FIELDS];
                let mut response = httparse::Response::new(&mut fields);
                match response.parse(bytes) {
                    Ok(httparse::Status::Complete(length)) => self.understand(&response, length).map(Some),
                    Ok(httparse::Status::Partial) => Ok(None),
                    Err(_) => Err(Cause::Protocol),
                }
            }
            Err(_) => Err(Cause::Protocol),
        }
    }

    /// How long the body is, by the rules of RFC 9112, section 6.3.
    fn understand(&self, response: &httparse::Response<'_, '_>, length: usize) -> Result<Head, Cause> {
        let status = response.code.unwrap_or_default();
        if !(100..600).contains(&status) || status == 101 {
            return Err(Cause::Protocol);
        }
        let mut keeps = response.version == Some(1);
        let mut counted = None;
        let mut is_chunked = false;
        let mut is_coded = false;
        let mut location = None;
        for field in response.headers.iter() {
            match field.name.len() {
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    let value = number(field.value)?;
                    if counted.is_some_and(|known| known != value) {
                        return Err(Cause::Protocol);
                    }
                    counted = Some(value);
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    is_coded = true;
                    is_chunked = ends_with_token(field.value, b"chunked");
                }
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    keeps =
                        if keeps { !has_token(field.value, b"close") } else { has_token(field.value, b"keep-alive") };
                }
                8 if self.wants_location && field.name.eq_ignore_ascii_case("location") => {
                    location = Some(String::from_utf8_lossy(field.value).into_owned());
                }
                _ => {}
            }
        }
        let state = match (status, counted) {
            (100..200, _) => return Ok(Head { length, status, state: State::Head, keeps: true, location: None }),
            (204 | 304, _) => State::Whole,
            _ if self.is_head => State::Whole,
            _ if is_chunked => State::Chunks(Chunk::FIRST),
            _ if is_coded => State::UntilClose,
            (_, Some(0)) => State::Whole,
            (_, Some(count)) => State::Length(count),
            (_, None) => State::UntilClose,
        };
        Ok(Head { length, status, state, keeps: keeps && state != State::UntilClose, location })
    }

    fn counted<'a>(&mut self, bytes: &'a [u8], left: u64) -> &'a [u8] {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let left = left - here as u64;
        self.state = if left == 0 { State::Whole } else { State::Length(left) };
        &bytes[here..]
    }

    fn chunks<'a>(&mut self, bytes: &'a [u8], mut chunk: Chunk) -> Result<&'a [u8], Cause> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if let Chunk::Data { left } = chunk {
                let here = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                rest = &rest[here..];
                let left = left - here as u64;
                chunk = if left == 0 { Chunk::DataEnd { seen_return: false } } else { Chunk::Data { left } };
                continue;
            }
            rest = after;
            let Some(next) = chunk.next(*byte)? else {
                self.state = State::Whole;
                return Ok(rest);
            };
            chunk = next;
        }
        self.state = State::Chunks(chunk);
        Ok(rest)
    }
}

fn number(value: &[u8]) -> Result<u64, Cause> {
    let text = value.trim_ascii();
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return Err(Cause::Protocol);
    }
    Ok(text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn tokens(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    tokens(value).any(|part| part.eq_ignore_ascii_case(token))
}

fn ends_with_token(value: &[u8], token: &[u8]) -> bool {
    tokens(value).next_back().is_some_and(|part| part.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLIGHT: Flight = Flight { due: 1, sent: 2, target: 0, hops: 0 };

    fn request(method: &str) -> Prepared {
        Prepared {
            origin: 0,
            url: Url::parse("http://h/").unwrap(),
            method: method.to_owned(),
            head: b"x".to_vec(),
            again: Vec::new(),
            body: std::sync::Arc::default(),
        }
    }

    fn begun(method: &str) -> Http1 {
        let mut http1 = Http1::new(true);
        http1.begin(&request(method), FLIGHT, &mut Vec::new());
        http1
    }

    /// The status, whether the connection goes on, and whether it comes out the same byte by byte.
    fn whole(method: &str, text: &str) -> (u16, bool) {
        let mut results = Vec::new();
        for step in [text.len(), 1, 3] {
            let mut http1 = begun(method);
            let mut done = Vec::new();
            for part in text.as_bytes().chunks(step) {
                http1.receive(part, &mut done).unwrap();
            }
            let reply = done.pop().expect("a whole response").outcome.unwrap();
            let Status::Http(status) = reply.status else { panic!() };
            results.push((status, http1.keeps()));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results[0]
    }

    fn refused(text: &str) -> Cause {
        begun("GET").receive(text.as_bytes(), &mut Vec::new()).unwrap_err()
    }

    #[test]
    fn a_counted_body_ends_with_its_last_byte() {
        assert_eq!(whole("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), (200, true));
        assert_eq!(whole("GET", "HTTP/1.1 404 \r\ncontent-length: 0\r\nConnection: Close\r\n\r\n"), (404, false));
    }

    #[test]
    fn a_chunked_body_ends_with_its_trailer() {
        let body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n";
        assert_eq!(whole("GET", &format!("{body}0\r\n\r\n")), (200, true));
        assert_eq!(whole("GET", &format!("{body}0\r\nX: y\r\nZ: 1\r\n\r\n")), (200, true));
    }

    #[test]
    fn responses_without_a_body_end_with_their_head() {
        assert_eq!(whole("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), (200, true));
        assert_eq!(whole("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), (304, true));
        assert_eq!(whole("GET", "HTTP/1.1 204 No Content\r\n\r\n"), (204, true));
    }

    #[test]
    fn interim_responses_are_passed_over() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(whole("POST", text), (201, true));
    }

    #[test]
    fn a_body_without_length_ends_with_the_connection() {
        let mut http1 = begun("GET");
        let mut done = Vec::new();
        http1.receive(b"HTTP/1.0 200 OK\r\n\r\nabc", &mut done).unwrap();
        assert!(done.is_empty());
        http1.end(&mut done);
        assert!(done[0].outcome.is_ok() && !http1.keeps());
    }

    #[test]
    fn a_body_that_is_cut_is_no_response() {
        let mut http1 = begun("GET");
        let mut done = Vec::new();
        http1.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", &mut done).unwrap();
        http1.end(&mut done);
        assert!(done.is_empty());
        http1.abandon(Cause::Closed, &mut done);
        assert_eq!(done[0].outcome, Err(Cause::Closed));
    }

    #[test]
    fn old_servers_keep_a_connection_only_when_they_say_so() {
        assert_eq!(whole("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), (200, false));
        assert_eq!(whole("GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"), (200, true));
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for text in [
            "garbage\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "\0\0\u{12}\u{4}\0\0\0\0\0",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
            "HTTP/1.1 999 What\r\n\r\n",
        ] {
            assert_eq!(refused(text), Cause::Protocol, "{text}");
        }
    }

    #[test]
    fn bytes_after_a_response_end_the_connection() {
        assert_eq!(whole("HEAD", "HTTP/1.1 200 OK\r\n\r\n"), (200, true));
        let mut http1 = begun("GET");
        let mut done = Vec::new();
        http1.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", &mut done).unwrap();
        assert!(done[0].outcome.is_ok() && !http1.keeps());
        assert!(http1.receive(b"x", &mut done).is_err());
    }

    #[test]
    fn the_place_of_a_redirect_is_kept_for_who_follows() {
        let mut http1 = begun("GET");
        let mut done = Vec::new();
        http1.receive(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", &mut done).unwrap();
        assert_eq!(done[0].outcome.as_ref().unwrap().location.as_deref(), Some("/b"));
    }

    #[test]
    fn the_request_says_what_the_plan_says() {
        let plan: Plan = serde_json::from_str(
            r#"{"targets": [], "request": {"method": "POST", "headers": [{"name": "X-A", "value": "1"}],
                "cookies": {"a": "b", "c": "d"}, "content_type": "text/plain"}}"#,
        )
        .unwrap();
        let text = message(&plan, &Url::parse("http://h:81/p?q=1#f").unwrap(), "POST", b"hi");
        let agent = concat!("mesheryctl/", env!("CARGO_PKG_VERSION"));
        let wanted = format!(
            "POST /p?q=1 HTTP/1.1\r\nHost: h:81\r\nX-A: 1\r\nUser-Agent: {agent}\r\nCookie: a=b; c=d\r\n\
             Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
        );
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }
}
