//! The generator in this binary.
//!
//! A run is a few threads, each with an event loop of its own ([`worker`]): the pacer says when the next request is due,
//! an exchange for each connection turns requests into bytes and bytes into responses, the recorder counts. Threads share
//! nothing while they run; once a second each hands its counts of that second over. The calling thread joins them, shows
//! them and waits for the end.

mod connection;
mod exchange;
mod intervals;
pub mod machine;
mod pacer;
pub(super) mod poll;
mod recorder;
mod report;
mod site;
mod tls;
mod transport;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use intervals::Joiner;
use machine::Ticks;
use recorder::Part;
use report::Outcome;
use site::Site;
use worker::{Shared, Worker, Yield};

use crate::base::clock;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::{Load, Overload, Plan};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::perf::plan;

/// How often somebody who wants the run to end is looked for.
const ATTENTION: Duration = Duration::from_millis(20);
/// From the agreement on a begin to the begin, in nanoseconds: threads are awake by then.
const LEAD: u64 = 2_000_000;

/// Carries a plan out. Blocks until the measurement is over: its threads are its own.
///
/// # Errors
/// The plan cannot be begun. Requests that fail are part of the result, never an error.
pub fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    run_from(plan, control).map(|(result, _)| result)
}

/// As [`run`], and tells the moment from which the plan's schedule counts.
pub(super) fn run_from(plan: &Plan, control: &Control) -> Result<(PerfResult, Instant)> {
    plan::check(plan)?;
    let site = Site::new(plan)?;
    let shared = Arc::new(share(plan, control.wants_detail()));
    let (sender, parts) = mpsc::channel();
    machine::allow_connections(most_connections(plan))?;
    let workers = (0..shared.threads)
        .map(|number| Worker::new(Arc::clone(&shared), site.clone(), number, sender.clone()))
        .collect::<Result<Vec<_>>>()?;
    drop(sender);
    let threads = start(workers)?;
    begin(&shared, control);
    let before = Ticks::now();
    let started_at = later_than_now(&shared);
    let joiner = watch(&shared, control, &parts);
    let over = shared.now();
    let ticks = before.zip(Ticks::now());
    let threads = threads.into_iter().map(join).collect::<Result<Vec<_>>>()?;
    let outcome = Outcome { threads, started_at, stopped: control.stopped(), over, ticks };
    let begin = shared.epoch + Duration::from_nanos(shared.start());
    Ok((report::result(&shared, &outcome, joiner), begin))
}

fn most_connections(plan: &Plan) -> u64 {
    match plan.load {
        Load::Open { overload: Overload::Grow { limit }, .. } => u64::from(limit.max(plan.connections)),
        _ => u64::from(plan.connections),
    }
}

fn share(plan: &Plan, detailed: bool) -> Shared {
    let wanted = if plan.threads == 0 { machine::processors() } else { plan.threads };
    let threads = wanted.min(plan.connections).max(1);
    Shared {
        plan: plan.clone(),
        epoch: Instant::now(),
        begin: AtomicU64::new(u64::MAX),
        gate: Barrier::new(threads as usize + 1),
        stop: AtomicBool::new(false),
        threads,
        detailed,
    }
}

fn start(workers: Vec<Worker>) -> Result<Vec<JoinHandle<Yield>>> {
    let refused = |problem| Error::new(Code::PerfEngine, "a thread cannot be started").because(problem);
    let start = |(number, worker): (usize, Worker)| {
        thread::Builder::new().name(format!("load-{number}")).spawn(move || worker.run()).map_err(refused)
    };
    workers.into_iter().enumerate().map(start).collect()
}

/// Waits until every thread has its connections, and says when load begins.
fn begin(shared: &Shared, control: &Control) {
    shared.stop.store(control.stopped().is_some(), Ordering::Relaxed);
    shared.gate.wait();
    let begin = shared.now() + LEAD;
    let agreed = control.begin().map_or(0, |agreed| shared.at(agreed));
    wait_until_near(shared, agreed, control);
    shared.begin.store(begin.max(agreed), Ordering::Release);
    shared.gate.wait();
}

/// Waits until an agreed begin is as near as the lead, so that threads are awake by then; a stop ends the wait.
fn wait_until_near(shared: &Shared, agreed: u64, control: &Control) {
    while control.stopped().is_none() {
        let left = agreed.saturating_sub(shared.now()).saturating_sub(LEAD);
        if left == 0 {
            return;
        }
        thread::sleep(Duration::from_nanos(left).min(ATTENTION));
    }
    shared.stop.store(true, Ordering::Relaxed);
}

fn later_than_now(shared: &Shared) -> clock::Timestamp {
    let now = clock::now();
    let ahead = Duration::from_nanos(shared.start().saturating_sub(shared.now()));
    now.checked_add(ahead).unwrap_or(now)
}

/// Joins and shows intervals until every thread is done, and passes a stop on.
fn watch(shared: &Shared, control: &Control, parts: &Receiver<Part>) -> Joiner {
    let mut joiner = Joiner::new(shared.threads);
    loop {
        if control.stopped().is_some() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        match parts.recv_timeout(ATTENTION) {
            Ok(part) => {
                if let Some((interval, detail)) = joiner.add(&part) {
                    joiner.keep(&interval);
                    match detail {
                        Some(detail) => control.observe_in_detail(&interval, &detail),
                        None => control.observe(&interval),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for interval in joiner.rest() {
        joiner.keep(&interval);
        control.observe(&interval);
    }
    joiner
}

fn join(thread: JoinHandle<Yield>) -> Result<Yield> {
    thread.join().map_err(|_| Error::internal("a thread of the load generator ended before its time"))
}
