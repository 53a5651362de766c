//! HTTP/2 (RFC 9113) and gRPC over it: several requests at once on one connection. A frame layer of its own: the header
//! block of a request is written once, and of responses nothing is kept but what says how they ended.

mod frame;
mod receive;
mod request;

use std::sync::Arc;

use frame::{flag, kind, setting};
pub use request::prepare;

use super::super::recorder::{Flight, Status};
use super::super::site::Prepared;
use super::{Done, Overdue, Reply, grpc, hpack};
use crate::model::performance::plan::{Plan, Protocol};
use crate::model::performance::result::Cause;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest payload that we accept: the standard's default, which our settings leave as it is.
const LONGEST_FRAME: usize = 16_384;
/// The longest block of fields that we accept.
const LONGEST_BLOCK: usize = 256 * 1024;
/// Window of every stream and of the connection: so large that nobody waits for it.
const WINDOW: u32 = (1 << 30) - 1;
const FIRST_WINDOW: i64 = 65_535;
const LAST_STREAM: u32 = (1 << 31) - 3;

/// `RST_STREAM` with this code says that nobody waits for the answer.
const CANCEL: u32 = 8;

/// The state of a connection.
pub struct Http2 {
    protocol: Protocol,
    wants_location: bool,
    /// Requests at once that the plan wants.
    wanted: u32,
    streams: Vec<Stream>,
    next: u32,
    has_settings: bool,
    keeps: bool,
    peer: Peer,
    /// What the far side's table of our fields holds.
    table: Table,
    /// Bytes that we may send on the connection.
    window: i64,
    /// Bytes that were received on the connection since the window was opened.
    consumed: u32,
    /// Counts what was received at all.
    heard: u64,
    /// A frame whose end has not come.
    cut: Vec<u8>,
    /// A block of fields whose end has not come, its stream, and whether the stream ends with it.
    block: Option<(u32, bool, Vec<u8>)>,
}

/// What the far side allows.
struct Peer {
    streams: u32,
    window: i64,
    frame: usize,
}

/// What the far side keeps of the fields that it was told.
struct Table {
    /// Its size in bytes.
    size: usize,
    /// Whether the far side has yet to hear that it is smaller now.
    has_shrunk: bool,
    /// The request that was told last.
    told: Option<u32>,
}

struct Stream {
    id: u32,
    flight: Flight,
    status: Option<u16>,
    location: Option<String>,
    body: Arc<[u8]>,
    sent: usize,
    /// Bytes that we may send.
    window: i64,
    consumed: u32,
    /// What had been heard on the connection when the request was sent.
    heard: u64,
    /// The begin of the response's body, where it says whether it is a good one.
    message: Vec<u8>,
}

impl Http2 {
    /// A connection without requests.
    pub fn new(plan: &Plan) -> Self {
        Self {
            protocol: plan.protocol,
            wants_location: plan.redirects > 0,
            wanted: plan.streams,
            streams: Vec::new(),
            next: 1,
            has_settings: false,
            keeps: true,
            peer: Peer { streams: u32::MAX, window: FIRST_WINDOW, frame: LONGEST_FRAME },
            table: Table { size: request::TABLE, has_shrunk: false, told: None },
            window: FIRST_WINDOW,
            consumed: 0,
            heard: 0,
            cut: Vec::new(),
            block: None,
        }
    }

    /// Preface, settings, and a large window.
    pub fn greet(out: &mut Vec<u8>) {
        out.extend_from_slice(PREFACE);
        let settings =
            [(setting::HEADER_TABLE_SIZE, 0), (setting::ENABLE_PUSH, 0), (setting::INITIAL_WINDOW_SIZE, WINDOW)];
        let mut payload = Vec::with_capacity(6 * settings.len());
        for (name, value) in settings {
            payload.extend_from_slice(&name.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        frame::write(kind::SETTINGS, 0, 0, &payload, out);
        frame::write(kind::WINDOW_UPDATE, 0, 0, &(WINDOW - 65_535).to_be_bytes(), out);
    }

    /// Whether the far side has said what it allows.
    pub fn is_ready(&self) -> bool {
        self.has_settings
    }

    /// Requests at once.
    pub fn lanes(&self) -> u32 {
        self.wanted.min(self.peer.streams)
    }

    /// Whether a further request may be sent now.
    pub fn has_room(&self) -> bool {
        self.keeps && self.streams.len() < self.lanes() as usize
    }

    /// Whether the connection may carry further requests.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// Requests on their way.
    pub fn in_flight(&self) -> usize {
        self.streams.len()
    }

    /// Writes a request.
    pub fn begin(&mut self, request: &Prepared, flight: Flight, out: &mut Vec<u8>) {
        let id = self.next;
        self.next += 2;
        self.keeps &= id < LAST_STREAM;
        let has_body = !request.body.is_empty();
        let end = if has_body { 0 } else { flag::END_STREAM };
        self.head(id, (request, flight.target), end, out);
        self.streams.push(Stream {
            id,
            flight,
            status: None,
            location: None,
            body: Arc::clone(&request.body),
            sent: 0,
            window: self.peer.window,
            consumed: 0,
            heard: self.heard,
            message: Vec::new(),
        });
        if has_body {
            self.pump(self.streams.len() - 1, out);
        }
    }

    /// Writes the fields of a request: in full, or by reference to those of the one before.
    fn head(&mut self, id: u32, (request, target): (&Prepared, u32), end: u8, out: &mut Vec<u8>) {
        let is_told = self.table.told == Some(target);
        if is_told && request.again.len() <= self.peer.frame {
            return frame::write(kind::HEADERS, flag::END_HEADERS | end, id, &request.again, out);
        }
        self.table.told = (self.table.size >= request::TABLE).then_some(target);
        let mut resized = Vec::new();
        if std::mem::take(&mut self.table.has_shrunk) {
            hpack::resize(self.table.size, &mut resized);
            resized.extend_from_slice(&request.head);
        }
        let block = if resized.is_empty() { &request.head } else { &resized };
        let mut parts = block.chunks(self.peer.frame).peekable();
        let mut kind = kind::HEADERS;
        while let Some(part) = parts.next() {
            let last = if parts.peek().is_none() { flag::END_HEADERS } else { 0 };
            let end = if kind == kind::HEADERS { end } else { 0 };
            frame::write(kind, last | end, id, part, out);
            kind = kind::CONTINUATION;
        }
    }

    /// Sends as much of a body as the far side's windows allow.
    fn pump(&mut self, at: usize, out: &mut Vec<u8>) {
        let stream = &mut self.streams[at];
        while stream.sent < stream.body.len() {
            let allowed = usize::try_from(self.window.min(stream.window)).unwrap_or(0);
            let length = (stream.body.len() - stream.sent).min(self.peer.frame).min(allowed);
            if length == 0 {
                return;
            }
            let end = stream.sent + length;
            let flags = if end == stream.body.len() { flag::END_STREAM } else { 0 };
            frame::write(kind::DATA, flags, stream.id, &stream.body[stream.sent..end], out);
            stream.sent = end;
            // a frame's length has 24 bits
            let used = i64::try_from(length).unwrap_or(0);
            stream.window -= used;
            self.window -= used;
        }
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.streams.iter().position(|stream| stream.id == id)
    }

    /// A response is whole.
    fn finish(&mut self, at: usize, code: Option<u8>, out: &mut Vec<u8>, done: &mut Vec<Done>) {
        let stream = &self.streams[at];
        let id = stream.id;
        if stream.sent < stream.body.len() {
            // answered before the whole body was sent: the rest is not wanted
            frame::write(kind::RST_STREAM, 0, id, &CANCEL.to_be_bytes(), out);
        }
        let http = stream.status.unwrap_or_default();
        let outcome = match self.protocol {
            Protocol::Http2 => Ok(Status::Http(http)),
            protocol => grpc::outcome(protocol, http, code, &stream.message),
        };
        let location = self.streams[at].location.take();
        self.close(id, outcome.map(|status| Reply { status, location }), done);
    }

    fn close(&mut self, id: u32, outcome: Result<Reply, Cause>, done: &mut Vec<Done>) {
        if let Some(at) = self.position(id) {
            let flight = self.streams.swap_remove(at).flight;
            done.push(Done { flight, outcome });
        }
    }

    /// Gives up what was sent at or before `moment`. Streams are apart, so that the connection goes on, but where nothing
    /// at all came since one of them was sent: then nobody is there any more.
    pub fn overdue(&mut self, moment: u64, out: &mut Vec<u8>, done: &mut Vec<Done>) -> Overdue {
        let late = self.streams.iter().filter(|stream| stream.flight.sent <= moment);
        let is_silent = late.clone().any(|stream| stream.heard == self.heard);
        let late: Vec<u32> = late.map(|stream| stream.id).collect();
        for id in late {
            frame::write(kind::RST_STREAM, 0, id, &CANCEL.to_be_bytes(), out);
            self.close(id, Err(Cause::Timeout), done);
        }
        if is_silent { Overdue::Spoilt } else { Overdue::Usable }
    }

    /// Takes every request that is on its way.
    pub fn abandon(&mut self, cause: Cause, done: &mut Vec<Done>) {
        done.extend(self.streams.drain(..).map(|stream| Done { flight: stream.flight, outcome: Err(cause) }));
    }
}

/// Counts received bytes, and opens the window again when half of it is used.
fn open_window(consumed: &mut u32, length: u32, stream: u32, out: &mut Vec<u8>) {
    *consumed += length;
    if *consumed >= WINDOW / 2 {
        frame::write(kind::WINDOW_UPDATE, 0, stream, &consumed.to_be_bytes(), out);
        *consumed = 0;
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn plan(protocol: Protocol, streams: u32) -> Plan {
        Plan { protocol, streams, ..Plan::default() }
    }

    fn flight(sent: u64) -> Flight {
        Flight { due: sent, sent, target: 0, hops: 0 }
    }

    fn request(plan: &Plan, url: &str, body: &[u8]) -> Prepared {
        let url = Url::parse(url).unwrap();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let super::super::Message { head, again, body } = prepare(plan, &url, method, body);
        Prepared { origin: 0, url, method: method.to_owned(), head, again, body }
    }

    /// A connection that has the far side's settings, and `count` requests on their way.
    fn begun(plan: &Plan, body: &[u8], count: u64) -> Http2 {
        let mut http2 = Http2::new(plan);
        let mut out = Vec::new();
        http2.receive(&bytes(kind::SETTINGS, 0, 0, &[]), &mut out, &mut Vec::new()).unwrap();
        let request = request(plan, "grpc://h:1/s.S/M", body);
        (0..count).for_each(|sent| http2.begin(&request, flight(sent), &mut out));
        http2
    }

    fn bytes(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame::write(kind, flags, stream, payload, &mut out);
        out
    }

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            hpack::write(hpack::Keeping::Nowhere, name.as_bytes(), value.as_bytes(), &mut block);
        }
        block
    }

    const HEAD: u8 = flag::END_HEADERS;
    const WHOLE: u8 = flag::END_HEADERS | flag::END_STREAM;

    /// Feeds bytes whole, and one by one, and wants the same outcome.
    fn outcomes(plan: &Plan, count: u64, text: &[u8]) -> Vec<(u64, Result<Status, Cause>)> {
        let mut all = Vec::new();
        for step in [text.len(), 1] {
            let mut http2 = begun(plan, b"", count);
            let mut done = Vec::new();
            text.chunks(step).for_each(|part| http2.receive(part, &mut Vec::new(), &mut done).unwrap());
            let brief = |done: Done| (done.flight.sent, done.outcome.map(|reply| reply.status));
            all.push(done.into_iter().map(brief).collect::<Vec<_>>());
        }
        assert_eq!(all[0], all[1]);
        all.swap_remove(0)
    }

    #[test]
    fn responses_find_their_requests_in_any_order() {
        let mut text = bytes(kind::HEADERS, HEAD, 3, &block(&[(":status", "200")]));
        text.extend(bytes(kind::HEADERS, WHOLE, 1, &block(&[(":status", "404")])));
        text.extend(bytes(kind::DATA, flag::END_STREAM | flag::PADDED, 3, &[2, b'x', 0, 0]));
        let outcomes = outcomes(&plan(Protocol::Http2, 2), 2, &text);
        assert_eq!(outcomes, [(0, Ok(Status::Http(404))), (1, Ok(Status::Http(200)))]);
    }

    #[test]
    fn a_block_may_come_in_parts_and_after_an_interim_response() {
        let mut text = bytes(kind::HEADERS, HEAD, 1, &block(&[(":status", "103")]));
        let head = block(&[(":status", "500"), ("x", "y")]);
        text.extend(bytes(kind::HEADERS, flag::END_STREAM | flag::PRIORITY, 1, &[&[0; 5], &head[..4]].concat()));
        text.extend(bytes(kind::CONTINUATION, flag::END_HEADERS, 1, &head[4..]));
        assert_eq!(outcomes(&plan(Protocol::Http2, 1), 1, &text), [(0, Ok(Status::Http(500)))]);
    }

    #[test]
    fn the_status_of_a_call_stands_after_its_body() {
        let mut text = bytes(kind::HEADERS, HEAD, 1, &block(&[(":status", "200")]));
        text.extend(bytes(kind::DATA, 0, 1, &[0; 5]));
        text.extend(bytes(kind::HEADERS, WHOLE, 1, &block(&[("grpc-status", "0")])));
        text.extend(bytes(kind::HEADERS, WHOLE, 3, &block(&[(":status", "200"), ("grpc-status", "14")])));
        text.extend(bytes(kind::HEADERS, WHOLE, 5, &block(&[(":status", "503")])));
        let outcomes = outcomes(&plan(Protocol::Grpc, 3), 3, &text);
        assert_eq!(outcomes, [(0, Ok(Status::Grpc(0))), (1, Ok(Status::Grpc(14))), (2, Ok(Status::Grpc(14)))]);
    }

    #[test]
    fn a_refused_stream_fails_alone() {
        let mut text = bytes(kind::RST_STREAM, 0, 1, &7_u32.to_be_bytes());
        text.extend(bytes(kind::HEADERS, WHOLE, 3, &[0x88]));
        let outcomes = outcomes(&plan(Protocol::Http2, 2), 2, &text);
        assert_eq!(outcomes, [(0, Err(Cause::Stream)), (1, Ok(Status::Http(200)))]);
    }

    #[test]
    fn after_going_away_only_what_was_read_is_answered() {
        let mut http2 = begun(&plan(Protocol::Http2, 2), b"", 2);
        let mut done = Vec::new();
        let away = bytes(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
        http2.receive(&away, &mut Vec::new(), &mut done).unwrap();
        assert_eq!((done.len(), done[0].flight.sent, http2.in_flight()), (1, 1, 1));
        assert!(!http2.keeps() && !http2.has_room());
    }

    #[test]
    fn pings_and_settings_are_answered() {
        let mut http2 = begun(&plan(Protocol::Http2, 5), b"", 0);
        let mut out = Vec::new();
        http2.receive(&bytes(kind::PING, 0, 0, b"12345678"), &mut out, &mut Vec::new()).unwrap();
        assert_eq!(out, bytes(kind::PING, flag::ACK, 0, b"12345678"));
        out.clear();
        http2.receive(&bytes(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 2]), &mut out, &mut Vec::new()).unwrap();
        assert_eq!(out, bytes(kind::SETTINGS, flag::ACK, 0, &[]));
        assert_eq!(http2.lanes(), 2);
    }

    #[test]
    fn a_body_waits_for_the_far_sides_window() {
        let plan = plan(Protocol::Http2, 1);
        let mut http2 = begun(&plan, b"", 0);
        let mut out = Vec::new();
        http2.begin(&request(&plan, "http://h/", &vec![b'x'; 100_000]), flight(0), &mut out);
        assert!((65_535..70_000).contains(&out.len()), "{}", out.len());
        out.clear();
        let more = |stream| bytes(kind::WINDOW_UPDATE, 0, stream, &50_000_u32.to_be_bytes());
        http2.receive(&more(1), &mut out, &mut Vec::new()).unwrap();
        assert!(out.is_empty(), "the connection's window is still closed");
        http2.receive(&more(0), &mut out, &mut Vec::new()).unwrap();
        let data: usize = 100_000 - 65_535;
        assert_eq!(out.len(), data + data.div_ceil(LONGEST_FRAME) * frame::HEAD);
    }

    #[test]
    fn a_late_request_is_cancelled_and_its_answer_ignored() {
        let mut http2 = begun(&plan(Protocol::Http2, 2), b"", 2);
        let (mut out, mut done) = (Vec::new(), Vec::new());
        http2.receive(&bytes(kind::SETTINGS, flag::ACK, 0, &[]), &mut out, &mut done).unwrap();
        assert_eq!(http2.overdue(0, &mut out, &mut done), Overdue::Usable);
        assert_eq!(out, bytes(kind::RST_STREAM, 0, 1, &CANCEL.to_be_bytes()));
        assert_eq!((done.len(), done[0].outcome.clone()), (1, Err(Cause::Timeout)));
        http2.receive(&bytes(kind::HEADERS, WHOLE, 1, &[0x88]), &mut out, &mut done).unwrap();
        assert_eq!((done.len(), http2.in_flight()), (1, 1));
    }

    #[test]
    fn a_connection_is_given_up_when_nothing_came_for_a_whole_timeout() {
        let plan = plan(Protocol::Http2, 3);
        let mut http2 = begun(&plan, b"", 2);
        let (mut out, mut done) = (Vec::new(), Vec::new());
        http2.receive(&bytes(kind::HEADERS, WHOLE, 1, &[0x88]), &mut out, &mut done).unwrap();
        http2.begin(&request(&plan, "http://h/", b""), flight(5), &mut out);
        assert_eq!(http2.overdue(4, &mut out, &mut done), Overdue::Usable, "another answer came after it was sent");
        assert_eq!(http2.overdue(4, &mut out, &mut done), Overdue::Usable, "the last one has time left");
        assert_eq!(http2.overdue(5, &mut out, &mut done), Overdue::Spoilt);
        assert_eq!((done.len(), http2.in_flight()), (3, 0));
    }

    #[test]
    fn what_is_no_http2_is_refused() {
        let fresh = |text: &[u8]| Http2::new(&plan(Protocol::Http2, 1)).receive(text, &mut Vec::new(), &mut Vec::new());
        assert_eq!(fresh(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Err(Cause::Protocol));
        assert_eq!(fresh(&bytes(kind::PING, 0, 0, &[0; 8])), Err(Cause::Protocol));
        let begun =
            |text: &[u8]| begun(&plan(Protocol::Http2, 1), b"", 1).receive(text, &mut Vec::new(), &mut Vec::new());
        for text in [
            bytes(kind::DATA, 0, 1, b"before its head"),
            bytes(kind::DATA, 0, 99, b"of no request"),
            bytes(kind::CONTINUATION, 0, 1, b""),
            bytes(kind::HEADERS, WHOLE, 1, &[0xbe]),
            bytes(kind::PUSH_PROMISE, 0, 1, &[0; 8]),
        ] {
            assert_eq!(begun(&text), Err(Cause::Protocol), "{text:?}");
        }
    }

    /// The blocks of two requests and of one to another target.
    fn blocks_after(settings: &[u8]) -> Vec<Vec<u8>> {
        let plan = plan(Protocol::Http2, 3);
        let mut http2 = Http2::new(&plan);
        http2.receive(&bytes(kind::SETTINGS, 0, 0, settings), &mut Vec::new(), &mut Vec::new()).unwrap();
        let (one, other) = (request(&plan, "http://h/one", b""), request(&plan, "http://h/other", b""));
        [(&one, 0), (&one, 0), (&other, 1)]
            .into_iter()
            .map(|(request, target)| {
                let mut out = Vec::new();
                http2.begin(request, Flight { target, ..flight(0) }, &mut out);
                out.split_off(frame::HEAD)
            })
            .collect()
    }

    #[test]
    fn a_far_side_is_told_the_fields_of_a_request_once() {
        let blocks = blocks_after(&[]);
        assert!(blocks[0].windows(4).any(|part| part == b"/one"));
        assert!(blocks[1].iter().all(|byte| *byte >= 0x80), "{:?}", blocks[1]);
        assert!(blocks[2].windows(6).any(|part| part == b"/other"));
    }

    #[test]
    fn a_far_side_without_a_table_hears_that_it_is_not_used_and_every_field_each_time() {
        let blocks = blocks_after(&[0, 1, 0, 0, 0, 0]);
        assert_eq!(blocks[0][0], 0x20);
        assert_eq!(blocks[0][1..], blocks[1]);
    }
}
