//! A server that answers by a law and knows when it did: one thread, one event loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{After, Client, Request, Wanted};
use super::truth::Record;
use crate::base::error::{Code, Error, Result};
use crate::perf::engine::machine::{self, Cpu};
use crate::perf::engine::poll::Poll;

const LISTENER: u64 = u64::MAX - 1;
/// How often the server looks whether it is to end.
const ATTENTION: Duration = Duration::from_millis(20);
/// For so long after a request an attentive server looks for the next one instead of sleeping: to be woken takes some
/// 30 us, in which a request has arrived and the server does not know.
const AWAKE: Duration = Duration::from_millis(100);
const BUFFER: usize = 64 * 1024;

/// How a server waits for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Asleep, so that a generator in the same process has the processors.
    Asleep,
    /// Awake while there is load, which takes one processor and sees every arrival and every due answer in time.
    Awake,
}

/// What a server knows in the end.
pub struct Ended<R> {
    /// Its record.
    pub record: R,
    /// Seconds in which the server could have gone on but had no processor.
    pub waited: f64,
}

/// A server that runs.
pub struct Running<R> {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Ended<R>>,
}

impl<R> Running<R> {
    /// Ends it.
    ///
    /// # Errors
    /// Its thread ended before its time.
    pub fn stop(self) -> Result<Ended<R>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Error::internal("the server of the selftest ended before its time"))
    }
}

/// Serves on `listener` in a thread of its own. `record` makes the record on that thread.
///
/// # Errors
/// The machine has no queue or thread.
pub fn start<R: Record>(
    listener: TcpListener,
    waiting: Waiting,
    record: impl FnOnce() -> R + Send + 'static,
) -> Result<Running<R>> {
    let refused = |problem: io::Error| {
        Error::new(Code::PerfEngine, "the server of the selftest cannot be started").because(problem)
    };
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let poll = Poll::new().and_then(|poll| poll.add_listener(&listener, LISTENER).map(|()| poll));
    let poll = poll.map_err(|problem| refused(problem.into()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // a server that never sleeps leaves nothing to its clients where there is one processor
    let awake = if waiting == Waiting::Awake && machine::processors() > 1 { AWAKE } else { Duration::ZERO };
    let run = move || {
        machine::settle_thread(None);
        Server::new(listener, poll, awake, record()).run(&stopped)
    };
    let thread = thread::Builder::new().name("selftest".to_owned()).spawn(run).map_err(refused)?;
    Ok(Running { address, stop, thread })
}

/// An answer that has to be given. The earliest is the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Instant,
    /// Counts what is due, so that of two at one moment the earlier request comes first.
    order: u64,
    number: usize,
    arrived: Instant,
    place: usize,
    generation: u32,
    request: Request,
}

/// Where a client is kept. Its generation tells clients of one place apart.
#[derive(Default)]
struct Place {
    generation: u32,
    client: Option<Client>,
}

struct Server<R> {
    listener: TcpListener,
    poll: Poll,
    awake: Duration,
    record: R,
    places: Vec<Place>,
    free: Vec<usize>,
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// Until when the server stands still.
    held: Option<Instant>,
    last_active: Instant,
    buffer: Box<[u8]>,
    requests: Vec<Request>,
}

impl<R: Record> Server<R> {
    fn new(listener: TcpListener, poll: Poll, awake: Duration, record: R) -> Self {
        Self {
            listener,
            poll,
            awake,
            record,
            places: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            order: 0,
            held: None,
            last_active: Instant::now(),
            buffer: vec![0; BUFFER].into(),
            requests: Vec::new(),
        }
    }

    fn run(mut self, stop: &AtomicBool) -> Ended<R> {
        let before = Cpu::of_this_thread();
        while !stop.load(Ordering::Relaxed) {
            let count = self.poll.wait_exactly(self.patience()).unwrap_or_default();
            // all that is ready had arrived by now, however long it takes to read it
            let now = Instant::now();
            for index in 0..count {
                match self.poll.ready(index).map(|ready| ready.token) {
                    Some(LISTENER) => self.accept(),
                    Some(token) => self.read(token, now),
                    None => {}
                }
            }
            self.stand_still(now);
            self.answer();
        }
        Ended { record: self.record, waited: Cpu::of_this_thread().since(before).waited }
    }

    /// How long to wait for what comes next.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        if now.saturating_duration_since(self.last_active) < self.awake {
            return Duration::ZERO;
        }
        let next = self.due.peek().map(|Reverse(due)| self.held.map_or(due.at, |held| held.max(due.at)));
        next.map_or(ATTENTION, |next| next.saturating_duration_since(now).min(ATTENTION))
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() {
                continue;
            }
            let at = self.free.pop().unwrap_or(self.places.len());
            if at == self.places.len() {
                self.places.push(Place::default());
            }
            let token = (u64::from(self.places[at].generation) << 32) | at as u64;
            if self.poll.add(&stream, token).is_ok() {
                self.places[at].client = Some(Client::new(stream));
            } else {
                self.free.push(at);
            }
        }
    }

    fn client(&mut self, at: usize, generation: u32) -> Option<&mut Client> {
        self.places.get_mut(at).filter(|place| place.generation == generation)?.client.as_mut()
    }

    fn leave(&mut self, at: usize) {
        let place = &mut self.places[at];
        place.client = None;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(at);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the token holds two halves")]
    fn read(&mut self, token: u64, now: Instant) {
        let (at, generation) = (token as u32 as usize, (token >> 32) as u32);
        let mut requests = std::mem::take(&mut self.requests);
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(client) = self.client(at, generation) {
            client.read(&mut buffer, &mut requests);
            let is_done = client.has_ended && client.waiting == 0 && requests.is_empty();
            for request in requests.drain(..) {
                self.take(at, request, now);
            }
            if is_done {
                self.leave(at);
            }
        }
        (self.requests, self.buffer) = (requests, buffer);
    }

    fn take(&mut self, at: usize, request: Request, now: Instant) {
        self.last_active = now;
        let (number, delay) = match request.wanted {
            Wanted::Answer => self.record.arrived(now),
            _ => (0, Duration::ZERO),
        };
        let place = &mut self.places[at];
        let generation = place.generation;
        let Some(client) = &mut place.client else { return };
        let due = client.last_due.map_or(now + delay, |last| last.max(now + delay));
        client.last_due = Some(due);
        client.waiting += 1;
        self.order += 1;
        let order = self.order;
        self.due.push(Reverse(Due { at: due, order, number, arrived: now, place: at, generation, request }));
    }

    /// Stands still when it is time for that: requests still arrive, and none is answered.
    fn stand_still(&mut self, now: Instant) {
        if let Some(length) = self.record.pauses(now) {
            self.held = Some(now + length);
        }
    }

    fn answer(&mut self) {
        while let Some(Reverse(due)) = self.due.peek().copied() {
            let now = Instant::now();
            if due.at > now || self.held.is_some_and(|held| held > now) {
                return;
            }
            self.due.pop();
            self.last_active = now;
            self.give(due, now);
        }
    }

    fn give(&mut self, due: Due, now: Instant) {
        let account = match due.request.wanted {
            Wanted::Account => self.record.account(),
            Wanted::Reset => {
                self.record.reset(now);
                None
            }
            Wanted::Answer | Wanted::Refusal(_) => None,
        };
        // who is gone gets no answer
        let Some(client) = self.client(due.place, due.generation) else { return };
        let is_sent = client.answer(due.request, account.as_deref()).is_ok();
        // a write takes 20 us on a processor that has just woken, and its bytes are there when it is done
        let sent = Instant::now();
        let is_last = due.request.after == After::Closes || client.has_ended && client.waiting == 0;
        if is_sent && due.request.wanted == Wanted::Answer {
            self.record.answered(due.number, due.arrived, sent);
        }
        if is_last || !is_sent {
            self.leave(due.place);
        }
    }
}
