//! `operation list`.

use super::{kind, status};
use crate::base::{Result, clock};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::operation::Operation;

/// List operations, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl operation list\n  mesheryctl operation list --limit 0 -o json")]
pub struct Args {
    /// Operations to list at most; 0 for all.
    #[arg(long, value_name = "NUMBER", default_value_t = 25)]
    pub limit: u64,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let rows = ctx.client().await?.operations(0, args.limit).await?.operations;
    let now = ctx.now();
    let columns = [
        Column::new("ID", |operation: &Operation| operation.id.to_string()),
        Column::new("ACTION", |operation: &Operation| kind(operation).to_owned()),
        Column::new("SUBJECT", |operation: &Operation| operation.subject.clone()),
        Column::new("STATUS", |operation: &Operation| status(operation).to_owned()),
        Column::new("OBJECTS", |operation: &Operation| operation.results.len().to_string()),
        Column::new("AGE", move |operation: &Operation| clock::age(operation.started_at, now)),
        Column::wide("CONTEXTS", |operation: &Operation| operation.contexts.join(",")),
    ];
    let names: Vec<String> = rows.iter().map(|operation| operation.id.to_string()).collect();
    ctx.ui.print(&Rendered::list("operations", &rows, &columns)?.names(names))
}
