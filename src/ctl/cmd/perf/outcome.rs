//! What came of a measurement: the report of [`show`], and as JSON the result with its figures.

use schemars::JsonSchema;
use serde::Serialize;

use super::show;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::model::performance::result::PerfResult;
use crate::perf::summary::Summary;

/// A result with its figures, which can be computed from it but not by every program that reads JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown<'r> {
    /// The result.
    #[serde(flatten)]
    pub result: &'r PerfResult,
    /// Rates, shares and percentiles, with what limits each.
    pub summary: Summary,
}

impl<'r> Shown<'r> {
    /// That of a result.
    pub fn of(result: &'r PerfResult) -> Self {
        Self { result, summary: Summary::of(result) }
    }
}

/// Shows a result.
pub(crate) fn print(ctx: &Ctl, result: &PerfResult) -> Result<()> {
    let text = format!("{}id         {}\n", show::show(&ctx.ui, result), result.id);
    ctx.ui.print(&Rendered::one(&Shown::of(result), text)?.names([result.id.to_string()]))
}
