//! Generators that are programs of their own. `perf::external` says what a plan is in their words; here they are run, and
//! what they measured becomes a result like any other.
//!
//! | module | what it does |
//! | --- | --- |
//! | `program` | finds a program, runs it, and ends it |
//! | `scratch` | private files for what must not stand in an argument |
//! | `outline` | what is the same in every result |
//! | `fortio`, `wrk`, `nighthawk` | one generator each |

mod fortio;
mod nighthawk;
mod outline;
mod program;
mod scratch;
mod wrk;

use crate::base::Result;
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;

/// Carries a plan out with the external generator it names.
pub(super) async fn run(plan: Plan, control: Control) -> Result<PerfResult> {
    match plan.generator {
        Generator::Native => crate::load::native(plan, control).await,
        Generator::Fortio => fortio::run(&plan, &control).await,
        Generator::Wrk | Generator::Wrk2 => wrk::run(&plan, &control).await,
        Generator::Nighthawk => nighthawk::run(&plan, &control).await,
    }
}
