//! `adapter`: the adapters that the plane knows.

mod add;
mod list;
mod ping;
mod remove;
mod view;

use clap::Subcommand;

use super::Outcome;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
pub use crate::model::adapter::Adapter;
pub use ping::Pinged;

/// Adapters: services that manage a mesh each on behalf of the plane.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl serve adapter istio
  mesheryctl adapter add localhost:10000
  mesheryctl adapter list"
)]
pub enum Command {
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    #[command(about = "Ask adapters whether they answer")]
    Ping(ping::Args),
    Add(add::Args),
    Remove(remove::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::List(args) => list::run(ctx, &args).await,
            Command::View(args) => view::run(ctx, &args).await,
            Command::Ping(args) => return ping::run(ctx, args).await,
            Command::Add(args) => add::run(ctx, &args).await,
            Command::Remove(args) => remove::run(ctx, &args).await,
        }
        .map(Into::into)
    }
}

/// One row an adapter; its address is what `-o name` shows and what other verbs take.
fn rows(adapters: &[Adapter]) -> Result<Rendered> {
    let because = |adapter: &Adapter| {
        let error = adapter.error.as_ref();
        error.map(|report| report.probable_cause.clone().unwrap_or_else(|| report.message.clone())).unwrap_or_default()
    };
    let columns = [
        Column::new("NAME", |adapter: &Adapter| adapter.name.clone()),
        Column::new("LOCATION", |adapter: &Adapter| adapter.location.clone()),
        Column::new("STATE", |adapter: &Adapter| adapter.state.word().to_owned()),
        Column::new("VERSION", |adapter: &Adapter| adapter.version.clone()),
        Column::new("OPERATIONS", |adapter: &Adapter| adapter.ops.len().to_string()),
        Column::wide("SOURCE", |adapter: &Adapter| adapter.source.word().to_owned()),
        Column::wide("COMMIT", |adapter: &Adapter| adapter.git_commit_sha.clone()),
        Column::wide("BECAUSE", because),
    ];
    let names: Vec<String> = adapters.iter().map(|adapter| adapter.location.clone()).collect();
    Ok(Rendered::list("adapters", adapters, &columns)?.names(names))
}
