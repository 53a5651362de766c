//! Generators that are programs of their own: what a plan wants, in their words. What they cannot do is refused by name,
//! so that it is known before anything is sent or kept. No program runs here; `load` does that.
//!
//! | module | what it does |
//! | --- | --- |
//! | `options` | options that only one generator has |
//! | `refuse` | what a generator cannot do |
//! | [`fortio`], [`wrk`], [`nighthawk`] | a plan for one generator each; wrk stands for wrk2 too |

pub mod fortio;
pub mod nighthawk;
mod options;
mod refuse;
pub mod wrk;

use std::time::Duration;

use crate::base::Result;
use crate::model::performance::plan::{Generator, Plan};

/// Whether the plan's generator can carry it out, with its warm-up. The native one can do all that a plan can say.
///
/// # Errors
/// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do; [`crate::base::Code::AddressInvalid`]
/// an address that is none.
pub fn check(plan: &Plan) -> Result<()> {
    is_possible(plan)?;
    let Some(first) = warm_up(plan) else { return Ok(()) };
    is_possible(&first).map_err(|error| error.detail("it is the warm-up that asks for this: it is a run of its own"))
}

fn is_possible(plan: &Plan) -> Result<()> {
    match plan.generator {
        Generator::Native => Ok(()),
        Generator::Fortio => fortio::Job::of(plan).map(drop),
        Generator::Wrk | Generator::Wrk2 => wrk::Job::of(plan).map(drop),
        Generator::Nighthawk => nighthawk::Job::of(plan).map(drop),
    }
}

/// The plan of the warm-up, where there is one. It is a run of its own before the measurement, because none of these
/// programs can leave the beginning of a run out.
pub fn warm_up(plan: &Plan) -> Option<Plan> {
    (plan.warm_up > Duration::ZERO).then(|| Plan {
        duration: Some(plan.warm_up),
        requests: None,
        warm_up: Duration::ZERO,
        ..plan.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Code;
    use crate::model::performance::plan::{Load, Overload, Pacing, Target};

    fn plan(generator: Generator) -> Plan {
        Plan {
            generator,
            targets: vec![Target { url: "http://127.0.0.1:1/".into(), weight: 1 }],
            load: Load::Open { pacing: Pacing::Constant { rate: 5.0 }, overload: Overload::Queue },
            ..Plan::default()
        }
    }

    #[test]
    fn every_generator_is_asked_by_its_own_rules() {
        for generator in [Generator::Native, Generator::Fortio, Generator::Wrk2, Generator::Nighthawk] {
            check(&plan(generator)).unwrap();
        }
        assert!(check(&plan(Generator::Wrk)).unwrap_err().message().starts_with("wrk has no rate"));
        let pinned = |generator| Plan { pin: true, ..plan(generator) };
        check(&pinned(Generator::Native)).unwrap();
        for generator in [Generator::Fortio, Generator::Wrk2, Generator::Nighthawk] {
            let error = check(&pinned(generator)).unwrap_err();
            assert_eq!(error.code(), Code::GeneratorOption);
            assert!(error.message().starts_with(generator.name()), "{error}");
        }
    }

    #[test]
    fn a_warm_up_has_to_be_possible_too() {
        let warmed = |length| Plan { warm_up: Duration::from_millis(length), ..plan(Generator::Wrk2) };
        check(&warmed(2_000)).unwrap();
        let error = check(&warmed(1_500)).unwrap_err();
        assert!(error.message().contains("whole seconds as a duration"), "{error}");
        assert!(error.report().details[0].contains("warm-up"), "{error}");
        let counted = Plan { duration: None, requests: Some(9), ..warmed(1_000) };
        assert_eq!(
            warm_up(&counted).map(|first| (first.duration, first.requests)),
            Some((Some(Duration::from_secs(1)), None))
        );
    }
}
