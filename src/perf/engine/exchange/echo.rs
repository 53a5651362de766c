//! Bytes that come back as they went: over TCP as a stream, over UDP as one datagram.

use std::sync::Arc;

use super::super::recorder::{Flight, Status};
use super::super::site::Prepared;
use super::{Done, Overdue, Reply};
use crate::model::performance::result::Cause;

/// The state of a connection.
pub struct Echo {
    is_stream: bool,
    flight: Option<Flight>,
    body: Arc<[u8]>,
    /// How much of it came back.
    back: usize,
    keeps: bool,
}

impl Echo {
    /// A connection without a request. Of a stream every byte is compared; any datagram is an answer.
    pub fn new(is_stream: bool) -> Self {
        Self { is_stream, flight: None, body: Arc::default(), back: 0, keeps: true }
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
        self.body = Arc::clone(&request.body);
        self.back = 0;
        out.extend_from_slice(&request.body);
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// Nobody asked for them.
    pub fn receive(&mut self, bytes: &[u8], done: &mut Vec<Done>) -> Result<(), Cause> {
        if self.flight.is_none() {
            // a datagram that comes twice harms nobody
            return if self.is_stream { Err(Cause::Protocol) } else { Ok(()) };
        }
        let is_whole = !self.is_stream || self.back + bytes.len() >= self.body.len();
        if self.is_stream {
            let wanted = &self.body[self.back..];
            let compared = wanted.len().min(bytes.len());
            if wanted[..compared] != bytes[..compared] || compared < bytes.len() {
                self.keeps = false;
                self.abandon(Cause::Content, done);
                return Ok(());
            }
            self.back += compared;
        }
        if is_whole {
            let reply = Reply { status: Status::Plain, location: None };
            done.extend(self.flight.take().map(|flight| Done { flight, outcome: Ok(reply) }));
        }
        Ok(())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(is_stream: bool) -> Echo {
        let mut echo = Echo::new(is_stream);
        let request = Prepared {
            origin: 0,
            url: url::Url::parse("tcp://h:1").unwrap(),
            method: String::new(),
            head: Vec::new(),
            again: Vec::new(),
            body: b"hello"[..].into(),
        };
        echo.begin(&request, Flight { due: 0, sent: 0, target: 0, hops: 0 }, &mut Vec::new());
        echo
    }

    #[test]
    fn a_stream_is_whole_with_its_last_byte() {
        let mut echo = begun(true);
        let mut done = Vec::new();
        echo.receive(b"hel", &mut done).unwrap();
        assert!(done.is_empty());
        echo.receive(b"lo", &mut done).unwrap();
        assert!(done[0].outcome.is_ok() && echo.keeps());
        assert_eq!(echo.receive(b"x", &mut done), Err(Cause::Protocol));
    }

    #[test]
    fn other_bytes_are_no_echo() {
        for text in [&b"hexlo"[..], b"hello again"] {
            let mut echo = begun(true);
            let mut done = Vec::new();
            echo.receive(text, &mut done).unwrap();
            assert_eq!((done[0].outcome.clone(), echo.keeps()), (Err(Cause::Content), false));
        }
    }

    #[test]
    fn any_datagram_is_an_answer() {
        let mut echo = begun(false);
        let mut done = Vec::new();
        echo.receive(b"", &mut done).unwrap();
        assert!(done[0].outcome.is_ok());
        echo.receive(b"twice", &mut done).unwrap();
        assert_eq!(done.len(), 1);
    }
}
