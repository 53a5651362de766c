//! What one thread counts. Everything merges by addition, so that the result of several threads is that of one.

use std::mem;

use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Bytes, Cause, Requests};
use crate::perf::control::Detail;

/// Statuses of HTTP are counted below this.
const STATUSES: usize = 1000;
/// gRPC has so many codes.
pub const GRPC_CODES: usize = 17;
/// Classes of statuses: 1xx to 5xx, ok, error.
pub const CLASSES: [&str; 7] = ["1xx", "2xx", "3xx", "4xx", "5xx", "ok", "error"];
const OK: usize = 5;
const ERROR: usize = 6;
/// Length of an interval in nanoseconds.
pub const INTERVAL: u64 = 1_000_000_000;

/// The status of a whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Three digits of HTTP.
    Http(u16),
    /// A code of gRPC.
    Grpc(u8),
    /// A protocol without statuses.
    Plain,
}

impl Status {
    /// Whether it is a good one.
    pub fn is_good(self) -> bool {
        match self {
            Self::Http(code) => code < 400,
            Self::Grpc(code) => code == 0,
            Self::Plain => true,
        }
    }

    fn class(self) -> usize {
        match self {
            Self::Http(code) => usize::from(code / 100).clamp(1, 5) - 1,
            _ if self.is_good() => OK,
            _ => ERROR,
        }
    }
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// When it was due, in nanoseconds of the run's clock. Before the measurement's begin, it counts nowhere.
    pub due: u64,
    /// When it was sent.
    pub sent: u64,
    /// Where it goes: the number of a target.
    pub target: u32,
    /// Redirects it has followed.
    pub hops: u32,
}

/// Counts of one interval.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Its number from the measurement's begin.
    pub index: u64,
    /// Requests sent.
    pub sent: u64,
    /// Good responses.
    pub succeeded: u64,
    /// Failed requests.
    pub failed: u64,
    /// Dropped requests.
    pub dropped: u64,
    /// Response times.
    pub response: Histogram,
    /// What the thread counted from the begin to the end of this interval, where somebody wants to know.
    pub detail: Option<Box<Detail>>,
}

impl Part {
    /// Whether nothing happened in it.
    pub fn is_empty(&self) -> bool {
        self.sent + self.succeeded + self.failed + self.dropped == 0
    }
}

/// Counts of one thread.
pub struct Recorder {
    /// When the measurement begins, in nanoseconds of the run's clock.
    pub start: u64,
    is_open: bool,
    /// Requests.
    pub requests: Requests,
    /// Responses by status of HTTP.
    pub http: Box<[u64]>,
    /// Responses by code of gRPC.
    pub grpc: [u64; GRPC_CODES],
    /// Responses without status.
    pub plain: u64,
    /// Failures by cause.
    pub errors: [u64; Cause::ALL.len()],
    /// Connections opened.
    pub opened: u64,
    /// Attempts that failed.
    pub refused: u64,
    /// Closed by the far side.
    pub closed_by_peer: u64,
    /// How long connecting took.
    pub connect: Histogram,
    /// Bytes.
    pub bytes: Bytes,
    /// From send to last byte.
    pub service: Histogram,
    /// From due to sent.
    pub slip: Histogram,
    /// Response times by class, in the order of [`CLASSES`].
    pub classes: [Option<Box<Histogram>>; CLASSES.len()],
    /// The interval that is not over.
    pub part: Part,
    /// When the last request ended.
    pub last: u64,
    /// When the plan's time is over, as far as it is known.
    pub end: u64,
    /// Requests that ended after that.
    pub late: u64,
    /// How much later they did, in nanoseconds, all together.
    pub overtime: u64,
}

impl Recorder {
    /// Empty counts. `is_open` says whether response times count from the moment a request was due.
    pub fn new(is_open: bool) -> Self {
        Self {
            start: u64::MAX,
            is_open,
            requests: Requests::default(),
            http: vec![0; STATUSES].into(),
            grpc: [0; GRPC_CODES],
            plain: 0,
            errors: [0; Cause::ALL.len()],
            opened: 0,
            refused: 0,
            closed_by_peer: 0,
            connect: Histogram::new(),
            bytes: Bytes::default(),
            service: Histogram::new(),
            slip: Histogram::new(),
            classes: [const { None }; CLASSES.len()],
            part: Part::default(),
            last: 0,
            end: u64::MAX,
            late: 0,
            overtime: 0,
        }
    }

    /// Begins the measurement: all counts are forgotten but those of connections.
    pub fn begin(&mut self, start: u64) {
        self.start = start;
        self.bytes = Bytes::default();
        self.last = start;
    }

    fn counts(&self, flight: &Flight) -> bool {
        flight.due >= self.start
    }

    /// A request is begun.
    pub fn sent(&mut self, flight: &Flight) {
        if self.counts(flight) {
            self.requests.sent += 1;
            self.part.sent += 1;
        }
    }

    /// A request went out that nothing but the generator had kept.
    pub fn slipped(&mut self, flight: &Flight) {
        if self.counts(flight) && self.is_open {
            self.slip.record_ns(flight.sent.saturating_sub(flight.due));
        }
    }

    /// A request is due and will not be sent.
    pub fn dropped(&mut self, due: u64) {
        if due >= self.start {
            self.requests.dropped += 1;
            self.part.dropped += 1;
        }
    }

    /// A response is whole.
    pub fn answered(&mut self, flight: &Flight, status: Status, now: u64) {
        if !self.counts(flight) {
            return;
        }
        self.ended(now);
        match status {
            Status::Http(code) => self.http[usize::from(code).min(STATUSES - 1)] += 1,
            Status::Grpc(code) => self.grpc[usize::from(code).min(GRPC_CODES - 1)] += 1,
            Status::Plain => self.plain += 1,
        }
        let response = now.saturating_sub(flight.due);
        self.part.response.record_ns(response);
        if self.is_open {
            self.service.record_ns(now.saturating_sub(flight.sent));
        }
        self.classes[status.class()].get_or_insert_default().record_ns(response);
        if status.is_good() {
            self.requests.succeeded += 1;
            self.part.succeeded += 1;
        } else {
            self.fail(Cause::Status);
        }
    }

    /// A request has no response, or none that counts.
    pub fn failed(&mut self, flight: &Flight, cause: Cause, now: u64) {
        if self.counts(flight) {
            self.ended(now);
            self.fail(cause);
        }
    }

    fn ended(&mut self, now: u64) {
        self.last = now;
        if now > self.end {
            self.late += 1;
            self.overtime += now - self.end;
        }
    }

    fn fail(&mut self, cause: Cause) {
        self.errors[cause as usize] += 1;
        self.requests.failed += 1;
        self.part.failed += 1;
    }

    /// Takes the interval that is over at the moment `now` and begins the next one; none while it is not over.
    pub fn turn(&mut self, now: u64) -> Option<Part> {
        let reached = now.checked_sub(self.start)? / INTERVAL;
        let index = self.part.index + 1;
        (reached >= index).then(|| mem::replace(&mut self.part, Part { index, ..Part::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(due: u64, sent: u64) -> Flight {
        Flight { due, sent, target: 0, hops: 0 }
    }

    #[test]
    fn the_warm_up_counts_nowhere() {
        let mut recorder = Recorder::new(true);
        recorder.begin(1_000);
        let early = flight(999, 999);
        recorder.sent(&early);
        recorder.slipped(&early);
        recorder.answered(&early, Status::Http(200), 5_000);
        recorder.failed(&early, Cause::Reset, 5_000);
        recorder.dropped(999);
        assert_eq!(recorder.requests, Requests::default());
        assert!(recorder.service.is_empty() && recorder.slip.is_empty() && recorder.part.response.is_empty());
    }

    #[test]
    fn response_time_counts_from_the_moment_due() {
        let mut recorder = Recorder::new(true);
        recorder.begin(0);
        recorder.answered(&flight(100, 1_000), Status::Http(503), 1_100);
        assert_eq!((recorder.part.response.max_ns(), recorder.service.max_ns()), (1_000, 100));
        assert_eq!((recorder.requests.failed, recorder.errors[Cause::Status as usize]), (1, 1));
        assert!(recorder.classes[4].is_some());
    }

    #[test]
    fn an_interval_is_given_away_once_it_is_over() {
        let mut recorder = Recorder::new(false);
        recorder.begin(50);
        recorder.sent(&flight(60, 60));
        assert!(recorder.turn(INTERVAL).is_none());
        let part = recorder.turn(INTERVAL + 50).unwrap();
        assert_eq!((part.index, part.sent), (0, 1));
        assert_eq!(recorder.part.index, 1);
    }
}
