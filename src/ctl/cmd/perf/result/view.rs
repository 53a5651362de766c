//! `perf result view`.

use super::super::outcome;
use super::find;
use crate::base::error::{Code, Error, Result};
use crate::client::ResultsWanted;
use crate::ctl::Ctl;
use crate::model::performance::summary::ResultState;
use crate::wire::rest::performance::StoredResult;

/// Show a result.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result view 01890a5d
  mesheryctl perf result view 01890a5d -o json")]
pub struct Args {
    /// Id of the result, or the beginning of it.
    #[arg(value_name = "ID", add = crate::ctl::complete::perf_results())]
    id: String,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    show(ctx, &find(ctx, &args.id).await?)
}

/// Shows the newest result of a profile, of the tests whose name holds `test`.
pub(in super::super) async fn newest(ctx: &Ctl, profile: &str, test: &str) -> Result<()> {
    let client = ctx.client().await?;
    let wanted = ResultsWanted { page_size: 1, profile, search: test, ..ResultsWanted::default() };
    let newest = client.perf_results(wanted).await?.results.into_iter().next().ok_or_else(|| {
        Error::new(Code::PerfResultNotFound, format!("profile `{profile}` has no such result"))
            .remedy(format!("Measure with `mesheryctl perf run {profile}`."))
    })?;
    show(ctx, &client.perf_result(newest.meshery_id).await?)
}

fn show(ctx: &Ctl, stored: &StoredResult) -> Result<()> {
    if stored.state != ResultState::Complete {
        ctx.ui.warn(&format!("this result is {}", stored.state.name()))?;
    }
    outcome::print(ctx, &stored.result)
}
