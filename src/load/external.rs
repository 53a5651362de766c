//! Generators that are programs of their own. What a plan wants is handed to them as their options, or refused by name;
//! what they measured becomes a result like any other.
//!
//! | module | what it does |
//! | --- | --- |
//! | `options` | options that only one generator has |
//! | `refuse` | what a generator cannot do |
//! | `program` | finds a program, runs it, and ends it |
//! | `scratch` | private files for what must not stand in an argument |
//! | `outline` | what is the same in every result |
//! | `fortio`, `wrk`, `nighthawk` | one generator each |

mod fortio;
mod nighthawk;
mod options;
mod outline;
mod program;
mod refuse;
mod scratch;
mod wrk;

use std::time::Duration;

use crate::base::Result;
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;

/// Carries a plan out with the external generator it names. A warm-up is a run of its own before the measurement, because
/// none of these programs can leave the beginning of a run out.
pub(super) async fn run(plan: Plan, control: Control) -> Result<PerfResult> {
    match plan.generator {
        Generator::Native => crate::load::native(plan, control).await,
        Generator::Fortio => fortio::run(&plan, &control).await,
        Generator::Wrk | Generator::Wrk2 => wrk::run(&plan, &control).await,
        Generator::Nighthawk => nighthawk::run(&plan, &control).await,
    }
}

/// The plan of the warm-up, where there is one.
fn warm_up(plan: &Plan) -> Option<Plan> {
    (plan.warm_up > Duration::ZERO).then(|| Plan {
        duration: Some(plan.warm_up),
        requests: None,
        warm_up: Duration::ZERO,
        ..plan.clone()
    })
}
