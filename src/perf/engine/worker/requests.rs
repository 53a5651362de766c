//! The life of requests: due, sent or waiting, answered or failed.

use std::sync::Arc;

use url::Url;

use super::super::connection::{State, Waiting};
use super::super::exchange::{Done, Reply};
use super::super::recorder::{Flight, Status};
use super::{Source, Worker};
use crate::model::performance::plan::{Load, Overload};
use crate::model::performance::result::Cause;

/// Requests of one thread that may wait for a connection; what is due beyond that is dropped, so that memory stays bounded.
const WAITING: u64 = 1 << 20;
/// Requests that are handed out before sockets are looked at again, where more are due than can be sent.
const HAND_OUT: usize = 1024;
/// Targets that redirects may add to those of the plan.
const FOUND_TARGETS: usize = 1000;

impl Worker {
    /// Hands out requests that are due. Returns when the next one is, which is `now` where more of them are.
    pub(super) fn send_due(&mut self, now: u64, end: u64) -> u64 {
        for _ in 0..HAND_OUT {
            let Source::Open { schedule, from, next } = &mut self.source else { return u64::MAX };
            let Some((number, due)) = *next else { return u64::MAX };
            if due >= end {
                return u64::MAX;
            }
            if due > now {
                return due;
            }
            *next = schedule.advance().map(|(number, due)| (number, from.saturating_add(due)));
            if due >= self.recorder.start {
                self.recorder.requests.due += 1;
            }
            let target = self.site.draw(number);
            self.dispatch(Waiting { due, sent: None, target, hops: 0 });
        }
        now
    }

    /// Gives a request that is due now to a connection, or does what the plan says where none is free.
    fn dispatch(&mut self, request: Waiting) {
        let pool = self.site.targets[request.target as usize].origin;
        if let Some(at) = self.take_lane(pool) {
            let flight = self.begin(at, request);
            self.recorder.slipped(&flight);
            return self.flush(at);
        }
        let overload = match self.shared.plan.load {
            Load::Open { overload, .. } => overload,
            Load::Closed => Overload::Queue,
        };
        if self.pools[pool].up == 0 {
            let now = self.now();
            let flight = Flight { due: request.due, sent: now, target: request.target, hops: 0 };
            return self.recorder.failed(&flight, self.pools[pool].cause, now);
        }
        if overload == Overload::Drop || self.waiting >= WAITING {
            return self.recorder.dropped(request.due);
        }
        self.enqueue(pool, request);
        if matches!(overload, Overload::Grow { .. }) && self.pools[pool].size < self.pools[pool].limit {
            let at = self.place_connection(pool);
            let now = self.now();
            self.revive(at, now);
        }
    }

    fn enqueue(&mut self, pool: usize, request: Waiting) {
        self.pools[pool].queue.push_back(request);
        self.waiting += 1;
        self.waiting_most = self.waiting_most.max(self.waiting);
    }

    fn take_lane(&mut self, pool: usize) -> Option<usize> {
        while let Some((at, generation)) = self.pools[pool].lanes.pop_front() {
            let connection = &self.connections[at as usize];
            if connection.generation == generation && connection.is_free() {
                return Some(at as usize);
            }
        }
        None
    }

    /// Begins a request on a connection that is free. What it has to say is sent by [`Self::flush`].
    fn begin(&mut self, at: usize, request: Waiting) -> Flight {
        let now = self.now();
        let due = if self.is_open_model() || request.sent.is_some() { request.due } else { now };
        let flight = Flight { due, sent: request.sent.unwrap_or(now), target: request.target, hops: request.hops };
        if request.sent.is_none() {
            self.recorder.sent(&flight);
        }
        self.in_flight += 1;
        self.last_sent = now;
        self.aloft.add(now, self.in_flight);
        if self.connections[at].state == State::Asleep {
            self.connections[at].assigned = Some(flight);
            self.open(at, now);
        } else {
            self.hand_over(at, flight);
        }
        flight
    }

    /// Writes a request to an open connection.
    pub(super) fn hand_over(&mut self, at: usize, flight: Flight) {
        let connection = &mut self.connections[at];
        connection.uses = connection.uses.saturating_sub(1);
        connection.exchange.begin(&self.site.targets[flight.target as usize], flight, &mut connection.out);
    }

    /// Offers every free place of a connection to the requests that wait.
    pub(super) fn offer(&mut self, at: usize) {
        let lanes = match self.connections[at].state {
            State::Asleep => 1,
            _ => self.connections[at].exchange.lanes(),
        };
        let generation = self.connections[at].generation;
        for _ in 0..lanes {
            self.pass_on(at, generation);
        }
        if self.connections[at].generation == generation {
            self.flush(at);
        }
    }

    /// One place of a connection has come free: the next request takes it, or it stays free.
    fn pass_on(&mut self, at: usize, generation: u32) {
        let connection = &self.connections[at];
        if connection.generation != generation || !connection.is_free() {
            return;
        }
        let pool = connection.pool;
        // a connection that is opened for a request is not opened from within the loss of another one
        let next = if connection.state == State::Asleep { None } else { self.next_for(pool) };
        if let Some(request) = next {
            self.begin(at, request);
        } else {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            self.pools[pool].lanes.push_back((place, generation));
            self.unserved = true;
        }
    }

    fn next_for(&mut self, pool: usize) -> Option<Waiting> {
        if let Some(request) = self.pools[pool].queue.pop_front() {
            self.waiting -= 1;
            return Some(request);
        }
        while let Some(request) = self.draw() {
            let wanted = self.site.targets[request.target as usize].origin;
            if wanted == pool {
                return Some(request);
            }
            self.enqueue(wanted, request);
            self.unserved = true;
        }
        None
    }

    /// The next request of an idle user.
    fn draw(&mut self) -> Option<Waiting> {
        let share = self.share();
        let Source::Closed { next, left, idle_users } = &mut self.source else { return None };
        if *idle_users == 0 || *left == 0 || !self.sends {
            return None;
        }
        *idle_users -= 1;
        *left -= 1;
        let number = *next;
        *next = share.after(number);
        Some(Waiting { due: 0, sent: None, target: self.site.draw(number), hops: 0 })
    }

    /// Brings requests that wait and connections that are free together.
    pub(super) fn serve(&mut self) {
        self.unserved = false;
        while let Some(request) = self.draw() {
            let pool = self.site.targets[request.target as usize].origin;
            self.enqueue(pool, request);
        }
        for pool in 0..self.pools.len() {
            while !self.pools[pool].queue.is_empty() {
                let Some(at) = self.take_lane(pool) else { break };
                let Some(request) = self.pools[pool].queue.pop_front() else { break };
                self.waiting -= 1;
                self.begin(at, request);
                self.flush(at);
            }
        }
    }

    /// Deals with the requests in `done`, which were a connection's, and gives their places to the next.
    pub(super) fn settle(&mut self, at: usize, now: u64) {
        let generation = self.connections[at].generation;
        let mut done = std::mem::take(&mut self.done);
        let places = done.len();
        for request in done.drain(..) {
            self.finish(at, request, now);
        }
        self.done = done;
        let connection = &self.connections[at];
        if places == 0 || connection.state != State::Ready {
            return;
        }
        if connection.is_usable() {
            for _ in 0..places {
                self.pass_on(at, generation);
            }
        } else if connection.exchange.in_flight() == 0 {
            self.retire(at, now);
        }
    }

    fn finish(&mut self, at: usize, Done { flight, outcome }: Done, now: u64) {
        match outcome {
            Ok(reply) => {
                self.connections[at].failures = 0;
                self.connections[at].has_answered = true;
                self.answer(flight, &reply, now);
            }
            Err(cause) => {
                let pool = self.connections[at].pool;
                self.pools[pool].cause = cause;
                self.fail(flight, cause, now);
            }
        }
    }

    fn answer(&mut self, flight: Flight, reply: &Reply, now: u64) {
        let is_redirect = matches!(reply.status, Status::Http(301 | 302 | 303 | 307 | 308));
        if is_redirect && self.shared.plan.redirects > 0 {
            return match self.follow(flight, reply) {
                Some(target) => {
                    self.in_flight -= 1;
                    let pool = self.site.targets[target as usize].origin;
                    let next = Waiting { due: flight.due, sent: Some(flight.sent), target, hops: flight.hops + 1 };
                    self.enqueue(pool, next);
                    self.unserved = true;
                }
                None => self.fail(flight, Cause::Redirect, now),
            };
        }
        self.recorder.answered(&flight, reply.status, now);
        self.pace.add(now.saturating_sub(flight.sent));
        self.over(&flight);
    }

    /// A request that was begun has failed.
    pub(super) fn fail(&mut self, flight: Flight, cause: Cause, now: u64) {
        self.recorder.failed(&flight, cause, now);
        self.over(&flight);
    }

    fn over(&mut self, flight: &Flight) {
        self.in_flight -= 1;
        self.aloft.remove(flight.sent);
        if let Source::Closed { idle_users, .. } = &mut self.source {
            *idle_users += 1;
            self.unserved = true;
        }
    }

    /// A connection could not be opened: the request that waits longest fails with it, and all do where no connection is
    /// left and requests come by the clock.
    pub(super) fn fail_waiting(&mut self, pool: usize, cause: Cause, now: u64) {
        let takes_all = self.pools[pool].up == 0 && self.is_open_model();
        while let Some(request) = self.pools[pool].queue.pop_front() {
            self.waiting -= 1;
            let due = if self.is_open_model() || request.sent.is_some() { request.due } else { now };
            let sent = request.sent.unwrap_or(now);
            let flight = Flight { due, sent, target: request.target, hops: request.hops };
            self.in_flight += 1;
            self.fail(flight, cause, now);
            if !takes_all {
                return;
            }
        }
    }

    /// The run is over: what waits and was never sent is not sent any more. What follows a redirect was sent, and waits on.
    pub(super) fn drop_unsent(&mut self) {
        let now = self.now();
        self.waiting = 0;
        for pool in 0..self.pools.len() {
            // looked at once: a million requests may wait for as many connections as the plan has
            let has_no_connection = self.has_no_connection(pool);
            for request in std::mem::take(&mut self.pools[pool].queue) {
                match request.sent {
                    Some(_) => self.enqueue(pool, request),
                    None if self.is_open_model() && has_no_connection => {
                        let flight = Flight { due: request.due, sent: now, target: request.target, hops: 0 };
                        let cause = self.pools[pool].cause;
                        // nothing is known of connections that were all still being opened
                        let cause = if cause == Cause::Other { Cause::ConnectTimeout } else { cause };
                        self.recorder.failed(&flight, cause, now);
                    }
                    None if self.is_open_model() => self.recorder.dropped(request.due),
                    None => {}
                }
            }
        }
        self.unserved = true;
    }

    /// Nothing is waited for any longer: what follows a redirect has no response in time.
    pub(super) fn give_up_waiting(&mut self, now: u64) {
        for pool in 0..self.pools.len() {
            while let Some(Waiting { due, sent, target, hops }) = self.pools[pool].queue.pop_front() {
                let flight = Flight { due, sent: sent.unwrap_or(now), target, hops };
                self.recorder.failed(&flight, Cause::Timeout, now);
            }
        }
        self.waiting = 0;
    }

    /// Whether nothing that is sent could go anywhere: the connections of a pool are still being opened, or lost.
    fn has_no_connection(&self, pool: usize) -> bool {
        let mut its = self.connections.iter().filter(|connection| connection.pool == pool);
        its.all(|connection| !matches!(connection.state, State::Ready | State::Asleep))
    }

    /// The target that a redirect leads to; none where it leads nowhere or too many were followed.
    fn follow(&mut self, flight: Flight, reply: &Reply) -> Option<u32> {
        if flight.hops >= self.shared.plan.redirects {
            return None;
        }
        let from = &self.site.targets[flight.target as usize];
        let url = from.url.join(reply.location.as_deref()?).ok()?;
        let keeps_method =
            matches!(reply.status, Status::Http(307 | 308)) || matches!(from.method.as_str(), "GET" | "HEAD");
        let method = if keeps_method { from.method.clone() } else { "GET".to_owned() };
        let is_known = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_known(&url) {
            return None;
        }
        let known = self.site.targets.iter().position(|target| target.url == url && target.method == method);
        if let Some(known) = known {
            return u32::try_from(known).ok();
        }
        if self.site.targets.len() >= FOUND_TARGETS {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        let body = if keeps_method { shared.plan.request.body.as_slice() } else { &[] };
        let target = self.site.follow(&shared.plan, flight.target, url, (&method, body)).ok()?;
        self.connect_to_new_origins();
        Some(target)
    }

    /// A redirect may lead to a host that the plan does not name: it gets connections when it is first met.
    fn connect_to_new_origins(&mut self) {
        while self.pools.len() < self.site.origins.len() {
            let size = self.part_of_connections(self.shared.plan.connections);
            self.pools.push(super::Pool::new(size));
            let pool = self.pools.len() - 1;
            for _ in 0..size {
                let at = self.place_connection(pool);
                let now = self.now();
                self.revive(at, now);
            }
        }
    }
}
