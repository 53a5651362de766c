//! A made-up result for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::model::performance::environment::{Environment, Kubernetes, Mesh, Node, Resources};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Target};
use crate::model::performance::result::{
    Bytes, Cause, Connections, Ending, GeneratorReport, Interval, Latency, PerfResult, Requests, SCHEMA,
};
use crate::perf::stats::random::Random;

/// Seconds of every made-up run.
pub const SECONDS: u64 = 30;

/// A run of 30 s with `count` requests, of which one in fifty is answered 503 and one in a hundred is reset; response
/// times follow an exponential law with a mean of 4 ms beyond 1 ms.
pub fn result(count: u64) -> PerfResult {
    scaled(count, 1.0, 1)
}

/// As [`result`], with every response time multiplied by `factor`, by another stream of chance.
pub fn scaled(count: u64, factor: f64, seed: u64) -> PerfResult {
    let mut made = Made::default();
    let mut random = Random::new(seed);
    for second in 0..SECONDS {
        let here = count * (second + 1) / SECONDS - count * second / SECONDS;
        made.second(second, here, || ((1e6 + random.exponential() * 4e6) * factor) as u64);
    }
    made.result(count)
}

#[derive(Default)]
struct Made {
    latency: Latency,
    intervals: Vec<Interval>,
    unavailable: u64,
    reset: u64,
    sent: u64,
}

impl Made {
    fn second(&mut self, second: u64, count: u64, mut draw: impl FnMut() -> u64) {
        let mut response = Histogram::new();
        let mut failed = 0;
        for _ in 0..count {
            self.sent += 1;
            if self.sent.is_multiple_of(100) {
                (self.reset, failed) = (self.reset + 1, failed + 1);
                continue;
            }
            let time = draw();
            let bad = self.sent % 50 == 25;
            (self.unavailable, failed) = (self.unavailable + u64::from(bad), failed + u64::from(bad));
            response.record_ns(time);
            self.latency.service.record_ns(time - time / 10);
            self.latency.slip.record_ns(time / 100);
            let class = if bad { "5xx" } else { "2xx" };
            self.latency.by_class.entry(class.to_owned()).or_default().record_ns(time);
        }
        self.latency.response.merge(&response);
        self.intervals.push(Interval {
            start_seconds: second as f64,
            length_seconds: 1.0,
            sent: count,
            succeeded: count - failed,
            failed,
            dropped: 0,
            response: response.into(),
        });
    }

    fn result(self, count: u64) -> PerfResult {
        let failed = self.unavailable + self.reset;
        let rate = count as f64 / SECONDS as f64;
        let mut connect = Histogram::new();
        connect.record_n(250_000, 8);
        PerfResult {
            schema: SCHEMA.to_owned(),
            id: Uuid::from_u128(7),
            name: "checkout <&> \"quoted\"".to_owned(),
            profile_id: None,
            plan: plan(rate),
            started_at: Timestamp::from_second(1_790_000_000).unwrap(),
            ended_at: Timestamp::from_second(1_790_000_000 + SECONDS as i64).unwrap(),
            elapsed_seconds: SECONDS as f64,
            ended_by: Ending::Duration,
            requested_rate: Some(rate),
            achieved_rate: rate,
            requests: Requests {
                due: count,
                sent: count,
                succeeded: count - failed,
                failed,
                dropped: 0,
                queued_most: 3,
            },
            statuses: BTreeMap::from([("200".to_owned(), count - failed), ("503".to_owned(), self.unavailable)]),
            errors: BTreeMap::from([(Cause::Status, self.unavailable), (Cause::Reset, self.reset)]),
            connections: Connections { opened: 8, failed: 0, closed_by_peer: 1, connect },
            bytes: Bytes { sent: count * 90, received: count * 400 },
            latency: self.latency,
            intervals: self.intervals,
            generator: GeneratorReport {
                name: "native".to_owned(),
                version: "0.1.0".to_owned(),
                threads: 1,
                cpu_user_seconds: Some(1.5),
                cpu_system_seconds: Some(2.5),
                steal: Some(0.012),
                cpu_wait: None,
                looking: None,
                resolution_ns: 0,
            },
            environment: environment(),
            workers: Vec::new(),
            warnings: vec!["1.2 % of the machine's time was given to others".to_owned()],
            verdicts: Vec::new(),
            server_metrics: BTreeMap::new(),
        }
    }
}

fn plan(rate: f64) -> Plan {
    Plan {
        name: "checkout".to_owned(),
        mesh: Some("ISTIO".to_owned()),
        targets: vec![Target { url: "http://shop.example:8080/cart?x=1&y=2".to_owned(), weight: 1 }],
        load: Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue },
        connections: 8,
        duration: Some(Duration::from_secs(SECONDS)),
        ..Plan::default()
    }
}

fn environment() -> Environment {
    Environment {
        host: "bench".to_owned(),
        os: "linux 6.18.0".to_owned(),
        arch: "x86_64".to_owned(),
        cpu_model: "made up".to_owned(),
        cpus: 2,
        memory_mib: 4096,
        kubernetes: Some(Kubernetes {
            context: "kind".to_owned(),
            version: "v1.36.3".to_owned(),
            nodes: vec![Node { name: "n1".to_owned(), kind: "amd64".to_owned(), cores: 2, memory_mib: 4096 }],
        }),
        mesh: Some(Mesh {
            kind: "ISTIO".to_owned(),
            version: Some("1.29.0".to_owned()),
            control_plane: 1,
            ingress_gateways: 1,
            sidecars: 2,
            control_plane_each: Some(Resources { cpu_mcores: 500, memory_mib: 2048 }),
            sidecar_each: Some(Resources { cpu_mcores: 100, memory_mib: 128 }),
            ingress_gateway_each: None,
            mtls: Some(true),
            labels: BTreeMap::new(),
        }),
    }
}
