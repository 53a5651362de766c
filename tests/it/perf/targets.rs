//! Targets that do not behave: each failure has its cause, and the run ends on time all the same.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mesheryctl::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Request, Target, Tls};
use mesheryctl::model::performance::result::{Cause, PerfResult};
use mesheryctl::perf::control::Control;
use mesheryctl::perf::engine;
use mesheryctl::perf::threshold::Threshold;

use super::engine::{plan, run};
use super::servers::{self, Authority, OK};

/// Runs both models against a target and wants every failure under `cause`, within the plan's time and the wait for the
/// last responses.
pub fn fails(plan: &Plan, cause: Cause) -> PerfResult {
    let open = Load::Open { pacing: Pacing::Constant { rate: 100.0 }, overload: Overload::Queue };
    let mut last = None;
    for load in [open, Load::Closed] {
        let result = run(&Plan { load, timeout: Duration::from_millis(200), ..plan.clone() });
        let causes: Vec<Cause> = result.errors.keys().copied().collect();
        assert_eq!(causes, [cause], "{:?} {:?}", result.errors, result.requests);
        assert!(result.elapsed_seconds < 3.0, "{}", result.elapsed_seconds);
        // what fails at once is not tried as fast as a processor can
        assert!(result.requests.due < 2_000, "{:?}", result.requests);
        last = Some(result);
    }
    last.unwrap()
}

fn http(address: impl std::fmt::Display) -> Plan {
    plan(format!("http://{address}/"))
}

#[test]
fn refused_connections() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let result = fails(&http(gone), Cause::Refused);
    assert_eq!((result.requests.succeeded, result.connections.opened), (0, 0));
    assert!(result.connections.failed > 0);
    let body = Request { body: b"x".to_vec(), ..Request::default() };
    fails(&Plan { protocol: Protocol::Udp, request: body, ..plan(format!("udp://{gone}")) }, Cause::Refused);
}

#[test]
fn requests_that_fail_for_want_of_a_connection_were_not_sent() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let load = Load::Open { pacing: Pacing::Constant { rate: 200.0 }, overload: Overload::Queue };
    let result = run(&Plan { load, duration: Some(Duration::from_secs(1)), ..http(gone) });
    let requests = result.requests;
    assert_eq!((requests.due, requests.failed, requests.sent), (200, 200, 0));
}

#[test]
fn a_target_that_dies_before_the_end_leaves_nobody_uncounted() {
    let server = servers::until(Duration::from_millis(700));
    let load = Load::Open { pacing: Pacing::Constant { rate: 100.0 }, overload: Overload::Queue };
    let result = run(&Plan { load, duration: Some(Duration::from_secs(1)), ..http(server) });
    let requests = result.requests;
    assert_eq!((requests.due, requests.ended()), (100, 100));
    assert!(requests.bad() >= 20, "{requests:?}");
    for threshold in ["errors<1%", "p99<1s"] {
        let verdict = Threshold::parse(threshold).unwrap().judge(&result);
        assert!(verdict.is_breached(), "{verdict}");
    }
}

#[test]
fn rates_beyond_any_generator_are_refused_and_high_ones_end_on_time() {
    let load = |rate| Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue };
    let server = servers::until(Duration::from_mins(1));
    let plan = Plan { duration: Some(Duration::from_millis(300)), ..http(server) };
    let beyond = engine::run(&Plan { load: load(1e9), ..plan.clone() }, &Control::default());
    assert!(beyond.unwrap_err().to_string().contains("the most is 10000000"));
    let result = run(&Plan { load: load(5e6), ..plan });
    assert_eq!(result.requests.due, 1_500_000);
    assert_eq!(result.requests.due, result.requests.ended());
}

#[test]
fn names_without_address() {
    fails(&http("nowhere.invalid"), Cause::Resolve);
}

#[test]
fn connections_that_are_reset() {
    // to close with unread bytes is to reset
    let server = servers::listen(|stream| {
        let _ = stream.peek(&mut [0]);
    });
    fails(&http(server), Cause::Reset);
}

#[test]
fn servers_that_stall_or_trickle() {
    let stalling = servers::listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    fails(&http(stalling), Cause::Timeout);
    let trickling = servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
        for byte in OK {
            thread::sleep(Duration::from_millis(50));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    fails(&http(trickling), Cause::Timeout);
    let silent = servers::http2(|_| Vec::new());
    fails(&Plan { protocol: Protocol::Http2, ..http(silent) }, Cause::Timeout);
    let body = Request { body: b"x".to_vec(), ..Request::default() };
    let deaf = servers::udp(false);
    fails(&Plan { protocol: Protocol::Udp, request: body, ..plan(format!("udp://{deaf}")) }, Cause::Timeout);
}

#[test]
fn garbage_and_the_wrong_protocol() {
    let garbage = servers::http(|_| Some(b"\x00\x01garbage\r\n\r\n".to_vec()));
    fails(&http(garbage), Cause::Protocol);
    let old = servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    fails(&Plan { protocol: Protocol::Http2, ..http(old) }, Cause::Protocol);
    let new = servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
        let _ = stream.write_all(&servers::frame(4, 0, 0, &[]));
        let _ = stream.read(&mut [0; 64]);
    });
    fails(&http(new), Cause::Protocol);
}

#[test]
fn responses_that_are_cut_off() {
    let cut = servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 64]);
    });
    fails(&http(cut), Cause::Closed);
    let mute = servers::listen(|mut stream| {
        let _ = servers::request(&mut stream);
    });
    fails(&http(mute), Cause::Closed);
    let leaving = servers::http2(|_| servers::frame(7, 0, 0, &[0; 8]));
    fails(&Plan { protocol: Protocol::Http2, ..http(leaving) }, Cause::Stream);
}

#[test]
fn redirects_are_counted_or_followed() {
    let server = servers::http(|request| {
        let to =
            |place: &str| format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        Some(match request.split(' ').nth(1) {
            Some("/a") => to("/b"),
            Some("/b") => OK.to_vec(),
            _ => to("/loop"),
        })
    });
    let ask = |path: &str, redirects| {
        run(&Plan { requests: Some(50), redirects, duration: None, ..plan(format!("http://{server}{path}")) })
    };
    let counted = ask("/a", 0);
    assert_eq!((counted.requests.succeeded, counted.statuses["302"]), (50, 50));
    let followed = ask("/a", 1);
    assert_eq!((followed.requests.succeeded, followed.statuses["200"]), (50, 50));
    let lost = ask("/loop", 3);
    assert_eq!((lost.requests.failed, lost.errors[&Cause::Redirect]), (50, 50));
}

#[test]
fn answers_that_are_errors() {
    let server = servers::http(|_| Some(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let result = run(&Plan { requests: Some(50), ..http(server) });
    assert_eq!((result.errors[&Cause::Status], result.statuses["500"]), (50, 50));
    assert_eq!(result.latency.by_class["5xx"].count(), 50);
    let grpc = servers::http2(|stream| servers::grpc_answer(stream, &[], "14"));
    let call = Plan { protocol: Protocol::Grpc, requests: Some(50), ..plan(format!("grpc://{grpc}/s.S/M")) };
    let result = run(&call);
    assert_eq!((result.errors[&Cause::Status], result.statuses["UNAVAILABLE"]), (50, 50));
    let sick = servers::http2(|stream| servers::grpc_answer(stream, &[8, 2], "0"));
    let check = Plan { protocol: Protocol::GrpcHealth, requests: Some(50), ..plan(format!("grpc://{sick}/")) };
    assert_eq!(run(&check).errors[&Cause::Content], 50);
}

#[test]
fn certificates_that_do_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path.display().to_string())
    };
    let ca = write("ca.pem", &authority.pem());
    let good = authority.issue("127.0.0.1", |_| ());
    let https = |pair, tls: &Tls| Plan { tls: tls.clone(), ..plan(format!("https://{}/", servers::https(pair, None))) };
    let trusting = Tls { ca, ..Tls::default() };
    let stranger = Authority::new().issue("127.0.0.1", |_| ());
    fails(&https(&stranger, &trusting), Cause::Certificate);
    let expired = authority.issue("127.0.0.1", |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    fails(&https(&expired, &trusting), Cause::Certificate);
    let other = authority.issue("elsewhere.example", |_| ());
    fails(&https(&other, &trusting), Cause::Certificate);
    let named = Tls { server_name: Some("elsewhere.example".into()), ..trusting.clone() };
    let blind = Tls { insecure: true, ..Tls::default() };
    for plan in [https(&good, &trusting), https(&other, &named), https(&stranger, &blind)] {
        let result = run(&Plan { requests: Some(20), ..plan });
        assert_eq!(result.requests.succeeded, 20, "{:?}", result.errors);
    }
    let mutual = plan(format!("https://{}/", servers::https(&good, Some(&authority))));
    fails(&Plan { tls: trusting.clone(), ..mutual.clone() }, Cause::Tls);
    let own = authority.issue("client", |_| ());
    let key = write("key.pem", &own.key.serialize_pem());
    let tls = Tls { cert: write("cert.pem", &own.certificate), key, ..trusting };
    assert_eq!(run(&Plan { requests: Some(20), tls, ..mutual }).requests.succeeded, 20);
}

#[test]
fn tls_against_a_server_without() {
    let plain = servers::listen(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    fails(&Plan { tls: Tls { insecure: true, ..Tls::default() }, ..plan(format!("https://{plain}/")) }, Cause::Tls);
}

#[test]
fn a_server_that_vanishes_while_it_is_measured() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let stream = Mutex::new(stream);
        for _ in 0..20 {
            let mut stream = stream.lock().unwrap();
            let _ = servers::request(&mut *stream);
            let _ = stream.write_all(OK);
        }
    });
    let load = Load::Open { pacing: Pacing::Constant { rate: 100.0 }, overload: Overload::Queue };
    let result = run(&Plan { connections: 1, load, ..http(address) });
    assert_eq!((result.requests.succeeded, result.requests.due), (20, 50));
    assert!(result.errors[&Cause::Refused] >= 28, "{:?}", result.errors);
}

#[test]
fn a_connection_of_http2_that_falls_silent_is_left_for_another() {
    let first = AtomicBool::new(true);
    let server = servers::listen(move |stream| {
        let is_first = first.swap(false, Ordering::Relaxed);
        // streams have odd numbers: five requests are answered
        servers::converse2(stream, &|id| if is_first && id > 9 { Vec::new() } else { servers::http2_answer(id) });
    });
    let load = Load::Open { pacing: Pacing::Constant { rate: 50.0 }, overload: Overload::Queue };
    let (timeout, duration) = (Duration::from_millis(300), Some(Duration::from_secs(3)));
    let protocol = Protocol::Http2;
    let result = run(&Plan { protocol, load, timeout, duration, connections: 1, streams: 100, ..http(server) });
    assert_eq!((result.connections.opened, result.requests.due), (2, 150), "{:?}", result.errors);
    assert!(result.requests.succeeded > 75, "{:?}", result.requests);
}

#[test]
fn one_dead_target_of_two_takes_nothing_from_the_other() {
    let alive = servers::http(|_| Some(OK.to_vec()));
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let targets = [alive, dead].map(|server| Target { url: format!("http://{server}/"), weight: 1 }).to_vec();
    let load = Load::Open { pacing: Pacing::Constant { rate: 400.0 }, overload: Overload::Queue };
    let result = run(&Plan { targets, load, ..http(alive) });
    assert_eq!(result.requests.due, 200);
    assert_eq!(result.requests.succeeded + result.errors[&Cause::Refused], 200);
    assert!((60..140).contains(&result.requests.succeeded), "{:?}", result.requests);
}
