//! One thread of a measurement: its own sockets, its own schedule, its own counts. Nothing is shared while it runs but a
//! flag that says stop.

#[cfg(test)]
mod allocations;
mod calm;
mod connections;
mod pace;
mod requests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use calm::Calm;
use pace::{Aloft, Pace};

use super::connection::{Connection, Pool, State, divide};
use super::exchange::Done;
use super::intervals::Told;
use super::machine::{self, Cpu};
use super::pacer::Schedule;
use super::poll::Poll;
use super::recorder::{INTERVAL, Recorder};
use super::report;
use super::site::Site;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Reuse};
use crate::model::performance::result::Cause;
use crate::perf::control::Detail;
use crate::perf::share::Share;

/// Before a moment that matters a thread wakes so early, in nanoseconds, and looks at the clock from then on: timers wake
/// it some 25 us late.
const SPIN: u64 = 60_000;
/// For so long after a request was sent a thread that may be busy looks for its response instead of sleeping: to be woken
/// takes some 30 us, which is a hundredth of this.
const BUSY: u64 = 3_000_000;
/// Bytes that are read at one time.
const READ: usize = 128 * 1024;
/// How long a thread opens connections at one time: those that fail must not keep it from its requests.
const OPENING: u64 = 5_000_000;
/// How long connections may take before the measurement begins without them.
const PREPARATION: u64 = 1_000_000_000;
/// How long responses are waited for when a run is stopped: whoever stops it does not want to wait for a timeout.
const STOPPED_DRAIN: u64 = 500_000_000;

/// What all threads of a run know.
pub struct Shared {
    /// The plan.
    pub plan: Plan,
    /// Zero of the run's clock.
    pub epoch: Instant,
    /// When load begins, warm-up included, in nanoseconds of the run's clock; set between the two meetings at the gate.
    pub begin: AtomicU64,
    /// Where threads wait for each other and for the begin.
    pub gate: Barrier,
    /// Ends the run.
    pub stop: AtomicBool,
    /// Number of threads.
    pub threads: u32,
    /// Whether somebody looks at the details of intervals.
    pub detailed: bool,
}

impl Shared {
    /// The run's clock.
    pub fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A moment on the run's clock; 0 for one before it.
    pub fn at(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    /// When the measurement begins.
    pub fn start(&self) -> u64 {
        self.begin.load(Ordering::Acquire).saturating_add(nanoseconds(self.plan.warm_up))
    }
}

/// A duration in nanoseconds.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What came of one thread.
pub struct Yield {
    /// Its counts.
    pub recorder: Recorder,
    /// Processor time it used.
    pub cpu: Cpu,
    /// For how long it might look for responses, in nanoseconds.
    pub looked: u64,
    /// Whether its share of a planned number of requests was sent.
    pub is_complete: bool,
    /// Requests that had no answer when the run was over.
    pub unanswered: u64,
    /// The most that waited at one time.
    pub queued_most: u64,
    /// Why the first certificate was not taken that was not.
    pub refusal: Option<String>,
}

/// Where requests come from.
enum Source {
    Open {
        schedule: Schedule,
        from: u64,
        next: Option<(u64, u64)>,
    },
    /// Users, each of whom has one request on its way; `next` is the number of the next request in the whole run.
    Closed {
        next: u64,
        left: u64,
        idle_users: u32,
    },
}

/// One thread.
pub struct Worker {
    shared: Arc<Shared>,
    site: Site,
    number: u32,
    poll: Poll,
    connections: Vec<Connection>,
    pools: Vec<Pool>,
    source: Source,
    recorder: Recorder,
    scratch: Box<[u8]>,
    done: Vec<Done>,
    random: fastrand::Rng,
    /// Requests on their way.
    in_flight: u64,
    /// Requests that wait for a connection.
    waiting: u64,
    waiting_most: u64,
    /// Whether something waits that might be served.
    unserved: bool,
    /// Whether requests are sent and connections opened.
    sends: bool,
    next_tick: u64,
    /// When the plan's time is over.
    end: u64,
    /// Distance of two looks at what is overdue.
    patience: u64,
    timeout: u64,
    spin: u64,
    /// Whether to look for responses after a request was sent.
    calm: Calm,
    aloft: Aloft,
    pace: Pace,
    refusal: Option<String>,
    last_sent: u64,
    told: Sender<Told>,
}

impl Worker {
    /// A thread's state before it connects.
    ///
    /// # Errors
    /// The system has no further descriptors.
    pub fn new(shared: Arc<Shared>, site: Site, number: u32, told: Sender<Told>) -> Result<Self> {
        let poll = Poll::new()
            .map_err(|problem| Error::new(Code::PerfEngine, "there is no event queue for a thread").because(problem))?;
        let timeout = nanoseconds(shared.plan.timeout);
        let seed = shared.plan.seed.wrapping_add(u64::from(number).wrapping_mul(0x9e37_79b9));
        let is_open = matches!(shared.plan.load, Load::Open { .. });
        // a thread that spins takes the processor from the targets where no other is left
        let spare = machine::processors().saturating_sub(shared.threads);
        let spin = if spare > 0 { SPIN } else { 0 };
        let calm = match (spare > 0 && shared.plan.busy, is_open) {
            (false, _) => Calm::fixed(false),
            (true, true) => Calm::watched(spare > 1),
            // there is no moment at which a request is due: what a target can answer at most is found by pressing it
            (true, false) => Calm::fixed(true),
        };
        let mut worker = Self {
            site,
            number,
            poll,
            connections: Vec::new(),
            pools: Vec::new(),
            source: Source::Closed { next: 0, left: 0, idle_users: 0 },
            recorder: Recorder::new(is_open),
            scratch: vec![0; READ].into(),
            done: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            in_flight: 0,
            waiting: 0,
            waiting_most: 0,
            unserved: false,
            sends: true,
            next_tick: 0,
            end: u64::MAX,
            patience: (timeout / 20).clamp(1_000_000, 20_000_000),
            timeout,
            spin,
            calm,
            aloft: Aloft::default(),
            pace: Pace::default(),
            refusal: None,
            last_sent: 0,
            told,
            shared,
        };
        worker.place_connections();
        Ok(worker)
    }

    /// Runs the thread from its first connection to its last response.
    pub fn run(mut self) -> Yield {
        machine::settle_thread(self.shared.plan.pin.then_some(self.number));
        self.prepare();
        self.shared.gate.wait();
        self.shared.gate.wait();
        let start = self.shared.start();
        self.warm_up(start);
        let cpu = Cpu::of_this_thread();
        self.calm.begin(self.now());
        let is_complete = self.measure(start);
        let unanswered = self.drain();
        Yield {
            cpu: Cpu::of_this_thread().since(cpu),
            looked: self.calm.looked(self.now()),
            is_complete,
            unanswered,
            queued_most: self.waiting_most,
            refusal: self.refusal,
            recorder: self.recorder,
        }
    }

    fn now(&self) -> u64 {
        self.shared.now()
    }

    fn is_lazy(&self) -> bool {
        self.shared.plan.reuse == Reuse::PerRequest
    }

    fn is_open_model(&self) -> bool {
        matches!(self.source, Source::Open { .. })
    }

    /// This thread's share of the plan.
    fn share(&self) -> Share {
        let connections = self.shared.plan.most_connections();
        Share { number: self.number.into(), of: self.shared.threads.into(), connections: connections.into() }
    }

    fn part_of_connections(&self, whole: u32) -> u32 {
        u32::try_from(self.share().part(whole.into())).unwrap_or(u32::MAX).max(1)
    }

    fn place_connections(&mut self) {
        let weights: Vec<u64> = (0..self.site.origins.len()).map(|origin| self.site.weight(origin)).collect();
        let sizes = divide(self.part_of_connections(self.shared.plan.connections), &weights);
        let limits = match self.shared.plan.load {
            Load::Open { overload: Overload::Grow { limit }, .. } => divide(self.part_of_connections(limit), &weights),
            _ => sizes.clone(),
        };
        for (origin, size) in sizes.into_iter().enumerate() {
            self.pools.push(Pool::new(limits[origin].max(size)));
            for _ in 0..size {
                self.place_connection(origin);
            }
        }
    }

    /// Opens connections before the clock of the measurement runs.
    fn prepare(&mut self) {
        let begin = self.now();
        let end = begin + PREPARATION.min(self.timeout);
        for at in 0..self.connections.len() {
            let now = self.now();
            if now >= end || self.is_stopped() {
                // the rest is opened while the measurement runs
                break;
            }
            self.revive(at, now);
        }
        while self.connections.iter().any(Connection::is_opening) && !self.is_stopped() {
            let now = self.now();
            if now >= end {
                break;
            }
            self.turn(end.min(now + self.patience), false);
        }
    }

    fn warm_up(&mut self, start: u64) {
        let begin = self.shared.begin.load(Ordering::Acquire);
        self.next_tick = begin;
        self.recorder.start = start;
        if start > begin {
            self.source = self.source_of(begin, true);
            self.phase(start);
        }
        for pool in &mut self.pools {
            pool.queue.clear();
        }
        self.waiting = 0;
        self.waiting_most = 0;
    }

    /// Sends what the plan says. True when its number of requests ended it.
    fn measure(&mut self, start: u64) -> bool {
        let end = self.shared.plan.duration.map_or(u64::MAX, |length| start.saturating_add(nanoseconds(length)));
        while self.now() < start && !self.is_stopped() {
            self.turn(start, true);
        }
        // what waits is on its way too: it follows a redirect
        let busy = u32::try_from(self.in_flight + self.waiting).unwrap_or(u32::MAX);
        self.source = self.source_of(start, false);
        if let Source::Closed { idle_users, .. } = &mut self.source {
            // users whose warm-up request is still on its way come free with its response
            *idle_users = idle_users.saturating_sub(busy);
        }
        self.recorder.begin(start);
        self.end = end;
        self.unserved = true;
        self.phase(end);
        self.is_finished()
    }

    fn source_of(&self, from: u64, is_warm_up: bool) -> Source {
        let share = self.share();
        let plan = &self.shared.plan;
        let limit = if is_warm_up { None } else { plan.requests };
        match &plan.load {
            Load::Open { pacing, .. } => {
                let warm = Pacing::Constant { rate: first_rate(pacing) };
                let pacing = if is_warm_up { &warm } else { pacing };
                let mut schedule = Schedule::new(pacing, plan.seed, share, limit);
                let next = schedule.advance();
                Source::Open { schedule, from, next: next.map(|(number, due)| (number, from.saturating_add(due))) }
            }
            Load::Closed => Source::Closed {
                next: share.first(),
                left: limit.map_or(u64::MAX, |limit| share.requests(limit)),
                idle_users: self.part_of_connections(plan.connections).saturating_mul(plan.streams),
            },
        }
    }

    /// Sends requests and reads responses until `end`, the last planned request, or a stop.
    fn phase(&mut self, end: u64) {
        loop {
            let now = self.now();
            if now >= self.next_tick {
                self.tick(now);
            }
            let due = self.send_due(now, end);
            if self.unserved {
                self.serve();
            }
            let is_over = now >= end && due == u64::MAX;
            if is_over || self.is_stopped() || self.is_finished() {
                return;
            }
            self.turn(due.min(self.next_tick).min(end), due != u64::MAX);
        }
    }

    /// Waits for the last responses: each request has its whole timeout, but for a run that is stopped. Those that follow
    /// a redirect go on. Returns how many requests are given up before their end.
    fn drain(&mut self) -> u64 {
        self.sends = false;
        self.drop_unsent();
        let over = self.now().min(self.end);
        self.recorder.end = over;
        while self.in_flight + self.waiting > 0 {
            let now = self.now();
            let patience = if self.is_stopped() { STOPPED_DRAIN.min(self.timeout) } else { self.timeout };
            let end = over.saturating_add(patience);
            if now >= self.next_tick || now >= end {
                self.tick(now);
            }
            if now >= end {
                break;
            }
            if self.unserved {
                self.serve();
            }
            self.turn(self.next_tick.min(end), false);
        }
        let unanswered = self.abandon();
        self.tell_end(over);
        unanswered
    }

    /// Tells what is left of the interval that was begun, and that nothing follows it. `over` is when the plan was.
    fn tell_end(&mut self, over: u64) {
        let mut part = std::mem::take(&mut self.recorder.part);
        let begin = self.recorder.start.saturating_add(part.index * INTERVAL);
        let mut intervals = part.index;
        if !part.is_empty() || begin < over {
            intervals += 1;
            part.detail = self.detail();
            self.tell(Told::Part(part));
        }
        self.tell(Told::End { intervals, detail: self.detail() });
    }

    fn tell(&self, what: Told) {
        // nobody listens any more when the run itself has failed
        let _ = self.told.send(what);
    }

    fn detail(&self) -> Option<Box<Detail>> {
        self.shared.detailed.then(|| Box::new(report::detail(&self.recorder)))
    }

    /// Gives up what is still on its way. Returns how many requests that are.
    fn abandon(&mut self) -> u64 {
        let counted = self.recorder.requests.failed;
        let now = self.now();
        self.give_up_waiting(now);
        for at in 0..self.connections.len() {
            if let Some(flight) = self.connections[at].assigned.take() {
                self.fail(flight, Cause::Timeout, now);
            }
            self.connections[at].exchange.abandon(Cause::Timeout, &mut self.done);
            self.settle(at, now);
        }
        self.recorder.requests.failed - counted
    }

    fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Whether the planned number of requests is over.
    fn is_finished(&self) -> bool {
        let is_exhausted = match &self.source {
            Source::Open { next, .. } => next.is_none(),
            Source::Closed { left, .. } => *left == 0,
        };
        is_exhausted && self.in_flight == 0 && self.waiting == 0
    }

    /// Takes what is ready, and waits for it until `wake`. `is_exact` says that `wake` is a moment to be met.
    fn turn(&mut self, wake: u64, is_exact: bool) {
        let now = self.now();
        let idle = wake.saturating_sub(now);
        let count = if self.in_flight > 0 && self.calm.looks() && now < self.last_sent + BUSY {
            self.poll.wait_exactly(Duration::from_nanos(self.rest(now, idle)))
        } else if is_exact {
            self.poll.wait_exactly(Duration::from_nanos(idle.saturating_sub(self.spin)))
        } else {
            self.poll.wait(Duration::from_nanos(idle))
        };
        for index in 0..count.unwrap_or_default() {
            if let Some(ready) = self.poll.ready(index) {
                self.on_ready(ready);
            }
        }
    }

    /// How long a thread that may be busy sleeps all the same: no response comes before the fastest do. A thread that takes a
    /// processor for itself is put aside for whole milliseconds when others want it, one that sleeps between is not.
    fn rest(&self, now: u64, idle: u64) -> u64 {
        let Some((oldest, fastest)) = self.aloft.oldest(self.in_flight).zip(self.pace.fastest()) else { return 0 };
        let watch = (oldest + fastest - fastest / 8).saturating_sub(self.spin);
        watch.saturating_sub(now).min(idle.saturating_sub(self.spin))
    }

    /// What happens by the clock: timeouts, connections that are opened again, the end of an interval.
    fn tick(&mut self, now: u64) {
        let over = now + OPENING;
        for at in 0..self.connections.len() {
            let is_down = matches!(self.connections[at].state, State::Down { .. });
            if !is_down || self.now() < over {
                self.look_after(at, now);
            }
        }
        self.calm.watch(now);
        while let Some(mut part) = self.recorder.turn(now) {
            self.pace.turn();
            part.detail = self.detail();
            self.tell(Told::Part(part));
        }
        let start = self.recorder.start;
        let turn = now.checked_sub(start).map_or(start, |past| start + (past / INTERVAL + 1) * INTERVAL);
        self.next_tick = turn.min(now + self.patience);
    }
}

/// The rate of a warm-up: the one the measurement begins with, or where that is nothing the one it goes to.
fn first_rate(pacing: &Pacing) -> f64 {
    match pacing {
        Pacing::Constant { rate } | Pacing::Poisson { rate } => *rate,
        Pacing::Ramp { from, to, .. } => {
            if *from > 0.0 {
                *from
            } else {
                *to
            }
        }
        Pacing::Steps { steps } => steps.first().map_or(1.0, |step| step.rate),
    }
}
