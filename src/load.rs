//! Rank 5: a measurement by whichever generator its plan names. Joins the engine `perf` with gateways.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`distributed`] | the native generator on several workers |
//! | `external` | fortio, wrk, wrk2 and Nighthawk |

pub mod distributed;
mod external;

use crate::base::error::{Error, Result};
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::perf::engine;

/// Carries a plan out with its generator.
///
/// # Errors
/// The plan cannot be begun, or its generator is not there. Requests that fail are part of the result, never an error.
pub async fn run(plan: Plan, control: Control) -> Result<PerfResult> {
    match plan.generator {
        Generator::Native => native(plan, control).await,
        _ => external::run(plan, control).await,
    }
}

async fn native(plan: Plan, control: Control) -> Result<PerfResult> {
    tokio::task::spawn_blocking(move || engine::run(&plan, &control))
        .await
        .map_err(|problem| Error::internal(format!("the load generator ended: {problem}")))?
}
