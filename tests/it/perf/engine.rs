//! What a run counts, and how it ends.

use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mesheryctl::base::error::Code;
use mesheryctl::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Reuse, Target};
use mesheryctl::model::performance::result::{Ending, PerfResult};
use mesheryctl::perf::control::Control;
use mesheryctl::perf::engine;
use rustix::process::{Pid, Signal, kill_process};

use super::servers::{self, OK};
use crate::support::env::Env;

pub fn plan(url: impl Into<String>) -> Plan {
    Plan {
        targets: vec![Target { url: url.into(), weight: 1 }],
        duration: Some(Duration::from_millis(500)),
        timeout: Duration::from_secs(5),
        connections: 4,
        ..Plan::default()
    }
}

pub fn run(plan: &Plan) -> PerfResult {
    run_with(plan, &Control::default())
}

/// Runs a plan and wants every request that was due to have ended one way, and every count to fit the others.
pub fn run_with(plan: &Plan, control: &Control) -> PerfResult {
    let result = engine::run(plan, control).unwrap();
    assert_eq!(result.requests.due, result.requests.ended(), "{:?}", result.requests);
    assert!(result.requests.sent <= result.requests.due, "{:?}", result.requests);
    let by_interval: u64 = result.intervals.iter().map(|interval| interval.response.count()).sum();
    assert_eq!(by_interval, result.latency.response.count());
    assert_eq!(result.statuses.values().sum::<u64>(), result.latency.response.count());
    assert_eq!(result.errors.values().sum::<u64>(), result.requests.failed);
    result
}

fn constant(rate: f64, overload: Overload) -> Load {
    Load::Open { pacing: Pacing::Constant { rate }, overload }
}

#[test]
fn every_planned_request_is_sent_and_counted_once() {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let server = servers::http(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Some(OK.to_vec())
    });
    for threads in [1, 3] {
        for load in [Load::Closed, constant(2000.0, Overload::Queue)] {
            seen.store(0, Ordering::Relaxed);
            let plan = Plan { requests: Some(500), threads, load, duration: None, ..plan(format!("http://{server}/")) };
            let result = run(&plan);
            assert_eq!((result.requests.sent, result.requests.succeeded), (500, 500));
            assert_eq!(result.statuses["200"], 500);
            assert_eq!(result.ended_by, Ending::Requests);
            assert_eq!(seen.load(Ordering::Relaxed), 500);
            assert_eq!(result.generator.threads, threads);
        }
    }
}

#[test]
fn the_open_model_sends_by_the_clock() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let plan = Plan { load: constant(400.0, Overload::Queue), ..plan(format!("http://{server}/")) };
    let result = run(&plan);
    assert_eq!((result.requests.due, result.requests.sent), (200, 200));
    assert_eq!(result.latency.slip.count(), 200);
    assert_eq!(result.requested_rate, Some(400.0));
    assert_eq!(result.ended_by, Ending::Duration);
}

#[test]
fn a_stalled_server_cannot_hide_behind_requests_that_were_not_sent() {
    let begin = Instant::now();
    let stall = Mutex::new(false);
    let server = servers::http(move |_| {
        // the first request after half a second holds everybody up for a second
        let mut is_over = stall.lock().unwrap();
        if !*is_over && begin.elapsed() > Duration::from_millis(500) {
            thread::sleep(Duration::from_secs(1));
            *is_over = true;
        }
        drop(is_over);
        Some(OK.to_vec())
    });
    let plan = Plan {
        connections: 2,
        duration: Some(Duration::from_secs(3)),
        load: constant(500.0, Overload::Queue),
        ..plan(format!("http://{server}/"))
    };
    let result = run(&plan);
    assert_eq!(result.requests.succeeded, 1500);
    // a third of the requests was due while the server stalled; only two of them were sent then
    let (response, service) = (&result.latency.response, &result.latency.service);
    assert!(response.percentile_ns(80.0) > 100_000_000, "{}", response.percentile_ns(80.0));
    assert!(response.percentile_ns(99.0) > 900_000_000, "{}", response.percentile_ns(99.0));
    assert!(service.percentile_ns(99.0) < 500_000_000, "{}", service.percentile_ns(99.0));
    assert!(result.requests.queued_most > 300, "{}", result.requests.queued_most);
}

#[test]
fn slow_answers_are_waited_for_as_long_as_their_timeout_and_do_not_lower_the_rate() {
    let server = servers::http(|_| {
        thread::sleep(Duration::from_millis(2_500));
        Some(OK.to_vec())
    });
    let plan = Plan {
        connections: 30,
        duration: Some(Duration::from_secs(1)),
        load: constant(20.0, Overload::Queue),
        ..plan(format!("http://{server}/"))
    };
    let result = run(&plan);
    assert_eq!((result.requests.succeeded, result.requests.failed), (20, 0), "{:?}", result.errors);
    assert!((result.achieved_rate - 20.0).abs() < 1e-9, "{} in {}", result.achieved_rate, result.elapsed_seconds);
    assert!(result.intervals.iter().all(|interval| interval.length_seconds > 0.0), "{:?}", result.intervals);
    let is_limited = |warning: &String| warning.contains("were answered") || warning.contains("no answer");
    assert!(!result.warnings.iter().any(is_limited), "{:?}", result.warnings);
    let in_time = |length: jiff::SignedDuration| length > jiff::SignedDuration::from_millis(2_500);
    assert!(in_time(result.ended_at.duration_since(result.started_at)), "{}", result.ended_at);
}

#[test]
fn a_connections_last_request_counts_into_its_rate() {
    let server = servers::http(|_| {
        thread::sleep(Duration::from_millis(400));
        Some(OK.to_vec())
    });
    for load in [Load::Closed, constant(100.0, Overload::Queue)] {
        let (connections, duration) = (2, Some(Duration::from_secs(1)));
        let result = run(&Plan { connections, duration, load, ..plan(format!("http://{server}/")) });
        // two connections bring five answers a second at most, whatever falls beyond the end
        assert!(
            result.achieved_rate <= 5.0 && result.elapsed_seconds > 1.0,
            "{} in {}",
            result.achieved_rate,
            result.elapsed_seconds
        );
    }
}

#[test]
fn a_stop_does_not_wait_for_timeouts() {
    let server = servers::until(Duration::ZERO);
    let control = Control::default();
    let reins = control.clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        reins.stop(Ending::Stopped);
    });
    let plan = Plan {
        timeout: Duration::from_mins(10),
        duration: None,
        requests: Some(10),
        ..plan(format!("http://{server}/"))
    };
    let result = engine::run(&plan, &control).unwrap();
    stopper.join().unwrap();
    assert_eq!((result.ended_by, result.requests.succeeded, result.requests.failed), (Ending::Stopped, 0, 4));
    assert!(
        result.warnings.iter().any(|warning| warning.contains("4 requests had no answer")),
        "{:?}",
        result.warnings
    );
}

#[test]
fn the_warm_up_is_counted_nowhere() {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let server = servers::http(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Some(OK.to_vec())
    });
    for load in [constant(200.0, Overload::Queue), Load::Closed] {
        seen.store(0, Ordering::Relaxed);
        let warm_up = Duration::from_millis(500);
        let result = run(&Plan { warm_up, load: load.clone(), ..plan(format!("http://{server}/")) });
        assert!(seen.load(Ordering::Relaxed) > result.requests.sent, "{:?}", result.requests);
        if load != Load::Closed {
            assert_eq!((result.requests.sent, seen.load(Ordering::Relaxed)), (100, 200));
        }
    }
}

#[test]
fn what_the_warm_up_cost_is_not_held_against_the_measurement() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let (warm_up, duration) = (Duration::from_secs(2), Some(Duration::from_millis(300)));
    let result = run(&Plan { warm_up, duration, load: Load::Closed, ..plan(format!("http://{server}/")) });
    let generator = &result.generator;
    let used = generator.cpu_user_seconds.unwrap() + generator.cpu_system_seconds.unwrap();
    // the kernel counts in hundredths, each of the two for itself
    assert!(used <= result.elapsed_seconds + 0.05, "{used} s of {} s", result.elapsed_seconds);
}

#[test]
fn targets_get_their_shares() {
    let near = servers::http(|_| Some(OK.to_vec()));
    let far = servers::http(|_| Some(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_vec()));
    for load in [Load::Closed, constant(4000.0, Overload::Queue)] {
        let targets = [(near, 1), (far, 3)];
        let targets =
            targets.map(|(server, weight)| Target { url: format!("http://{server}/"), weight }).into_iter().collect();
        let result = run(&Plan { targets, requests: Some(2000), duration: None, load, ..plan("") });
        let share = result.statuses["201"];
        assert!((1400..1600).contains(&share), "{share}");
    }
}

#[test]
fn connections_are_kept_or_not_as_the_plan_says() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let opened = |reuse| {
        let plan = Plan { requests: Some(100), duration: None, reuse, ..plan(format!("http://{server}/")) };
        let result = run(&plan);
        assert_eq!((result.requests.succeeded, result.connections.failed), (100, 0), "{:?}", result.errors);
        result.connections.opened
    };
    assert_eq!(opened(Reuse::KeepAlive), 4);
    assert_eq!(opened(Reuse::PerRequest), 100);
    let ranged = opened(Reuse::Range { min: 4, max: 6 });
    assert!((17..=29).contains(&ranged), "{ranged}");
}

#[test]
fn requests_are_dropped_or_get_new_connections_when_the_plan_says_so() {
    let server = servers::http(|_| {
        thread::sleep(Duration::from_millis(100));
        Some(OK.to_vec())
    });
    let with =
        |overload| run(&Plan { connections: 2, load: constant(200.0, overload), ..plan(format!("http://{server}/")) });
    let dropping = with(Overload::Drop);
    assert!(dropping.requests.dropped > 50, "{:?}", dropping.requests);
    assert_eq!(dropping.requests.due, dropping.requests.sent + dropping.requests.dropped);
    let growing = with(Overload::Grow { limit: 64 });
    assert!((10..=64).contains(&growing.connections.opened), "{}", growing.connections.opened);
    assert_eq!((growing.requests.due, growing.requests.dropped), (growing.requests.sent, 0));
}

#[test]
fn a_stop_ends_a_run_with_what_was_measured() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&seen);
    let slot: Arc<Mutex<Option<Control>>> = Arc::default();
    let reins = Arc::clone(&slot);
    let control = Control::observed(move |interval| {
        shown.lock().unwrap().push(interval.sent);
        if let Some(control) = &*reins.lock().unwrap() {
            control.stop(Ending::Threshold);
        }
    });
    *slot.lock().unwrap() = Some(control.clone());
    let plan = Plan {
        duration: Some(Duration::from_mins(10)),
        threads: 2,
        load: constant(100.0, Overload::Queue),
        ..plan(format!("http://{server}/"))
    };
    let result = engine::run(&plan, &control).unwrap();
    assert_eq!(result.ended_by, Ending::Threshold);
    assert!(result.requests.succeeded >= 90 && result.elapsed_seconds < 60.0, "{}", result.elapsed_seconds);
    assert_eq!(seen.lock().unwrap().iter().sum::<u64>(), result.requests.sent);
}

#[test]
fn other_protocols_are_spoken_too() {
    let spoken = |plan: Plan, status: &str| {
        let result = run(&Plan { requests: Some(200), duration: None, ..plan });
        assert_eq!(result.requests.succeeded, 200, "{:?} {:?}", plan_name(&result), result.errors);
        assert_eq!(result.statuses[status], 200);
    };
    let body = |plan: Plan| Plan {
        request: mesheryctl::model::performance::plan::Request { body: b"hello".to_vec(), ..plan.request.clone() },
        ..plan
    };
    let http2 = servers::http2(|stream| servers::frame(1, 5, stream, &[0x88]));
    spoken(Plan { protocol: Protocol::Http2, streams: 5, ..plan(format!("http://{http2}/")) }, "200");
    let grpc = servers::http2(|stream| servers::grpc_answer(stream, &[8, 1], "0"));
    spoken(Plan { protocol: Protocol::Grpc, streams: 3, ..body(plan(format!("grpc://{grpc}/s.S/M"))) }, "OK");
    spoken(Plan { protocol: Protocol::GrpcHealth, ..plan(format!("grpc://{grpc}/")) }, "OK");
    let echo = servers::listen(|mut stream| {
        let mut copy = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut copy, &mut stream);
    });
    spoken(Plan { protocol: Protocol::Tcp, ..body(plan(format!("tcp://{echo}"))) }, "ok");
    let datagrams = servers::udp(true);
    spoken(Plan { protocol: Protocol::Udp, ..body(plan(format!("udp://{datagrams}"))) }, "ok");
}

fn plan_name(result: &PerfResult) -> &'static str {
    result.plan.protocol.name()
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused_whole() {
    let broken = Plan { connections: 0, duration: Some(Duration::ZERO), ..plan("localhost") };
    let error = engine::run(&broken, &Control::default()).unwrap_err();
    assert_eq!(error.code(), Code::PerfPlan);
    assert_eq!(error.report().details.len(), 3, "{:?}", error.report());
}

#[test]
fn a_result_says_where_and_by_what_it_was_made() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let result = run(&Plan { requests: Some(10), ..plan(format!("http://user:hunter2@{server}/")) });
    assert!(!serde_json::to_string(&result).unwrap().contains("hunter2"));
    assert_eq!(result.generator.name, "native");
    assert!(result.environment.cpus > 0 && result.environment.memory_mib > 0);
    assert!(result.warnings.iter().any(|warning| warning.contains("99th percentile")), "{:?}", result.warnings);
}

/// The processors that each thread of a process which makes load may use.
fn processors_of_load(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let status = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status")).ok();
    let field = |status: &str, name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let is_load = |status: &String| field(status, "Name:").starts_with("load-");
    tasks.filter_map(status).filter(is_load).map(|status| field(&status, "Cpus_allowed_list:")).collect()
}

#[test]
fn pinned_threads_stay_on_a_processor_each_and_others_may_move() {
    let server = servers::http(|_| Some(OK.to_vec()));
    let url = format!("http://{server}/");
    let env = Env::new();
    let allowed = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = allowed.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let run = |more: &[&'static str]| {
        let base = ["perf", "run", "--url", &url, "--rate", "50", "--threads", "2", "--connections", "2"];
        let run = env.ctl(base.into_iter().chain(["--duration", "1m"]).chain(more.iter().copied()));
        let child = run.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let is_settled =
            |found: &[String]| found.len() == 2 && (more.is_empty() || found.iter().all(|list| list != allowed));
        let mut found = Vec::new();
        while !is_settled(&found) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
            found = processors_of_load(child.id());
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(run.ended(child).code, Some(130));
        found.sort();
        found
    };
    assert_eq!(run(&[]), [allowed, allowed]);
    if thread::available_parallelism().unwrap().get() > 1 {
        let pinned = run(&["--pin"]);
        assert!(pinned.len() == 2 && pinned[0] != pinned[1], "{pinned:?}");
        assert!(pinned.iter().all(|list| list.parse::<u32>().is_ok()), "{pinned:?}");
    }
}
