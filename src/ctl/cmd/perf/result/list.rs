//! `perf result list`.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::base::clock::{self, Timestamp};
use crate::base::error::Result;
use crate::client::ResultsWanted;
use crate::ctl::ui::{Column, Format, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::performance::result::Ending;
use crate::model::performance::summary::{ResultState, Summary};
use crate::perf::stats::order;
use crate::perf::threshold::Outcome;
use crate::perf::units;
use crate::wire::rest::performance::MesheryResult;

/// List results, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result list
  mesheryctl perf result list shop --limit 0 -o json")]
pub struct Args {
    /// Whole name or id of a profile, for its results only.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    profile: Option<String>,
    /// Only results whose test's name holds this text.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Results to list at most; 0 for all.
    #[arg(long, value_name = "NUMBER", default_value_t = 25)]
    limit: u64,
    /// Number of the page, from 1.
    #[arg(short = 'p', long, value_name = "NUMBER", default_value_t = 1, hide_short_help = true)]
    page: u64,
}

/// One result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// Name of the test.
    pub name: String,
    /// Mesh; empty for none.
    pub mesh: String,
    /// The profile.
    pub profile_id: Option<Uuid>,
    /// When the measurement began.
    pub started_at: Timestamp,
    /// How far it is.
    pub state: ResultState,
    /// Its figures.
    pub summary: Summary,
}

impl From<MesheryResult> for Row {
    fn from(result: MesheryResult) -> Self {
        Self {
            id: result.meshery_id,
            name: result.name,
            mesh: result.mesh,
            profile_id: result.performance_profile,
            started_at: result.test_start_time,
            state: result.state,
            summary: result.summary,
        }
    }
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let wanted = ResultsWanted {
        page: args.page.saturating_sub(1),
        page_size: args.limit,
        profile: args.profile.as_deref().unwrap_or_default(),
        search: args.search.as_deref().unwrap_or_default(),
    };
    list(ctx, wanted).await
}

/// Lists a page of the results of a profile, counted from 1; of every result when it is empty.
pub(in super::super) async fn of_profile(ctx: &Ctl, profile: &str, page: Option<u32>) -> Result<()> {
    let page = u64::from(page.unwrap_or(1)).saturating_sub(1);
    list(ctx, ResultsWanted { page, page_size: 25, profile, ..ResultsWanted::default() }).await
}

async fn list(ctx: &Ctl, wanted: ResultsWanted<'_>) -> Result<()> {
    let page = ctx.client().await?.perf_results(wanted).await?;
    let total = page.page.total_count;
    let rows: Vec<Row> = page.results.into_iter().map(Row::from).collect();
    let columns = columns(ctx.now(), &rows);
    let names: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    ctx.ui.print(&Rendered::list("results", &rows, &columns)?.names(names))?;
    let shown = if *ctx.ui.format() == Format::Wide { &[50.0, 99.0, 99.9][..] } else { &[50.0, 99.0] };
    let is_marked = |row: &Row| row.summary.max_ns > 0 && shown.iter().any(|at| is_doubtful(&row.summary, *at));
    if ctx.ui.format().is_table() && rows.iter().any(is_marked) {
        ctx.ui.note("~ is not to be taken as fact; `mesheryctl perf result view ID` says why")?;
    }
    if ctx.ui.format().is_table() && rows.len() as u64 != total {
        ctx.ui.note(&format!("{} of {total} results; --limit 0 lists all", rows.len()))?;
    }
    Ok(())
}

/// What no row has to tell takes no room.
fn columns(now: Timestamp, rows: &[Row]) -> Vec<Column<'static, Row>> {
    let has_dropped = rows.iter().any(|row| row.summary.dropped > 0);
    let has_mesh = rows.iter().any(|row| !row.mesh.is_empty());
    let has_thresholds = rows.iter().any(|row| row.summary.thresholds.is_some());
    vec![
        Column::new("ID", |row: &Row| row.id.to_string()),
        Column::new("NAME", |row: &Row| row.name.clone()),
        Column::new("ACHIEVED", |row: &Row| {
            known(row.summary.elapsed_seconds > 0.0, units::rate(row.summary.achieved_rate))
        }),
        Column::new("P50", |row: &Row| percentile(row, 50.0, row.summary.p50_ns)),
        Column::new("P99", |row: &Row| percentile(row, 99.0, row.summary.p99_ns)),
        Column::new("FAILED", |row: &Row| known(has_ended(row), units::count(row.summary.failed))),
        Column::wide_unless(has_dropped, "DROPPED", |row: &Row| units::count(row.summary.dropped)),
        Column::wide_unless(has_thresholds, "THRESHOLDS", |row: &Row| {
            row.summary.thresholds.map_or("-", Outcome::name).to_owned()
        }),
        Column::new("STATE", state),
        Column::new("AGE", move |row: &Row| clock::age(row.started_at, now)),
        Column::new("ELAPSED", |row: &Row| {
            known(row.summary.elapsed_seconds > 0.0, time_of(row.summary.elapsed_seconds))
        }),
        Column::wide_unless(has_mesh, "MESH", |row: &Row| row.mesh.clone()),
        Column::wide("P99.9", |row: &Row| percentile(row, 99.9, row.summary.p999_ns)),
        Column::wide("MAX", |row: &Row| known(row.summary.max_ns > 0, units::duration_ns(row.summary.max_ns))),
        Column::wide("SENT", |row: &Row| units::count(row.summary.sent)),
        Column::wide("GENERATOR", |row: &Row| row.summary.generator.clone()),
        Column::wide("TARGETS", |row: &Row| row.summary.targets.join(",")),
    ]
}

/// How far a result is; of one that is whole, why it ended before its time where it did.
fn state(row: &Row) -> String {
    match (row.state, row.summary.ended_by) {
        (ResultState::Complete, Ending::Stopped) => "stopped".to_owned(),
        (ResultState::Complete, Ending::Threshold) => "ended early".to_owned(),
        (ResultState::Complete, Ending::WorkersLost) => "workers lost".to_owned(),
        (state, _) => state.name().to_owned(),
    }
}

/// A percentile, behind `~` where it may not be taken as fact; without a response there is none.
fn percentile(row: &Row, percentile: f64, value: u64) -> String {
    let mark = if is_doubtful(&row.summary, percentile) { "~" } else { "" };
    known(row.summary.max_ns > 0, format!("{mark}{}", units::duration_ns(value)))
}

/// Whether a percentile may not be taken as fact. Results that earlier versions stored tell the size of the sample alone.
fn is_doubtful(summary: &Summary, percentile: f64) -> bool {
    match &summary.doubtful {
        Some(names) => names.contains(&units::percentile(percentile)),
        None => !order::is_supported(summary.succeeded + summary.failed, percentile),
    }
}

/// Whether the row has a request that is over.
fn has_ended(row: &Row) -> bool {
    row.summary.succeeded + row.summary.failed + row.summary.dropped > 0
}

/// A figure, or `-` where nothing is measured (yet).
fn known(is_known: bool, figure: String) -> String {
    if is_known { figure } else { "-".to_owned() }
}

fn time_of(seconds: f64) -> String {
    format!("{seconds:.1}s")
}
