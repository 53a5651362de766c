//! The generator measures itself: against servers in this process whose delays follow a known law, and which know when they
//! really answered. What a request then took from the moment it was due is known to both sides; the difference is the
//! generator's error. A server that was late by the fault of the machine makes the expected values late as well, so that
//! stolen time is not taken for an error. The server also stands alone ([`serve()`]), for other generators.

mod client;
mod law;
mod serve;
mod server;
mod truth;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

pub use law::Law;
pub use serve::{Serving, serve};
pub use truth::{Account, Latency};

use crate::base::error::{Code, Error, Result};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Target};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::perf::engine;
use server::{Running, Waiting};
use truth::Moments;

/// Percentiles that are compared.
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];
/// An error up to this is none.
const BOUND_US: f64 = 20.0;
/// An error up to this share of the expected value is none.
const BOUND_SHARE: f64 = 0.01;
/// A pause of the machine delays those that come right after it too: so many times its own length is not to be trusted.
const CONTAMINATION: f64 = 4.0;
const CONNECTIONS: u32 = 64;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests a second.
    pub rate: f64,
    /// How long each law is measured.
    pub duration: Duration,
    /// Which laws.
    pub laws: Vec<Law>,
    /// Seed of the laws' random choices.
    pub seed: u64,
}

/// What came of all laws.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Requests a second.
    pub rate: f64,
    /// Seconds for each law.
    pub seconds: f64,
    /// Whether no percentile of any law lies outside its bound, and every median could be judged.
    pub passed: bool,
    /// The laws.
    pub laws: Vec<LawReport>,
}

/// What came of one law.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LawReport {
    /// Its name.
    pub law: Law,
    /// What the server does.
    pub what: String,
    /// Requests that were measured.
    pub requests: u64,
    /// Share (0 to 1) of the machine's time that the hypervisor gave to others; none where the kernel does not tell.
    pub steal: Option<f64>,
    /// Share (0 to 1) of the time in which the generator or the server could have gone on but had no processor.
    pub cpu_wait: f64,
    /// Whether no percentile lies outside its bound, and the median could be judged.
    pub passed: bool,
    /// The percentiles.
    pub points: Vec<Point>,
}

/// One percentile: what the server knows, and what the generator measured.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Point {
    /// The percentile, 0 to 100.
    pub percentile: f64,
    /// By the server's clock, in microseconds.
    pub expected_us: f64,
    /// By the generator, in microseconds.
    pub measured_us: f64,
    /// Measured less expected, in microseconds.
    pub error_us: f64,
    /// The same as a share of what was expected, in percent.
    pub error_percent: f64,
    /// How far this thread was late by the machine's fault at this percentile: its slip, in microseconds.
    pub floor_us: f64,
    /// The largest error that passes: 1 % of the expected value or 20 us, and the floor.
    pub bound_us: f64,
    /// What follows.
    pub verdict: Verdict,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is at most the bound.
    Within,
    /// It is larger.
    Outside,
    /// It is larger, but the machine kept generator or server from running for so long that this percentile says nothing.
    Unmeasurable,
}

impl Verdict {
    /// Its name in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Outside => "outside",
            Self::Unmeasurable => "unmeasurable",
        }
    }
}

/// Measures every law, one after the other. Blocks until all are done.
///
/// # Errors
/// A server or the generator cannot begin, or a request fails. A percentile out of its bounds is no error: the report says it.
pub fn run(options: &Options, control: &Control) -> Result<Report> {
    let laws = options.laws.iter().map(|law| measure(*law, options, control)).collect::<Result<Vec<_>>>()?;
    Ok(Report {
        rate: options.rate,
        seconds: options.duration.as_secs_f64(),
        passed: laws.iter().all(|law| law.passed),
        laws,
    })
}

fn measure(law: Law, options: &Options, control: &Control) -> Result<LawReport> {
    let server = start(law, options)?;
    let plan = Plan {
        name: format!("selftest {}", law.name()),
        targets: vec![Target { url: format!("http://{}/", server.address), weight: 1 }],
        load: Load::Open { pacing: Pacing::Constant { rate: options.rate }, overload: Overload::Queue },
        connections: CONNECTIONS,
        duration: Some(options.duration),
        seed: options.seed,
        ..Plan::default()
    };
    let outcome = engine::run_from(&plan, control);
    let ended = server.stop()?;
    let answers = ended.record.answers;
    let (result, begin) = outcome?;
    if result.requests.failed > 0 || result.requests.succeeded != answers.len() as u64 {
        let counts = format!("{} of {} requests failed", result.requests.failed, result.requests.sent);
        return Err(Error::new(Code::PerfSelftest, format!("{counts} against a server in this process"))
            .details(result.errors.iter().map(|(cause, count)| format!("{}: {count}", cause.name()))));
    }
    let waited = ended.waited / result.elapsed_seconds + result.generator.cpu_wait.unwrap_or(0.0);
    Ok(judge(law, &result, &expected(&answers, begin, options.rate), waited))
}

/// Starts a server on a free port of loopback.
fn start(law: Law, options: &Options) -> Result<Running<Moments>> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .map_err(|problem| Error::new(Code::PerfEngine, "the selftest has no port for its server").because(problem))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests is positive")]
    let middle = (options.rate * options.duration.as_secs_f64() / 2.0) as usize;
    let seed = options.seed;
    server::start(listener, Waiting::Asleep, move || Moments::new(law, seed, middle))
}

/// What each request took by the server's knowledge: requests arrive in the order in which they were due.
#[expect(clippy::cast_precision_loss, reason = "requests of a selftest are few")]
fn expected(answers: &[Instant], begin: Instant, rate: f64) -> Histogram {
    let mut histogram = Histogram::new();
    for (number, answer) in answers.iter().enumerate() {
        let due = begin + Duration::from_secs_f64(number as f64 / rate);
        histogram.record(answer.saturating_duration_since(due));
    }
    histogram
}

/// `waited` is the share of the time in which one of the two had no processor.
fn judge(law: Law, result: &PerfResult, expected: &Histogram, waited: f64) -> LawReport {
    let lost = CONTAMINATION * 100.0 * (waited + result.generator.steal.unwrap_or(0.0));
    let points: Vec<Point> = PERCENTILES
        .iter()
        .map(|percentile| {
            let at = |histogram: &Histogram| microseconds(histogram.percentile_ns(*percentile));
            let is_lost = 100.0 - *percentile < lost;
            point(*percentile, [at(expected), at(&result.latency.response)], at(&result.latency.slip), is_lost)
        })
        .collect();
    LawReport {
        law,
        what: law.what(),
        requests: result.requests.sent,
        steal: result.generator.steal,
        cpu_wait: waited,
        passed: points.iter().all(|point| point.verdict != Verdict::Outside) && points[0].verdict == Verdict::Within,
        points,
    }
}

fn point(percentile: f64, [expected_us, measured_us]: [f64; 2], floor_us: f64, is_lost: bool) -> Point {
    let error_us = measured_us - expected_us;
    let bound_us = (BOUND_SHARE * expected_us).max(BOUND_US) + floor_us;
    let error_percent = if expected_us > 0.0 { 100.0 * error_us / expected_us } else { 0.0 };
    let verdict = match error_us.abs() <= bound_us {
        true => Verdict::Within,
        false if is_lost => Verdict::Unmeasurable,
        false => Verdict::Outside,
    };
    Point { percentile, expected_us, measured_us, error_us, error_percent, floor_us, bound_us, verdict }
}

#[expect(clippy::cast_precision_loss, reason = "durations of a selftest are short")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_passes_up_to_its_bound() {
        let within =
            |expected, measured, floor| point(99.0, [expected, measured], floor, false).verdict == Verdict::Within;
        assert!(within(100.0, 119.0, 0.0) && !within(100.0, 121.0, 0.0));
        assert!(within(100.0, 121.0, 5.0) && !within(100.0, 79.0, 0.0));
        assert!(within(10_000.0, 10_099.0, 0.0) && !within(10_000.0, 10_101.0, 0.0));
        assert_eq!(point(99.0, [100.0, 200.0], 0.0, true).verdict, Verdict::Unmeasurable);
    }

    #[test]
    fn expected_times_count_from_the_moment_due() {
        let begin = Instant::now();
        let answers = [begin + Duration::from_millis(1), begin + Duration::from_millis(102)];
        let histogram = expected(&answers, begin, 10.0);
        assert_eq!(histogram.count(), 2);
        assert!(histogram.min_ns().abs_diff(1_000_000) < 2_000);
        assert!(histogram.max_ns().abs_diff(2_000_000) < 2_000);
    }

    #[test]
    fn a_generator_that_lies_is_caught() {
        let options = Options { rate: 200.0, duration: Duration::from_millis(500), laws: vec![Law::Constant], seed: 1 };
        let server = start(Law::Constant, &options).unwrap();
        let plan = Plan {
            targets: vec![Target { url: format!("http://{}/", server.address), weight: 1 }],
            load: Load::Open { pacing: Pacing::Constant { rate: 200.0 }, overload: Overload::Queue },
            duration: Some(options.duration),
            ..Plan::default()
        };
        let (mut result, begin) = engine::run_from(&plan, &Control::default()).unwrap();
        let truth = expected(&server.stop().unwrap().record.answers, begin, 200.0);
        result.latency.response = Histogram::new();
        // what a clock in whole milliseconds would have seen
        (0..100).for_each(|_| result.latency.response.record_ns(30_000_000));
        assert!(!judge(Law::Constant, &result, &truth, 0.0).passed);
    }
}
