//! `operation`: what the plane did and does.

mod cancel;
mod list;
mod view;

use clap::Subcommand;

use crate::base::{Code, Error, Result};
use crate::client::Client;
use crate::ctl::Ctl;
use crate::model::operation::{Operation, OperationKind, OperationStatus};

/// Operations: anything long that the plane does, with its results.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl operation list
  mesheryctl operation view 01890a5d"
)]
pub enum Command {
    #[command(visible_alias = "ls")]
    List(list::Args),
    View(view::Args),
    Cancel(cancel::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::List(args) => list::run(ctx, &args).await,
            Command::View(args) => view::run(ctx, &args).await,
            Command::Cancel(args) => cancel::run(ctx, &args).await,
        }
    }
}

/// The operation of an id, or of the beginning of one.
async fn find(client: &Client, id: &str) -> Result<Operation> {
    if let Ok(id) = id.parse() {
        return client.operation(id).await;
    }
    let known = client.operations(0, 0).await?.operations;
    let mut fitting = known.into_iter().filter(|operation| operation.id.to_string().starts_with(&id.to_lowercase()));
    match (fitting.next(), fitting.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(Error::new(Code::OperationNotFound, format!("there is no operation `{id}`"))),
        (Some(first), Some(second)) => {
            Err(Error::new(Code::OperationAmbiguous, format!("several operations begin with `{id}`"))
                .details([first, second].into_iter().chain(fitting).take(5).map(|one| one.id.to_string())))
        }
    }
}

fn kind(operation: &Operation) -> &'static str {
    match operation.kind {
        OperationKind::PatternApply => "apply",
        OperationKind::PatternDelete => "delete",
        OperationKind::PatternRollback => "rollback",
        OperationKind::PatternAdopt => "adopt",
        OperationKind::PerfRun => "perf run",
    }
}

fn status(operation: &Operation) -> &'static str {
    match operation.status {
        OperationStatus::Running => "running",
        OperationStatus::Succeeded => "succeeded",
        OperationStatus::Failed => "failed",
        OperationStatus::PartlyFailed => "partly-failed",
        OperationStatus::Cancelled => "cancelled",
        OperationStatus::Abandoned => "abandoned",
    }
}
