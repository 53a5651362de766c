//! `perf profile`: plans of measurements that are kept under a name.

pub mod create;
pub mod delete;
pub mod edit;
pub mod export;
pub mod list;
pub mod view;

use clap::Subcommand;

use crate::base::error::{Code, Error, Result};
use crate::ctl::{Ctl, complete};
use crate::model::performance::profile::Profile;
use crate::perf::redact;

/// Keep plans of measurements under a name.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "EXAMPLES:
  mesheryctl perf profile create shop --url http://localhost:8080 --rate 500
  mesheryctl perf profile list
  mesheryctl perf profile view shop -o yaml
  mesheryctl perf profile edit shop --duration 90s
  mesheryctl perf profile export shop test.yaml
  mesheryctl perf profile delete shop --yes"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Profiles whose name holds this text, as `perf profile NAME` did.
    #[arg(value_name = "NAME", hide = true, add = complete::perf_profiles())]
    name: Option<String>,
    /// Show the profile of that name.
    #[arg(long, hide = true, requires = "name")]
    view: bool,
    /// Number of the page, from 1, of 25 profiles each.
    #[arg(short = 'p', long, hide = true, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    page: Option<u32>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Create(Box<create::Args>),
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    Edit(Box<edit::Args>),
    Export(export::Args),
    Delete(delete::Args),
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    match (args.command, args.name) {
        (Some(Command::Create(args)), _) => create::run(ctx, *args).await,
        (Some(Command::List(args)), _) => list::all(ctx, args.search.as_deref().unwrap_or_default(), None).await,
        (Some(Command::View(args)), _) => view::show(ctx, &args.profile).await,
        (Some(Command::Edit(args)), _) => edit::run(ctx, *args).await,
        (Some(Command::Export(args)), _) => export::run(ctx, &args).await,
        (Some(Command::Delete(args)), _) => delete::run(ctx, args).await,
        (None, Some(name)) if args.view => view::show(ctx, &name).await,
        (None, name) => list::all(ctx, name.as_deref().unwrap_or_default(), args.page).await,
    }
}

/// A profile as it is shown: the plane keeps what authorises, because a run needs it, and output must not hold it.
fn shown(profile: &Profile) -> Profile {
    Profile { plan: redact::plan(&profile.plan), ..profile.clone() }
}

/// The profile of that whole name, id, or beginning of an id.
pub(crate) async fn find_profile(ctx: &Ctl, wanted: &str) -> Result<Profile> {
    let client = ctx.client().await?;
    let missing = match client.perf_profile(wanted).await {
        Err(error) if error.code() == Code::PerfProfileNotFound => error,
        other => return other,
    };
    if !is_beginning_of_id(wanted) {
        return Err(missing);
    }
    let lower = wanted.to_lowercase();
    let all = client.perf_profiles("").await?;
    let mut fits: Vec<Profile> = all.into_iter().filter(|profile| profile.id.to_string().starts_with(&lower)).collect();
    match fits.len() {
        0 => Err(missing),
        1 => Ok(fits.remove(0)),
        _ => Err(Error::new(Code::PerfAmbiguous, format!("`{wanted}` is the beginning of {} ids", fits.len()))
            .details(fits.iter().map(|profile| format!("{} {}", profile.id, profile.name)))),
    }
}

/// Whether a word can be the beginning of an id.
pub(super) fn is_beginning_of_id(word: &str) -> bool {
    word.len() >= 4 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
