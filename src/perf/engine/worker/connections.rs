//! The life of connections: opened, agreed on, lost, opened again.

use super::super::connection::{Connection, State};
use super::super::exchange::{Exchange, Overdue};
use super::super::poll::Ready;
use super::super::transport::{Received, Transport, connecting};
use super::Worker;
use crate::model::performance::plan::{Protocol, Reuse};
use crate::model::performance::result::Cause;

impl Worker {
    /// Makes the place of a further connection to an origin.
    pub(super) fn place_connection(&mut self, pool: usize) -> usize {
        let exchange = Exchange::new(&self.shared.plan);
        self.connections.push(Connection::new(pool, exchange, State::Down { until: 0 }));
        self.pools[pool].size += 1;
        self.connections.len() - 1
    }

    /// Opens a connection, or lies it down until a request needs it.
    pub(super) fn revive(&mut self, at: usize, now: u64) {
        if self.is_lazy() {
            self.set_state(at, State::Asleep);
            self.offer(at);
        } else {
            self.open(at, now);
        }
    }

    /// Whether a connection of a pool is opened anew: requests come, or some that were sent wait for one.
    fn reopens(&self, pool: usize) -> bool {
        self.sends || !self.pools[pool].queue.is_empty()
    }

    /// Keeps count of the connections of a pool that are of use.
    fn set_state(&mut self, at: usize, state: State) {
        let connection = &mut self.connections[at];
        let was_up = connection.is_up();
        connection.state = state;
        let pool = &mut self.pools[connection.pool];
        match (was_up, connection.is_up()) {
            (false, true) => pool.up += 1,
            (true, false) => pool.up -= 1,
            _ => {}
        }
    }

    /// Begins to connect.
    pub(super) fn open(&mut self, at: usize, now: u64) {
        self.set_state(at, State::Connecting);
        self.connections[at].since = now;
        let uses = match self.shared.plan.reuse {
            Reuse::KeepAlive => u32::MAX,
            Reuse::PerRequest => 1,
            Reuse::Range { min, max } => self.random.u32(min..=max),
        };
        match self.socket(at) {
            Ok(transport) => {
                let connection = &mut self.connections[at];
                connection.uses = uses;
                connection.has_answered = false;
                let token = (u64::from(connection.generation) << 32) | at as u64;
                let added = self.poll.add(&transport, token);
                connection.transport = Some(transport);
                match added {
                    // UDP has nothing to wait for
                    Ok(()) if self.shared.plan.protocol == Protocol::Udp => self.advance(at),
                    Ok(()) => {}
                    Err(_) => self.lose(at, Cause::Local),
                }
            }
            Err(cause) => self.lose(at, cause),
        }
    }

    fn socket(&mut self, at: usize) -> Result<Transport, Cause> {
        let connection = &self.connections[at];
        let addresses = &self.site.origins[connection.pool].addresses;
        if addresses.is_empty() {
            return Err(Cause::Resolve);
        }
        // a name's addresses take turns, and after a failure the next one is tried
        let turn = at.wrapping_add(connection.generation as usize);
        let address = addresses[turn % addresses.len()];
        let opened = match self.shared.plan.protocol {
            Protocol::Udp => Transport::udp(address),
            _ => Transport::tcp(address),
        };
        opened.map_err(|problem| connecting(&problem))
    }

    /// A socket has something to tell.
    pub(super) fn on_ready(&mut self, ready: Ready) {
        #[expect(clippy::cast_possible_truncation, reason = "the token holds two halves")]
        let (at, generation) = (ready.token as u32 as usize, (ready.token >> 32) as u32);
        if self.connections.get(at).is_none_or(|connection| connection.generation != generation) {
            return;
        }
        if self.connections[at].is_opening() {
            self.advance(at);
            let connection = &self.connections[at];
            if connection.generation != generation || connection.state == State::Connecting {
                return;
            }
        }
        if !self.connections[at].out.is_empty() || self.holds_back(at) {
            self.flush(at);
        }
        if self.connections[at].generation == generation {
            self.read(at, ready.is_ending);
        }
    }

    fn holds_back(&self, at: usize) -> bool {
        self.connections[at].transport.as_ref().is_some_and(Transport::holds_back)
    }

    /// Takes an opening connection as far as it goes.
    fn advance(&mut self, at: usize) {
        loop {
            let step = match self.connections[at].state {
                State::Connecting => self.connect(at),
                State::Securing => self.secure(at),
                State::Greeting => self.greeted(at),
                _ => return,
            };
            match step {
                Ok(Some(state)) => self.set_state(at, state),
                Ok(None) => return,
                Err(cause) => return self.lose(at, cause),
            }
            if self.connections[at].state == State::Ready {
                return self.opened(at);
            }
        }
    }

    fn connect(&mut self, at: usize) -> Result<Option<State>, Cause> {
        let connection = &mut self.connections[at];
        let Some(transport) = connection.transport.take() else { return Err(Cause::Other) };
        match transport.connected() {
            None => {
                connection.transport = Some(transport);
                return Ok(None);
            }
            Some(outcome) => outcome?,
        }
        let origin = &self.site.origins[connection.pool];
        let transport = match (&self.site.tls, &origin.secure) {
            (Some(config), Some(name)) => transport.secure(config, name)?,
            _ => transport,
        };
        connection.transport = Some(transport);
        Ok(Some(State::Securing))
    }

    fn secure(&mut self, at: usize) -> Result<Option<State>, Cause> {
        let connection = &mut self.connections[at];
        let Some(transport) = &mut connection.transport else { return Err(Cause::Other) };
        if !transport.shake_hands(&mut self.refusal)? {
            return Ok(None);
        }
        if connection.exchange.alpn().is_some_and(|wanted| !transport.agreed(wanted)) {
            return Err(Cause::Protocol);
        }
        connection.exchange.greet(&mut connection.out);
        self.recorder.bytes.sent += connection.flush()?;
        Ok(Some(State::Greeting))
    }

    fn greeted(&mut self, at: usize) -> Result<Option<State>, Cause> {
        let Self { connections, scratch, done, recorder, .. } = self;
        let connection = &mut connections[at];
        let Some(transport) = &mut connection.transport else { return Err(Cause::Other) };
        while !connection.exchange.is_ready() {
            match transport.receive(scratch)? {
                Received::Bytes { count, .. } => {
                    recorder.bytes.received += count as u64;
                    connection.exchange.receive(&scratch[..count], &mut connection.out, done)?;
                }
                Received::Nothing => return Ok(None),
                Received::End => return Err(Cause::Closed),
            }
        }
        self.recorder.bytes.sent += connection.flush()?;
        Ok(Some(State::Ready))
    }

    fn opened(&mut self, at: usize) {
        let now = self.now();
        let connection = &mut self.connections[at];
        self.recorder.opened += 1;
        self.recorder.connect.record_ns(now.saturating_sub(connection.since));
        match connection.assigned.take() {
            Some(flight) => {
                self.hand_over(at, flight);
                self.flush(at);
            }
            None => self.offer(at),
        }
    }

    /// Reads what there is; to its end where the far side has closed.
    fn read(&mut self, at: usize, is_ending: bool) {
        let generation = self.connections[at].generation;
        loop {
            let Self { connections, scratch, done, recorder, .. } = self;
            let connection = &mut connections[at];
            let Some(transport) = &mut connection.transport else { return };
            let (read, is_over) = match transport.receive(scratch) {
                Ok(Received::Bytes { count, more }) => {
                    recorder.bytes.received += count as u64;
                    let read = connection.exchange.receive(&scratch[..count], &mut connection.out, done);
                    (read, !more && !is_ending)
                }
                Ok(Received::Nothing) => return,
                Ok(Received::End) => {
                    connection.exchange.end(done);
                    connection.has_ended = true;
                    self.recorder.closed_by_peer += 1;
                    (Err(Cause::Closed), true)
                }
                Err(cause) => (Err(cause), true),
            };
            if !self.done.is_empty() {
                let now = self.now();
                self.settle(at, now);
            }
            if self.connections[at].generation != generation {
                return;
            }
            match read {
                Ok(()) => self.flush(at),
                Err(cause) => return self.lose(at, cause),
            }
            if self.is_spent(at) {
                let now = self.now();
                return self.retire(at, now);
            }
            if is_over || self.connections[at].generation != generation {
                return;
            }
        }
    }

    /// Whether a connection is open, has nothing on its way and takes nothing more: the far side has said that it goes away.
    fn is_spent(&self, at: usize) -> bool {
        let Connection { state, exchange, .. } = &self.connections[at];
        *state == State::Ready && !exchange.keeps() && exchange.in_flight() == 0
    }

    /// Sends what there is to be sent.
    pub(super) fn flush(&mut self, at: usize) {
        match self.connections[at].flush() {
            Ok(sent) => self.recorder.bytes.sent += sent,
            Err(cause) => self.lose(at, cause),
        }
    }

    /// A connection could not be opened, or is broken: what was on its way fails, and after a pause it is opened again.
    pub(super) fn lose(&mut self, at: usize, cause: Cause) {
        let now = self.now();
        let was_opening = self.connections[at].is_opening();
        let connection = &mut self.connections[at];
        let assigned = connection.assigned.take();
        connection.exchange.abandon(cause, &mut self.done);
        let was_idle = self.done.is_empty() && assigned.is_none() && !was_opening;
        // a far side that accepts and closes, again and again, must not keep a thread busy
        if !was_idle || !connection.has_answered {
            connection.failures = connection.failures.saturating_add(1);
        }
        let pause = connection.pause();
        let pool = connection.pool;
        connection.close(Exchange::new(&self.shared.plan));
        self.set_state(at, State::Down { until: now.saturating_add(pause) });
        self.pools[pool].cause = cause;
        self.settle(at, now);
        if let Some(flight) = assigned {
            self.fail(flight, cause, now);
        }
        if was_opening {
            self.recorder.refused += 1;
            if assigned.is_none() {
                self.fail_waiting(pool, cause, now);
            }
        }
        if pause == 0 && self.reopens(pool) {
            self.revive(at, now);
        }
    }

    /// Closes a connection that has served, and opens the next one in its place.
    pub(super) fn retire(&mut self, at: usize, now: u64) {
        let connection = &mut self.connections[at];
        // one whose end was read is counted there
        if connection.uses > 0 && !connection.exchange.keeps() && !connection.has_ended {
            self.recorder.closed_by_peer += 1;
        }
        if !connection.has_answered {
            connection.failures = connection.failures.saturating_add(1);
        }
        if let Some(transport) = &connection.transport {
            transport.forget();
        }
        connection.close(Exchange::new(&self.shared.plan));
        let (pool, until) = (connection.pool, now.saturating_add(connection.pause()));
        self.set_state(at, State::Down { until });
        if until <= now && self.reopens(pool) {
            self.revive(at, now);
        }
    }

    /// What is overdue on a connection.
    pub(super) fn look_after(&mut self, at: usize, now: u64) {
        let reopens = self.reopens(self.connections[at].pool);
        let connection = &mut self.connections[at];
        match connection.state {
            State::Down { until } if until <= now && reopens => self.revive(at, now),
            State::Connecting | State::Securing | State::Greeting if now >= connection.since + self.timeout => {
                self.lose(at, Cause::ConnectTimeout);
            }
            State::Ready if connection.exchange.in_flight() > 0 => self.time_out(at, now),
            _ => {}
        }
    }

    fn time_out(&mut self, at: usize, now: u64) {
        let Some(moment) = now.checked_sub(self.timeout) else { return };
        let connection = &mut self.connections[at];
        let overdue = connection.exchange.overdue(moment, &mut connection.out, &mut self.done);
        if overdue == Overdue::Spoilt {
            return self.lose(at, Cause::Timeout);
        }
        if !self.done.is_empty() {
            self.settle(at, now);
            self.flush(at);
        }
    }
}
