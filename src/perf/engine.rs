//! The generator in this binary.

use crate::base::error::{Error, Result};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;

/// Carries a plan out. Blocks until the measurement is over: its threads are its own.
///
/// # Errors
/// The plan cannot be begun. Requests that fail are part of the result, never an error.
pub fn run(plan: &Plan, _control: &Control) -> Result<PerfResult> {
    Err(Error::internal(format!("the engine cannot carry out `{}` yet", plan.name)))
}
