//! One plan shared out to several workers so that what they do together is what the plan says.

use std::time::Duration;

use crate::base::Result;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Step};
use crate::perf::plan::can_share;
use crate::perf::share::Share as Dealt;

/// A worker's share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    /// The plan it carries out.
    pub plan: Plan,
    /// How much later than the others it begins, so that constant rates interleave.
    pub phase: Duration,
}

/// Shares of `workers` workers. Rates are divided evenly: the sum of Poisson processes is one, and constant rates are
/// interleaved by their phase. Connections are divided with the remainder to the first ones. Counted requests go with the
/// rate where there is one, and otherwise with the connections, so that all workers are done at about the same time.
///
/// # Errors
/// [`crate::base::Code::WorkersInvalid`] where a worker would be left without a connection or a request.
pub(super) fn shares(plan: &Plan, workers: u32) -> Result<Vec<Share>> {
    can_share(plan, workers)?;
    Ok((0..workers).map(|index| share(plan, index, workers)).collect())
}

fn share(plan: &Plan, index: u32, workers: u32) -> Share {
    let dealt = Dealt { number: index.into(), of: workers.into(), connections: plan.connections.into() };
    let small = |whole: u32| u32::try_from(dealt.part(u64::from(whole))).unwrap_or(whole);
    let counted = |whole: u64| if plan.load == Load::Closed { dealt.requests(whole) } else { dealt.part(whole) };
    let load = match &plan.load {
        Load::Closed => Load::Closed,
        Load::Open { pacing, overload } => Load::Open {
            pacing: scaled(pacing, 1.0 / f64::from(workers)),
            overload: match overload {
                Overload::Grow { limit } => Overload::Grow { limit: small(*limit) },
                other => *other,
            },
        },
    };
    let phase = phase(&load, index, workers);
    let plan = Plan {
        load,
        connections: small(plan.connections),
        requests: plan.requests.map(counted),
        // who begins later ends with the others
        duration: plan.duration.map(|length| length.saturating_sub(phase)),
        seed: seed(plan.seed, index),
        ..plan.clone()
    };
    Share { plan, phase }
}

fn scaled(pacing: &Pacing, factor: f64) -> Pacing {
    match pacing {
        Pacing::Constant { rate } => Pacing::Constant { rate: rate * factor },
        Pacing::Poisson { rate } => Pacing::Poisson { rate: rate * factor },
        Pacing::Ramp { from, to, over } => Pacing::Ramp { from: from * factor, to: to * factor, over: *over },
        Pacing::Steps { steps } => Pacing::Steps {
            steps: steps.iter().map(|step| Step { rate: step.rate * factor, length: step.length }).collect(),
        },
    }
}

/// One share's distance between requests, divided by the workers. Where the rate changes or is random there is no
/// distance to divide, and the workers begin together.
fn phase(load: &Load, index: u32, workers: u32) -> Duration {
    let Load::Open { pacing: Pacing::Constant { rate }, .. } = load else { return Duration::ZERO };
    Duration::try_from_secs_f64(f64::from(index) / (rate * f64::from(workers))).unwrap_or_default()
}

/// A seed of its own for each worker; the first keeps the plan's. The multiplier is the odd number nearest to 2^64
/// divided by the golden ratio, which spreads neighbouring numbers over the whole range.
fn seed(seed: u64, index: u32) -> u64 {
    seed.wrapping_add(u64::from(index).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Generator;
    use proptest::prelude::*;

    fn open(pacing: Pacing) -> Plan {
        Plan { load: Load::Open { pacing, overload: Overload::Queue }, connections: 16, ..Plan::default() }
    }

    fn rate(plan: &Plan) -> f64 {
        plan.load.rate(plan.duration).unwrap()
    }

    proptest! {
        #[test]
        fn the_shares_are_the_whole(workers in 1u32..64, connections in 64u32..500, requests in 64u64..100_000, rps in 1.0f64..1e6) {
            let plan = Plan { connections, requests: Some(requests), ..open(Pacing::Constant { rate: rps }) };
            let shares = shares(&plan, workers).unwrap();
            prop_assert_eq!(shares.iter().map(|share| share.plan.connections).sum::<u32>(), connections);
            prop_assert_eq!(shares.iter().filter_map(|share| share.plan.requests).sum::<u64>(), requests);
            let sum: f64 = shares.iter().map(|share| rate(&share.plan)).sum();
            prop_assert!((sum / rps - 1.0).abs() < 1e-9);
            prop_assert!(shares.iter().all(|share| share.plan.connections > 0));
        }
    }

    #[test]
    fn without_a_rate_requests_go_where_connections_are() {
        let requests = |load| {
            let plan = Plan { load, connections: 3, requests: Some(10_000), ..Plan::default() };
            shares(&plan, 2).unwrap().iter().map(|share| share.plan.requests.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(requests(Load::Closed), [6_667, 3_333]);
        let pacing = Pacing::Constant { rate: 10.0 };
        assert_eq!(requests(Load::Open { pacing, overload: Overload::Queue }), [5_000, 5_000]);
    }

    #[test]
    fn constant_rates_interleave_to_the_distances_of_the_whole() {
        let shares = shares(&open(Pacing::Constant { rate: 100.0 }), 4).unwrap();
        let mut due: Vec<f64> = shares
            .iter()
            .flat_map(|share| (0..5).map(|n| share.phase.as_secs_f64() + f64::from(n) / rate(&share.plan)))
            .collect();
        due.sort_by(f64::total_cmp);
        assert!(due.windows(2).all(|pair| (pair[1] - pair[0] - 0.01).abs() < 1e-6), "{due:?}");
    }

    #[test]
    fn workers_that_begin_later_end_with_the_others_and_send_what_the_whole_would() {
        for (rate, seconds, workers) in [(10.0, 2, 8), (5.0, 4, 4), (100.0, 2, 4), (1.0, 3, 3), (7.0, 3, 5)] {
            let length = Duration::from_secs(seconds);
            let plan = Plan { duration: Some(length), ..open(Pacing::Constant { rate }) };
            let shares = shares(&plan, workers).unwrap();
            let mut due = 0.0;
            for share in &shares {
                let its = share.plan.duration.unwrap();
                assert_eq!(share.phase + its, length);
                due += (its.as_secs_f64() * self::rate(&share.plan) - 1e-6).ceil();
            }
            assert!((due - rate * length.as_secs_f64()).abs() < 1e-9, "{rate} {seconds} {workers}: {due}");
        }
        let slow = Plan { duration: Some(Duration::from_secs(2)), ..open(Pacing::Constant { rate: 1.0 }) };
        assert_eq!(shares(&slow, 3).unwrap_err().message(), "2 requests cannot be shared by 3 workers");
    }

    #[test]
    fn every_worker_draws_its_own_numbers() {
        let shares = shares(&Plan { seed: 7, ..open(Pacing::Poisson { rate: 8.0 }) }, 8).unwrap();
        let mut seeds: Vec<u64> = shares.iter().map(|share| share.plan.seed).collect();
        assert_eq!(seeds[0], 7);
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 8);
        assert!(shares.iter().all(|share| share.phase.is_zero()));
    }

    #[test]
    fn what_cannot_be_shared_is_refused() {
        let few = Plan { connections: 3, ..Plan::default() };
        assert!(shares(&few, 4).unwrap_err().message().contains("3 connections cannot be shared by 4 workers"));
        let counted = Plan { connections: 8, requests: Some(2), ..Plan::default() };
        assert!(shares(&counted, 4).unwrap_err().message().contains("2 requests"));
        let other = Plan { generator: Generator::Wrk, ..Plan::default() };
        assert!(shares(&other, 1).unwrap_err().message().contains("wrk"));
    }
}
