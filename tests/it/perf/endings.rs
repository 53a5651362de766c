//! However a run ends, and whatever its targets do: every request that was due has ended, one way and once.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mesheryctl::model::performance::plan::{Load, Overload, Pacing, Plan, Reuse};
use mesheryctl::model::performance::result::{Cause, Ending};
use mesheryctl::perf::control::Control;

use super::engine::{plan, run, run_with};
use super::servers::{self, OK};

const REDIRECT: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";

fn constant(rate: f64, overload: Overload) -> Load {
    Load::Open { pacing: Pacing::Constant { rate }, overload }
}

/// A server that leads to `/b` after so long, and answers there.
fn leading(delay: Duration) -> SocketAddr {
    servers::http(move |request| {
        if request.split(' ').nth(1) == Some("/b") {
            return Some(OK.to_vec());
        }
        thread::sleep(delay);
        Some(REDIRECT.to_vec())
    })
}

/// A server whose bodies end with their connection.
fn old() -> SocketAddr {
    servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nok");
    })
}

/// Carries a plan out that ends so. Where that is by a stop, it comes after a while.
fn carry_out(plan: &Plan, ending: Ending) {
    let control = Control::default();
    let reins = control.clone();
    let stopper = matches!(ending, Ending::Stopped | Ending::Threshold).then(|| {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(60));
            reins.stop(ending);
        })
    });
    let result = run_with(plan, &control);
    if let Some(stopper) = stopper {
        stopper.join().unwrap();
    }
    let requests = result.requests;
    assert!(requests.sent <= requests.succeeded + requests.failed, "{requests:?} of {plan:?}");
    assert_eq!(result.ended_by, ending, "{plan:?}");
}

#[test]
fn every_request_that_was_due_has_ended() {
    let slow = servers::http(|_| {
        thread::sleep(Duration::from_millis(30));
        Some(OK.to_vec())
    });
    let servers = [
        servers::http(|_| Some(OK.to_vec())),
        slow,
        leading(Duration::ZERO),
        leading(Duration::from_millis(40)),
        old(),
        servers::listen(drop),
        servers::until(Duration::ZERO),
        servers::black_hole(),
    ];
    let overloads = [Overload::Queue, Overload::Drop, Overload::Grow { limit: 9 }];
    let open = overloads.map(|overload| constant(300.0, overload));
    let loads: Vec<Load> = open.into_iter().chain([Load::Closed]).collect();
    let reuses = [Reuse::KeepAlive, Reuse::PerRequest, Reuse::Range { min: 1, max: 3 }];
    let against = |server: SocketAddr| {
        for (load, reuse) in loads.iter().flat_map(|load| reuses.iter().map(move |reuse| (load, reuse))) {
            let (load, reuse, timeout) = (load.clone(), *reuse, Duration::from_millis(50));
            let base = plan(format!("http://{server}/"));
            let base = Plan { load, reuse, timeout, redirects: 2, connections: 3, threads: 2, ..base };
            let timed = Plan { duration: Some(Duration::from_millis(60)), ..base.clone() };
            carry_out(&timed, Ending::Duration);
            carry_out(&Plan { requests: Some(12), duration: None, ..base.clone() }, Ending::Requests);
            let endless = Plan { duration: Some(Duration::from_hours(1)), ..base };
            carry_out(&endless, Ending::Stopped);
            carry_out(&endless, Ending::Threshold);
        }
    };
    thread::scope(|scope| {
        for server in servers {
            scope.spawn(move || against(server));
        }
    });
}

#[test]
fn requests_whose_connection_is_still_being_opened_when_a_run_is_stopped_have_failed() {
    let server = servers::black_hole();
    let control = Control::default();
    let reins = control.clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        reins.stop(Ending::Stopped);
    });
    let reuse = Reuse::PerRequest;
    let plan = Plan { reuse, connections: 8, timeout: Duration::from_mins(1), ..plan(format!("http://{server}/")) };
    let result = run_with(&Plan { duration: Some(Duration::from_hours(1)), ..plan }, &control);
    stopper.join().unwrap();
    assert_eq!((result.requests.sent, result.requests.failed), (8, 8));
    assert_eq!(result.errors[&Cause::Timeout], 8);
}

#[test]
fn redirects_that_come_after_the_end_are_followed() {
    let server = leading(Duration::from_millis(300));
    for reuse in [Reuse::KeepAlive, Reuse::PerRequest] {
        for load in [Load::Closed, constant(20.0, Overload::Queue)] {
            let duration = Some(Duration::from_millis(200));
            let plan = plan(format!("http://{server}/"));
            let result = run(&Plan { reuse, load, duration, redirects: 2, ..plan });
            assert_eq!((result.requests.succeeded, result.statuses["200"]), (4, 4), "{reuse:?} {:?}", result.errors);
        }
    }
    let never = servers::http(|request| {
        if request.split(' ').nth(1) == Some("/b") {
            thread::sleep(Duration::from_mins(1));
        }
        thread::sleep(Duration::from_millis(300));
        Some(REDIRECT.to_vec())
    });
    let timeout = Duration::from_millis(600);
    let duration = Some(Duration::from_millis(200));
    let result = run(&Plan { timeout, duration, redirects: 2, ..plan(format!("http://{never}/")) });
    assert_eq!((result.requests.failed, result.errors[&Cause::Timeout]), (4, 4));
}

#[test]
fn a_connection_whose_body_ends_with_it_is_closed_once() {
    let server = old();
    let result = run(&Plan { requests: Some(50), duration: None, ..plan(format!("http://{server}/")) });
    assert_eq!((result.requests.succeeded, result.connections.closed_by_peer), (50, 50));
}

#[test]
fn counted_requests_go_where_connections_are() {
    let seen = Arc::new(Mutex::new(HashMap::<u64, u64>::new()));
    let (counter, next) = (Arc::clone(&seen), AtomicU64::new(0));
    let server = servers::listen(move |mut stream| {
        let connection = next.fetch_add(1, Ordering::Relaxed);
        while servers::request(&mut stream).is_some() {
            *counter.lock().unwrap().entry(connection).or_default() += 1;
            thread::sleep(Duration::from_millis(2));
            if stream.write_all(OK).is_err() {
                return;
            }
        }
    });
    let (requests, duration) = (Some(300), None);
    run(&Plan { requests, duration, connections: 3, threads: 2, ..plan(format!("http://{server}/")) });
    let seen: Vec<u64> = seen.lock().unwrap().values().copied().collect();
    // two connections share what their thread sends
    assert!(seen.len() == 3 && seen.contains(&100), "{seen:?}");
}

#[test]
fn intervals_are_shown_while_a_thread_that_is_done_tells_nothing() {
    let is_first = AtomicBool::new(true);
    let server = servers::listen(move |mut stream| {
        let pause = if is_first.swap(false, Ordering::Relaxed) { 200 } else { 0 };
        while servers::request(&mut stream).is_some() {
            thread::sleep(Duration::from_millis(pause));
            if stream.write_all(OK).is_err() {
                return;
            }
        }
    });
    let (shown, slot) = (AtomicU64::new(0), Arc::<Mutex<Option<Control>>>::default());
    let reins = Arc::clone(&slot);
    let control = Control::observed(move |_| {
        if shown.fetch_add(1, Ordering::Relaxed) == 1 {
            reins.lock().unwrap().as_ref().unwrap().stop(Ending::Threshold);
        }
    });
    *slot.lock().unwrap() = Some(control.clone());
    let (requests, duration) = (Some(100), None);
    let plan = Plan { requests, duration, connections: 2, threads: 2, ..plan(format!("http://{server}/")) };
    let result = run_with(&plan, &control);
    assert_eq!(result.ended_by, Ending::Threshold);
    // the slow half of them takes ten seconds
    assert!((50..100).contains(&result.requests.succeeded), "{:?}", result.requests);
}
