//! One connection with its socket, its protocol and what it still has to say; and the connections to one origin.

use std::collections::VecDeque;

use super::exchange::Exchange;
use super::recorder::Flight;
use super::transport::Transport;
use crate::model::performance::result::Cause;

/// The first pause after a connection that failed, in nanoseconds.
const FIRST_PAUSE: u64 = 5_000_000;
/// The longest pause.
const LONGEST_PAUSE: u64 = 250_000_000;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Closed, and opened again at that moment.
    Down {
        /// In nanoseconds of the run's clock.
        until: u64,
    },
    /// Closed, and opened for the request that needs it.
    Asleep,
    /// The system connects.
    Connecting,
    /// TLS is agreed on.
    Securing,
    /// The far side has to speak first.
    Greeting,
    /// Requests can be sent.
    Ready,
}

/// A connection, or the place of one.
pub struct Connection {
    /// Number of its pool, which is its origin's.
    pub pool: usize,
    /// How far it is.
    pub state: State,
    /// Its socket.
    pub transport: Option<Transport>,
    /// Its protocol.
    pub exchange: Exchange,
    /// What has to be sent.
    pub out: Vec<u8>,
    /// How much of that is sent.
    pub written: usize,
    /// Counts its sockets, so that what is known of an earlier one is not taken for this one's.
    pub generation: u32,
    /// When connecting began.
    pub since: u64,
    /// Requests that it may still carry.
    pub uses: u32,
    /// Failures since the last response.
    pub failures: u32,
    /// Whether this socket has brought a response.
    pub has_answered: bool,
    /// Whether the far side has closed this socket.
    pub has_ended: bool,
    /// The request that it is opened for.
    pub assigned: Option<Flight>,
}

impl Connection {
    /// The place of a connection.
    pub fn new(pool: usize, exchange: Exchange, state: State) -> Self {
        Self {
            pool,
            state,
            transport: None,
            exchange,
            out: Vec::new(),
            written: 0,
            generation: 0,
            since: 0,
            uses: 0,
            failures: 0,
            has_answered: false,
            has_ended: false,
            assigned: None,
        }
    }

    /// Whether a request can be handed to it now.
    pub fn is_free(&self) -> bool {
        match self.state {
            State::Asleep => true,
            State::Ready => self.is_usable() && self.exchange.has_room(),
            _ => false,
        }
    }

    /// Whether it may carry further requests, now or later.
    pub fn is_usable(&self) -> bool {
        self.state == State::Ready && self.uses > 0 && self.exchange.keeps()
    }

    /// Whether it is being opened.
    pub fn is_opening(&self) -> bool {
        matches!(self.state, State::Connecting | State::Securing | State::Greeting)
    }

    /// Whether it is open, being opened, or opened on demand.
    pub fn is_up(&self) -> bool {
        !matches!(self.state, State::Down { .. })
    }

    /// Sends what there is to be sent, as far as the system takes it. Returns how many bytes that were.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn flush(&mut self) -> Result<u64, Cause> {
        let Some(transport) = &mut self.transport else { return Ok(0) };
        if self.out.is_empty() {
            transport.push()?;
            return Ok(0);
        }
        let before = self.written;
        while self.written < self.out.len() {
            match transport.send(&self.out[self.written..])? {
                0 => return Ok((self.written - before) as u64),
                count => self.written += count,
            }
        }
        let sent = (self.written - before) as u64;
        self.out.clear();
        self.written = 0;
        Ok(sent)
    }

    /// Closes the socket. What is known of it counts no more.
    pub fn close(&mut self, exchange: Exchange) {
        self.transport = None;
        self.exchange = exchange;
        self.out.clear();
        self.written = 0;
        self.has_ended = false;
        self.generation = self.generation.wrapping_add(1);
    }

    /// How long to wait before the next attempt, in nanoseconds: longer from failure to failure.
    pub fn pause(&self) -> u64 {
        match self.failures {
            0 => 0,
            failures => (FIRST_PAUSE << (failures - 1).min(8)).min(LONGEST_PAUSE),
        }
    }
}

/// A request that waits for a connection.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// When it was due.
    pub due: u64,
    /// When it was sent, where it has been: it follows a redirect.
    pub sent: Option<u64>,
    /// Where it goes.
    pub target: u32,
    /// Redirects it has followed.
    pub hops: u32,
}

/// Connections to one origin, and the requests that wait for one.
pub struct Pool {
    /// Free places for a request: the connection and its generation. The one that is free longest is taken first.
    pub lanes: VecDeque<(u32, u32)>,
    /// Requests in the order in which they were due.
    pub queue: VecDeque<Waiting>,
    /// Connections that are open, being opened, or opened on demand.
    pub up: u32,
    /// Connections in all.
    pub size: u32,
    /// Connections that there may be.
    pub limit: u32,
    /// Why the last connection could not be opened or broke.
    pub cause: Cause,
}

impl Pool {
    /// A pool without connections.
    pub fn new(limit: u32) -> Self {
        Self { lanes: VecDeque::new(), queue: VecDeque::new(), up: 0, size: 0, limit, cause: Cause::Other }
    }
}

/// Divides `whole` by weights, so that the parts add up and nobody gets nothing: where there are more shares than parts,
/// each gets one.
pub fn divide(whole: u32, weights: &[u64]) -> Vec<u32> {
    let sum: u64 = weights.iter().sum::<u64>().max(1);
    let mut parts: Vec<u32> = weights
        .iter()
        .map(|weight| u32::try_from(u64::from(whole) * weight / sum).unwrap_or(u32::MAX).max(1))
        .collect();
    let mut given: u32 = parts.iter().sum();
    while given < whole {
        // the one that is furthest below its share
        let least = (0..parts.len()).min_by_key(|at| u64::from(parts[*at]) * sum / weights[*at].max(1)).unwrap_or(0);
        parts[least] += 1;
        given += 1;
    }
    while given > whole && parts.iter().any(|part| *part > 1) {
        let most = (0..parts.len()).max_by_key(|at| parts[*at]).unwrap_or(0);
        parts[most] -= 1;
        given -= 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_divided_by_weight_and_nobody_gets_none() {
        assert_eq!(divide(10, &[1]), [10]);
        assert_eq!(divide(10, &[1, 1, 1]).iter().sum::<u32>(), 10);
        assert_eq!(divide(8, &[3, 1]), [6, 2]);
        assert_eq!(divide(4, &[1000, 1]), [3, 1]);
        assert_eq!(divide(1, &[1, 1]), [1, 1]);
    }
}
