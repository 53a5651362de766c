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

use intervals::{Joiner, Told};
use machine::Ticks;
use report::Outcome;
use site::Site;
use worker::{Shared, Worker, Yield};

use crate::base::clock;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::Plan;
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
    let (sender, told) = mpsc::channel();
    machine::allow_connections(plan.most_connections().into())?;
    let workers = (0..shared.threads)
        .map(|number| Worker::new(Arc::clone(&shared), site.clone(), number, sender.clone()))
        .collect::<Result<Vec<_>>>()?;
    drop(sender);
    let named = |number| thread::Builder::new().name(format!("load-{number}"));
    let threads = start(workers, named, Worker::run)?;
    begin(&shared, control);
    wait_until_near(&shared, shared.start(), control);
    let before = Ticks::now();
    let started_at = later_than_now(&shared);
    let joiner = watch(&shared, control, &told);
    let over = shared.now();
    let ticks = before.zip(Ticks::now());
    let threads = threads.into_iter().map(join).collect::<Result<Vec<_>>>()?;
    let outcome = Outcome { threads, started_at, stopped: control.stopped(), over, ticks };
    let begin = shared.epoch + Duration::from_nanos(shared.start());
    Ok((report::result(&shared, &outcome, joiner), begin))
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

/// Starts a thread for each worker. A thread gets its worker when all of them are there: where one cannot be started, the
/// others end instead of waiting for it.
fn start<W: Send + 'static, Y: Send + 'static>(
    workers: Vec<W>,
    builder: impl Fn(usize) -> thread::Builder,
    run: impl Fn(W) -> Y + Clone + Send + 'static,
) -> Result<Vec<JoinHandle<Option<Y>>>> {
    let refused = |problem| Error::new(Code::PerfEngine, "a thread cannot be started").because(problem);
    let launch = |number: usize| -> Result<(mpsc::Sender<W>, JoinHandle<Option<Y>>)> {
        let (hand_over, worker) = mpsc::channel();
        let run = run.clone();
        let work = move || worker.recv().ok().map(run);
        let thread = builder(number).spawn(work).map_err(refused)?;
        Ok((hand_over, thread))
    };
    let launched = (0..workers.len()).map(launch).collect::<Result<Vec<_>>>()?;
    let handed = launched.into_iter().zip(workers).map(|((hand_over, thread), worker)| {
        // a thread that is gone is noticed where it is joined
        let _ = hand_over.send(worker);
        thread
    });
    Ok(handed.collect())
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
fn watch(shared: &Shared, control: &Control, told: &Receiver<Told>) -> Joiner {
    let mut joiner = Joiner::new(shared.threads);
    loop {
        if control.stopped().is_some() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        match told.recv_timeout(ATTENTION) {
            Ok(what) => {
                for (interval, detail) in joiner.hear(what) {
                    match detail {
                        Some(detail) => control.observe_in_detail(&interval, &detail),
                        None => control.observe(&interval),
                    }
                    joiner.keep(interval);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for interval in joiner.rest() {
        control.observe(&interval);
        joiner.keep(interval);
    }
    joiner
}

fn join(thread: JoinHandle<Option<Yield>>) -> Result<Yield> {
    let outcome = thread.join().ok().flatten();
    outcome.ok_or_else(|| Error::internal("a thread of the load generator ended before its time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_gets_its_worker() {
        let threads = start(vec![1, 2, 3], |_| thread::Builder::new(), |number: u32| number * 10).unwrap();
        let brought: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(brought, [Some(10), Some(20), Some(30)]);
    }

    #[test]
    fn where_a_thread_cannot_be_started_the_others_end() {
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        // no machine has room for the third one's stack
        let builder = |number| match number {
            2 => thread::Builder::new().stack_size(1 << 60),
            _ => thread::Builder::new(),
        };
        let error = start(vec![0, 1, 2], builder, move |_: u32| drop(Arc::clone(&holder))).unwrap_err();
        assert_eq!(error.code(), Code::PerfEngine);
        let deadline = Instant::now() + Duration::from_mins(1);
        while Arc::strong_count(&held) > 1 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(Arc::strong_count(&held), 1, "a thread still waits");
    }
}
