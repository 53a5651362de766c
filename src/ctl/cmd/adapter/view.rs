//! `adapter view`.

use crate::base::Result;
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::adapter::AdapterOperation;

/// Show what an adapter says of itself and what it can do.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl adapter view istio\n  mesheryctl adapter view localhost:10000 -o json")]
pub struct Args {
    /// Address or name of the adapter.
    #[arg(value_name = "NAME", add = complete::adapters())]
    pub name: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let adapter = ctx.client().await?.ping_adapter(&args.name).await?;
    let columns = [
        Column::new("OPERATION", |operation: &AdapterOperation| operation.key.clone()),
        Column::new("SORT", |operation: &AdapterOperation| operation.category_word().to_owned()),
        Column::new("DESCRIPTION", |operation: &AdapterOperation| operation.value.clone()),
    ];
    if ctx.ui.format().is_table() {
        let told = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        ctx.ui.note(&format!(
            "{} at {}: version {}, commit {}, source {}",
            adapter.name,
            adapter.location,
            told(&adapter.version),
            told(&adapter.git_commit_sha),
            adapter.source.word(),
        ))?;
        if adapter.ops.is_empty() {
            ctx.ui.note("It lists no operations.")?;
        }
    }
    ctx.ui.print(&Rendered::table(&adapter, &adapter.ops, &columns)?.names([adapter.location.clone()]))
}
