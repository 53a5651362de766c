//! What a server knows of its answers: for a selftest the moment of each, standing alone a histogram of how long they took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Law, microseconds};
use crate::model::performance::histogram::Histogram;
use crate::perf::engine::machine::{Cpu, Ticks};

/// Says when answers are due and keeps when they were sent.
pub trait Record: Send + 'static {
    /// A request arrived: its number, and how long its answer has to wait.
    fn arrived(&mut self, at: Instant) -> (usize, Duration);
    /// For how long the server stands still from `now` on.
    fn pauses(&mut self, now: Instant) -> Option<Duration>;
    /// The answer to a request was sent.
    fn answered(&mut self, number: usize, arrived: Instant, at: Instant);
    /// What is known, as JSON.
    fn account(&self) -> Option<String>;
    /// Forgets all of it.
    fn reset(&mut self, now: Instant);
}

/// The moment of each answer.
pub struct Moments {
    law: Law,
    random: fastrand::Rng,
    /// When the system had taken each answer, in the order in which the requests arrived.
    pub answers: Vec<Instant>,
    /// After which request to stand still, and for how long.
    pause: Option<(usize, Duration)>,
}

impl Moments {
    /// None so far. A law that stands still does so at request number `middle`.
    pub fn new(law: Law, seed: u64, middle: usize) -> Self {
        let pause = law.pause().map(|length| (middle, length));
        Self { law, random: fastrand::Rng::with_seed(seed), answers: Vec::new(), pause }
    }
}

impl Record for Moments {
    fn arrived(&mut self, at: Instant) -> (usize, Duration) {
        self.answers.push(at);
        (self.answers.len() - 1, self.law.delay(&mut self.random))
    }

    fn pauses(&mut self, _: Instant) -> Option<Duration> {
        self.pause.take_if(|(after, _)| *after < self.answers.len()).map(|(_, length)| length)
    }

    fn answered(&mut self, number: usize, _: Instant, at: Instant) {
        self.answers[number] = at;
    }

    fn account(&self) -> Option<String> {
        None
    }

    fn reset(&mut self, _: Instant) {}
}

/// What a server that stands alone knows of the requests since its begin or its last reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its law.
    pub law: Law,
    /// What that means.
    pub what: String,
    /// The law's constants; times are in microseconds.
    pub parameters: BTreeMap<String, f64>,
    /// Seed of the law's random choices.
    pub seed: u64,
    /// Requests that were answered.
    pub count: u64,
    /// How long they took, from the arrival of their last byte to the system's taking of the answer.
    pub latency_us: Latency,
    /// Seconds that this account spans.
    pub seconds: f64,
    /// Share (0 to 1) of the machine's time that the hypervisor gave to others; none where the kernel does not tell.
    pub steal: Option<f64>,
    /// Share (0 to 1) of the time in which the server could have gone on but had no processor.
    pub cpu_wait: f64,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// A histogram of how long answers really took.
pub struct Truth {
    law: Law,
    seed: u64,
    random: fastrand::Rng,
    taken: Histogram,
    /// Numbers the requests.
    next: usize,
    /// From when on requests count.
    since: Instant,
    /// When the first of them arrived.
    first: Option<Instant>,
    /// The next standstill, counted from the first request.
    pause_at: Option<Duration>,
    ticks: Option<Ticks>,
    cpu: Cpu,
}

impl Truth {
    /// Nothing known so far.
    pub fn new(law: Law, seed: u64) -> Self {
        Self {
            law,
            seed,
            random: fastrand::Rng::with_seed(seed),
            taken: Histogram::new(),
            next: 0,
            since: Instant::now(),
            first: None,
            pause_at: law.next_pause(Duration::ZERO),
            ticks: Ticks::now(),
            cpu: Cpu::of_this_thread(),
        }
    }

    /// What is known now. Has to be asked on the thread that serves: it tells that thread's waiting.
    pub fn now(&self) -> Account {
        let at = |percentile| microseconds(self.taken.percentile_ns(percentile));
        let latency_us = Latency {
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p999: at(99.9),
            max: microseconds(self.taken.max_ns()),
        };
        let seconds = self.since.elapsed().as_secs_f64();
        let waited = Cpu::of_this_thread().since(self.cpu).waited;
        Account {
            law: self.law,
            what: self.law.what(),
            parameters: self.law.parameters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            seed: self.seed,
            count: self.taken.count(),
            latency_us,
            seconds,
            steal: self.ticks.zip(Ticks::now()).map(|(before, after)| after.steal_since(before)),
            cpu_wait: if seconds > 0.0 { (waited / seconds).clamp(0.0, 1.0) } else { 0.0 },
        }
    }
}

impl Record for Truth {
    fn arrived(&mut self, at: Instant) -> (usize, Duration) {
        self.first.get_or_insert(at);
        self.next += 1;
        (self.next, self.law.delay(&mut self.random))
    }

    fn pauses(&mut self, now: Instant) -> Option<Duration> {
        let past = now.saturating_duration_since(self.first?);
        if past < self.pause_at? {
            return None;
        }
        self.pause_at = self.law.next_pause(past + Duration::from_nanos(1));
        self.law.pause()
    }

    fn answered(&mut self, _: usize, arrived: Instant, at: Instant) {
        if arrived >= self.since {
            self.taken.record(at.saturating_duration_since(arrived));
        }
    }

    fn account(&self) -> Option<String> {
        serde_json::to_string(&self.now()).ok()
    }

    fn reset(&mut self, now: Instant) {
        *self = Self { next: self.next, since: now, ..Self::new(self.law, self.seed) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_truth_is_from_arrival_to_answer() {
        let mut truth = Truth::new(Law::Constant, 7);
        let begin = Instant::now();
        for late in 1..=100 {
            let (number, delay) = truth.arrived(begin);
            assert_eq!(delay, MS);
            truth.answered(number, begin, begin + MS * late);
        }
        let account = truth.now();
        assert_eq!((account.count, account.seed, account.law), (100, 7, Law::Constant));
        let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.002;
        assert!(near(account.latency_us.p50, 50_000.0) && near(account.latency_us.p99, 99_000.0), "{account:?}");
        assert!(near(account.latency_us.max, 100_000.0), "{account:?}");
        let json: Account = serde_json::from_str(&truth.account().unwrap()).unwrap();
        assert!(near(json.parameters["delay_us"], 1000.0), "{json:?}");
    }

    #[test]
    fn a_reset_forgets_and_draws_the_same_delays_again() {
        let mut truth = Truth::new(Law::HeavyTail, 3);
        let begin = Instant::now();
        let first: Vec<Duration> = (0..10).map(|_| truth.arrived(begin).1).collect();
        truth.answered(1, begin, begin + MS);
        let reset = begin + MS * 10;
        truth.reset(reset);
        assert_eq!(truth.now().count, 0);
        // it arrived before: its answer belongs to what is forgotten
        truth.answered(2, begin, reset + MS);
        assert_eq!(truth.now().count, 0);
        assert_eq!(first, (0..10).map(|_| truth.arrived(reset).1).collect::<Vec<_>>());
    }

    #[test]
    fn standstills_count_from_the_first_request() {
        let mut truth = Truth::new(Law::Pause, 1);
        let begin = Instant::now();
        assert_eq!(truth.pauses(begin + MS * 60_000), None);
        truth.arrived(begin);
        assert_eq!(truth.pauses(begin + MS * 1_999), None);
        assert_eq!(truth.pauses(begin + MS * 2_001), Law::Pause.pause());
        assert_eq!(truth.pauses(begin + MS * 2_002), None);
        // standstills that nobody saw are not made up for
        assert_eq!(truth.pauses(begin + MS * 11_000), Law::Pause.pause());
        assert_eq!(truth.pauses(begin + MS * 11_001), None);
    }

    #[test]
    fn a_selftest_stands_still_once_in_its_middle() {
        let mut moments = Moments::new(Law::Pause, 1, 2);
        let now = Instant::now();
        let pauses: Vec<bool> = (0..5)
            .map(|_| {
                moments.arrived(now);
                moments.pauses(now).is_some()
            })
            .collect();
        assert_eq!(pauses, [false, false, true, false, false]);
    }
}
