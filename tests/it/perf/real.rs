//! The generator against servers that others wrote.

use std::time::Duration;

use mesheryctl::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Request};
use mesheryctl::model::performance::result::PerfResult;

use super::engine::{plan, run};
use crate::support::cluster::Kit;

/// 2,000 requests in both models, every one of them answered well.
fn answers(plan: &Plan, status: &str) -> PerfResult {
    let open = Load::Open { pacing: Pacing::Poisson { rate: 2000.0 }, overload: Overload::Queue };
    let mut last = None;
    for load in [open, Load::Closed] {
        let plan = Plan { load, requests: Some(2000), duration: Some(Duration::from_mins(1)), ..plan.clone() };
        let result = run(&plan);
        assert_eq!((result.requests.succeeded, result.statuses[status]), (2000, 2000), "{:?}", result.errors);
        last = Some(result);
    }
    last.unwrap()
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn nginx_answers_both_versions_of_http() {
    let kit = Kit::up();
    let old = plan(kit.get("LOAD_HTTP"));
    assert_eq!(answers(&old, "200").connections.opened, 4);
    answers(&Plan { protocol: Protocol::Http2, streams: 10, ..plan(kit.get("LOAD_HTTP2")) }, "200");
    let moved = Plan { redirects: 1, ..plan(format!("{}/moved", kit.get("LOAD_HTTP"))) };
    answers(&moved, "200");
    let large = Request { method: "POST".into(), body: vec![b'x'; 200_000], ..Request::default() };
    let large = Plan { protocol: Protocol::Http2, request: large, requests: Some(50), ..plan(kit.get("LOAD_HTTP2")) };
    assert_eq!(run(&large).requests.sent, 50);
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn fortio_answers_grpc_tcp_and_udp() {
    let kit = Kit::up();
    let grpc = kit.get("LOAD_GRPC");
    answers(&Plan { protocol: Protocol::GrpcHealth, streams: 4, ..plan(format!("grpc://{grpc}/")) }, "OK");
    // fgrpc.PingMessage with `seq` 1
    let ping = Request { body: vec![8, 1], ..Request::default() };
    let call = Plan { protocol: Protocol::Grpc, request: ping, ..plan(format!("grpc://{grpc}/fgrpc.PingServer/Ping")) };
    answers(&call, "OK");
    let unknown = Plan { requests: Some(10), ..call };
    let unknown = Plan { targets: plan(format!("grpc://{grpc}/no.Such/Method")).targets, ..unknown };
    assert_eq!(run(&unknown).statuses["UNIMPLEMENTED"], 10);
    let hello = Request { body: b"hello".to_vec(), ..Request::default() };
    let tcp = plan(format!("tcp://{}", kit.get("LOAD_TCP")));
    answers(&Plan { protocol: Protocol::Tcp, request: hello.clone(), ..tcp }, "ok");
    let udp = plan(format!("udp://{}", kit.get("LOAD_UDP")));
    answers(&Plan { protocol: Protocol::Udp, request: hello, ..udp }, "ok");
}
