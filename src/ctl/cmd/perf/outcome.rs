//! What came of a measurement, on the terminal and as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::performance::result::PerfResult;
use crate::perf::threshold::Verdict;
use crate::perf::units;

/// A result with the verdicts on it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The result.
    #[serde(flatten)]
    pub result: PerfResult,
    /// What its thresholds came to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

/// A figure and its value.
type Row = (String, String);

/// Shows a result.
pub(crate) fn print(ctx: &Ctl, result: &PerfResult, verdicts: &[Verdict]) -> Result<()> {
    let shown = Shown { result: result.clone(), verdicts: verdicts.to_vec() };
    let rows = rows(&shown);
    let columns = [Column::new("FIGURE", |row: &Row| row.0.clone()), Column::new("VALUE", |row: &Row| row.1.clone())];
    for warning in &result.warnings {
        ctx.ui.warn(warning)?;
    }
    ctx.ui.print(&Rendered::table(&shown, &rows, &columns)?.names([result.id.to_string()]))
}

fn rows(shown: &Shown) -> Vec<Row> {
    let result = &shown.result;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let response = &result.latency.response;
    let mut rows = vec![row("test", result.name.clone()), row("id", result.id.to_string())];
    let asked = result.requested_rate.map(|rate| format!(" of {}/s", units::rate(rate))).unwrap_or_default();
    rows.push(row("rate", format!("{}/s{asked}", units::rate(result.achieved_rate))));
    rows.push(row("duration", format!("{:.1}s", result.elapsed_seconds)));
    for percentile in [50.0, 75.0, 90.0, 99.0, 99.9] {
        rows.push(row(&format!("p{percentile}"), units::duration_ns(response.percentile_ns(percentile))));
    }
    rows.push(row("max", units::duration_ns(response.max_ns())));
    let requests = &result.requests;
    let counts = format!(
        "{} sent, {} good, {} failed, {} dropped",
        requests.sent, requests.succeeded, requests.failed, requests.dropped
    );
    rows.push(row("requests", counts));
    rows.extend(result.statuses.iter().map(|(status, count)| row(&format!("status {status}"), count.to_string())));
    rows.extend(result.errors.iter().map(|(cause, count)| row(&format!("error {}", cause.name()), count.to_string())));
    rows.extend(shown.verdicts.iter().map(|verdict| row("threshold", verdict.to_string())));
    rows
}
