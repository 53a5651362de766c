//! `perf result delete`.

use super::find_id;
use super::list::Row;
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Question, Rendered};

/// Delete results.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result delete 01890a5d --yes")]
pub struct Args {
    /// Ids of results, or the beginnings of them.
    #[arg(value_name = "ID", required = true, add = crate::ctl::complete::perf_results())]
    id: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let mut ids = Vec::new();
    for wanted in &args.id {
        let id = find_id(ctx, wanted).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let text = format!("Delete {}?", text::count(ids.len(), "result"));
    ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
    let client = ctx.client().await?;
    let mut rows = Vec::new();
    for id in ids {
        rows.push(Row::from(client.delete_perf_result(id).await?));
    }
    let columns = [
        Column::new("ID", |row: &Row| row.id.to_string()),
        Column::new("NAME", |row: &Row| row.name.clone()),
        Column::new("RESULT", |_: &Row| "deleted".to_owned()),
    ];
    let names: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    ctx.ui.print(&Rendered::list("results", &rows, &columns)?.names(names))
}
