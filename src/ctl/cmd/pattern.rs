//! `pattern`: service mesh patterns.

pub mod adopt;
pub mod apply;
pub(super) mod carry;
pub mod catalog;
pub mod delete;
pub mod diff;
pub mod drift;
pub mod dry_run;
pub mod export;
pub mod graph;
pub mod history;
pub mod import;
pub mod list;
pub mod objects;
pub mod plan;
pub(in crate::ctl::cmd) mod protect;
pub mod render;
pub mod rollback;
pub mod search;
pub mod status;
pub(super) mod target;
pub mod validate;
pub mod view;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;

/// Apply, inspect and delete service mesh patterns: repeatable architecture in one YAML file.
#[derive(Debug, Subcommand)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern validate -f shop.yaml
  mesheryctl pattern apply -f shop.yaml
  mesheryctl pattern status shop")]
pub enum Command {
    #[command(about = "Check pattern files without a cluster")]
    Validate(validate::Args),
    #[command(about = "Show what becomes of a pattern, stage by stage")]
    Render(render::Args),
    #[command(about = "Show what apply would do")]
    Plan(plan::Args),
    #[command(about = "Apply patterns to a cluster")]
    Apply(apply::Args),
    #[command(about = "Delete what a pattern applied")]
    Delete(delete::Args),
    #[command(about = "Show the revisions of an applied pattern")]
    History(history::Args),
    #[command(about = "Show what others changed since a pattern was applied")]
    Drift(drift::Args),
    #[command(about = "Show what differs between two revisions")]
    Diff(diff::Args),
    #[command(about = "Apply an earlier revision again")]
    Rollback(rollback::Args),
    #[command(about = "Take objects that are there already into a pattern")]
    Adopt(adopt::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    #[command(about = "Show stored patterns")]
    View(view::Args),
    #[command(about = "Show the live state of an applied pattern")]
    Status(status::Args),
    #[command(about = "Search folders of patterns")]
    Search(search::Args),
    /// List and show the patterns of folders.
    #[command(subcommand)]
    Catalog(catalog::Command),
    #[command(about = "Make a pattern of manifests, a chart, a Compose file or a running namespace")]
    Import(import::Args),
    #[command(about = "Write a pattern as manifests, a Helm chart or an OCI artefact")]
    Export(export::Args),
    #[command(about = "Draw the services of a pattern and what each needs first")]
    Graph(graph::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Status(args) => return status::run(ctx, args).await,
            Command::Plan(args) => return plan::run(ctx, args).await,
            Command::Drift(args) => return drift::run(ctx, args).await,
            Command::Graph(args) => graph::run(ctx, args).await,
            Command::Diff(args) => return diff::run(ctx, args).await,
            Command::History(args) => history::run(ctx, args).await,
            Command::Rollback(args) => rollback::run(ctx, args).await,
            Command::Adopt(args) => adopt::run(ctx, args).await,
            Command::Render(args) => render::run(ctx, args).await,
            Command::Validate(args) => validate::run(ctx, args).await,
            Command::Apply(args) => apply::run(ctx, args).await,
            Command::Delete(args) => delete::run(ctx, args).await,
            Command::List(args) => list::run(ctx, args).await,
            Command::View(args) => view::run(ctx, args).await,
            Command::Search(args) => search::run(ctx, &args),
            Command::Catalog(command) => command.run(ctx),
            Command::Import(args) => import::run(ctx, args).await,
            Command::Export(args) => export::run(ctx, args).await,
        }
        .map(Into::into)
    }
}
