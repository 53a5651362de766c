//! Counts and histograms of one part, added to those of the others.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::{End, Part};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Bytes, Cause, Connections, GeneratorReport, Latency, PerfResult, Requests};
use crate::model::performance::summary;
use crate::perf::control::Detail;

/// What is added: of one part, then of all.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) requests: Requests,
    pub(super) statuses: BTreeMap<String, u64>,
    pub(super) errors: BTreeMap<Cause, u64>,
    pub(super) connections: Connections,
    pub(super) bytes: Bytes,
    pub(super) latency: Latency,
    pub(super) generator: GeneratorReport,
}

impl Sum {
    /// What one worker measured, or what of it arrived.
    pub(super) fn of(part: &Part, is_closed: bool) -> Self {
        let mut sum = match &part.end {
            End::Whole { result, .. } => Self::of_result(result),
            End::Lost(_) => Self::of_intervals(part),
        };
        if is_closed {
            // Without a moment at which requests are due, the two are the same.
            sum.latency.service = sum.latency.response.clone();
        }
        sum
    }

    fn of_result(result: &PerfResult) -> Self {
        Self {
            requests: result.requests,
            statuses: result.statuses.clone(),
            errors: result.errors.clone(),
            connections: result.connections.clone(),
            bytes: result.bytes,
            latency: result.latency.clone(),
            generator: result.generator.clone(),
        }
    }

    fn of_intervals(part: &Part) -> Self {
        let mut arrived = summary::Sum::default();
        part.intervals.intervals().iter().for_each(|interval| arrived.add(interval));
        let mut sum = Self { requests: arrived.requests(), ..Self::default() };
        sum.latency.response = arrived.response;
        if let Some((detail, _)) = &part.detail {
            sum.add_detail(detail);
        }
        sum
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let (all, one) = (&mut self.requests, &other.requests);
        all.due += one.due;
        all.sent += one.sent;
        all.succeeded += one.succeeded;
        all.failed += one.failed;
        all.dropped += one.dropped;
        // The moments of the most need not be the same: this is no less than the truth.
        all.queued_most += one.queued_most;
        add_counts(&mut self.statuses, &other.statuses);
        add_counts(&mut self.errors, &other.errors);
        self.connections.opened += other.connections.opened;
        self.connections.failed += other.connections.failed;
        self.connections.closed_by_peer += other.connections.closed_by_peer;
        self.connections.connect.merge(&other.connections.connect);
        self.bytes.sent += other.bytes.sent;
        self.bytes.received += other.bytes.received;
        self.latency.response.merge(&other.latency.response);
        self.latency.service.merge(&other.latency.service);
        self.latency.slip.merge(&other.latency.slip);
        add_histograms(&mut self.latency.by_class, &other.latency.by_class);
        self.add_generator(&other.generator);
    }

    fn add_detail(&mut self, detail: &Detail) {
        self.latency.service.merge(&detail.service);
        self.latency.slip.merge(&detail.slip);
        add_histograms(&mut self.latency.by_class, &detail.by_class);
        add_counts(&mut self.statuses, &detail.statuses);
        add_counts(&mut self.errors, &detail.errors);
    }

    fn add_generator(&mut self, one: &GeneratorReport) {
        let all = &mut self.generator;
        let sum = |left: Option<f64>, right: Option<f64>| left.zip(right).map(|(a, b)| a + b).or(left).or(right);
        if !one.version.is_empty() {
            all.version.clone_from(&one.version);
        }
        all.cpu_wait = mean((all.cpu_wait, all.threads), (one.cpu_wait, one.threads));
        all.looking = mean((all.looking, all.threads), (one.looking, one.threads));
        all.threads += one.threads;
        all.cpu_user_seconds = sum(all.cpu_user_seconds, one.cpu_user_seconds);
        all.cpu_system_seconds = sum(all.cpu_system_seconds, one.cpu_system_seconds);
        all.steal = all.steal.into_iter().chain(one.steal).reduce(f64::max);
        all.resolution_ns = all.resolution_ns.max(one.resolution_ns);
    }
}

/// A share in the mean of all threads.
fn mean((left, many): (Option<f64>, u32), (right, more): (Option<f64>, u32)) -> Option<f64> {
    let Some((left_share, right_share)) = left.zip(right) else { return left.or(right) };
    let (many, more) = (f64::from(many), f64::from(more));
    Some((left_share * many + right_share * more) / (many + more).max(1.0))
}

fn add_counts<K: Ord + Clone, N: AddAssign + Default + Copy>(all: &mut BTreeMap<K, N>, one: &BTreeMap<K, N>) {
    for (key, count) in one {
        *all.entry(key.clone()).or_default() += *count;
    }
}

fn add_histograms(all: &mut BTreeMap<String, Histogram>, one: &BTreeMap<String, Histogram>) {
    for (key, histogram) in one {
        all.entry(key.clone()).or_default().merge(histogram);
    }
}
