//! What came of a measurement: the report of [`show`], and as JSON the result with the verdicts on it.

use schemars::JsonSchema;
use serde::Serialize;

use super::show;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::model::performance::result::PerfResult;
use crate::perf::threshold::Verdict;

/// A result with the verdicts on it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The result.
    #[serde(flatten)]
    pub result: PerfResult,
    /// What its thresholds came to; empty without any.
    pub verdicts: Vec<Verdict>,
}

/// Shows a result.
pub(crate) fn print(ctx: &Ctl, result: &PerfResult, verdicts: &[Verdict]) -> Result<()> {
    let shown = Shown { result: result.clone(), verdicts: verdicts.to_vec() };
    let text = format!("{}id         {}\n", show::show(&ctx.ui, result, verdicts), result.id);
    ctx.ui.print(&Rendered::one(&shown, text)?.names([result.id.to_string()]))
}
