//! `operation view`.

use super::{find, kind, status};
use crate::base::{Result, clock};
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::pattern::ObjectResult;

/// Show an operation with the result of each object.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl operation view 01890a5d\n  mesheryctl operation view 01890a5d -o json")]
pub struct Args {
    /// Id of the operation, or its beginning.
    #[arg(value_name = "ID", add = complete::operations())]
    pub id: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let operation = find(ctx.client().await?, &args.id).await?;
    let because = |result: &ObjectResult| {
        let error = result.error.as_ref().map(|report| report.message.clone());
        error.or_else(|| result.because.clone()).unwrap_or_default()
    };
    let columns = [
        Column::new("CONTEXT", |result: &ObjectResult| result.context.clone()),
        Column::new("SERVICE", |result: &ObjectResult| result.service.clone()),
        Column::new("OBJECT", |result: &ObjectResult| result.object.to_string()),
        Column::new("RESULT", |result: &ObjectResult| result.action.word().to_owned()),
        Column::new("BECAUSE", because),
    ];
    let age = clock::age(operation.started_at, ctx.now());
    if ctx.ui.format().is_table() {
        ctx.ui.note(&format!(
            "{} of {}: {}, began {age} ago, in {}",
            kind(&operation),
            operation.subject,
            status(&operation),
            operation.contexts.join(", "),
        ))?;
        for warning in &operation.warnings {
            ctx.ui.warn(warning)?;
        }
        if let Some(error) = &operation.error {
            ctx.ui.note(&format!("{}: {}", error.code, error.message))?;
        }
    }
    let names = [operation.id.to_string()];
    ctx.ui.print(&Rendered::table(&operation, &operation.results, &columns)?.names(names))
}
