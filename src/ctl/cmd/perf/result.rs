//! `perf result`: what was measured.

pub mod delete;
pub mod export;
pub mod import;
pub mod list;
pub mod view;

use clap::Subcommand;
use uuid::Uuid;

use super::profile::is_beginning_of_id;
use crate::base::error::{Code, Error, Result};
use crate::client::ResultsWanted;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::performance::StoredResult;

/// Look at the results of measurements.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "EXAMPLES:
  mesheryctl perf result list
  mesheryctl perf result list shop
  mesheryctl perf result view 01890a5d
  mesheryctl perf result export 01890a5d report.html
  mesheryctl perf result delete 01890a5d --yes"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// A profile whose results are listed, as `perf result NAME` did.
    #[arg(value_name = "PROFILE", hide = true, add = complete::perf_profiles())]
    profile: Option<String>,
    /// Show its newest result.
    #[arg(long, hide = true, requires = "profile")]
    view: bool,
    /// Number of the page, from 1, of 25 results each.
    #[arg(short = 'p', long, hide = true, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    page: Option<u32>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    Export(export::Args),
    Import(import::Args),
    Delete(delete::Args),
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    match (args.command, args.profile) {
        (Some(Command::List(args)), _) => list::run(ctx, &args).await,
        (Some(Command::View(args)), _) => view::run(ctx, &args).await,
        (Some(Command::Export(args)), _) => export::run(ctx, &args).await,
        (Some(Command::Import(args)), _) => import::run(ctx, &args).await,
        (Some(Command::Delete(args)), _) => delete::run(ctx, &args).await,
        (None, Some(profile)) if args.view => view::newest(ctx, &profile, "").await,
        (None, profile) => list::of_profile(ctx, profile.as_deref().unwrap_or_default(), args.page).await,
    }
}

/// The id of the result that is meant: a whole id, or the beginning of one.
pub(super) async fn find_id(ctx: &Ctl, wanted: &str) -> Result<Uuid> {
    if let Ok(id) = Uuid::parse_str(wanted) {
        return Ok(id);
    }
    let missing = || Error::new(Code::PerfResultNotFound, format!("there is no result `{wanted}`"));
    if !is_beginning_of_id(wanted) {
        return Err(missing());
    }
    let lower = wanted.to_lowercase();
    let all = ctx.client().await?.perf_results(ResultsWanted::default()).await?.results;
    let fits: Vec<_> = all.iter().filter(|result| result.meshery_id.to_string().starts_with(&lower)).collect();
    match fits.as_slice() {
        [] => Err(missing()),
        [one] => Ok(one.meshery_id),
        several => {
            Err(Error::new(Code::PerfAmbiguous, format!("`{wanted}` is the beginning of {} ids", several.len()))
                .details(several.iter().map(|result| format!("{} {}", result.meshery_id, result.name))))
        }
    }
}

/// The result that is meant, whole.
pub(super) async fn find(ctx: &Ctl, wanted: &str) -> Result<StoredResult> {
    let id = find_id(ctx, wanted).await?;
    ctx.client().await?.perf_result(id).await
}
