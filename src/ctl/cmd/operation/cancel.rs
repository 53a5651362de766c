//! `operation cancel`.

use super::{find, status};
use crate::base::Result;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};

/// Ask a running operation to stop.
///
/// What it has done stays; one that has ended stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl operation cancel 01890a5d")]
pub struct Args {
    /// Id of the operation, or its beginning.
    #[arg(value_name = "ID", add = complete::operations())]
    pub id: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let client = ctx.client().await?;
    let found = find(client, &args.id).await?;
    let operation = client.cancel_operation(found.id).await?;
    let text = if operation.status.is_final() {
        format!("operation {} has ended: {}", operation.id, status(&operation))
    } else {
        format!("operation {} was asked to stop", operation.id)
    };
    ctx.ui.print(&Rendered::one(&operation, text)?.names([operation.id.to_string()]))
}
