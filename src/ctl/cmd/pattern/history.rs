//! `pattern history`.

use schemars::JsonSchema;

use super::{objects, view};
use crate::base::clock;
use crate::base::error::Result;
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::operation::OperationStatus;
use crate::model::revision::Revision;
use crate::wire::rest::RevisionContent;

/// Show the revisions of an applied pattern, newest first; with --revision what one of them was made from.
///
/// A revision is a set of objects: applying the same again makes no new one. The newest ten are kept for each cluster.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern history shop
  mesheryctl pattern history shop --revision 2
  mesheryctl pattern history shop --revision 2 -o json")]
pub struct Args {
    /// Name, id, or beginning of an id that only one pattern has.
    #[arg(value_name = "PATTERN", add = complete::patterns())]
    pattern: String,
    /// Show this revision: its pattern file; with -o json or yaml its objects too.
    #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
}

/// What this verb shows.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
pub enum View {
    /// Without --revision.
    List(Vec<Revision>),
    /// With --revision.
    One(RevisionContent),
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let pattern = view::resolve(ctx, &args.pattern).await?;
    let contexts = ctx.settings.kube_contexts();
    if let Some(number) = args.revision {
        let content = ctx.client().await?.revision(&pattern, number, contexts).await?;
        let name = format!("{pattern}/{number}");
        return ctx.ui.print(&Rendered::one(&content, content.pattern_file.clone())?.names([name]));
    }
    let rows = ctx.client().await?.revisions(&pattern, contexts).await?;
    let names = rows.iter().map(|row| format!("{}/{}", row.pattern, row.number));
    ctx.ui.print(&Rendered::list("revisions", &rows, &columns(ctx, &rows))?.names(names))
}

fn columns<'a>(ctx: &Ctl, rows: &[Revision]) -> [Column<'a, Revision>; 7] {
    let now = ctx.now();
    let several = objects::are_several(rows.iter().map(|row| row.context.as_str()));
    [
        Column::wide_unless(several, "CONTEXT", |row: &Revision| row.context.clone()),
        Column::new("REVISION", |row: &Revision| row.number.to_string()),
        Column::new("STATUS", |row: &Revision| status(row).to_owned()),
        Column::new("CAUSE", |row: &Revision| row.cause.clone()),
        Column::new("OBJECTS", |row: &Revision| row.objects.to_string()),
        Column::new("AGE", move |row: &Revision| clock::age(row.updated_at, now)),
        Column::wide("DIGEST", |row: &Revision| row.digest.chars().take(12).collect()),
    ]
}

fn status(row: &Revision) -> &'static str {
    match (row.status, row.current) {
        (OperationStatus::Succeeded, true) => "applied",
        (OperationStatus::Succeeded, false) => "superseded",
        (OperationStatus::Running, _) => "running",
        (OperationStatus::Cancelled, _) => "cancelled",
        (OperationStatus::PartlyFailed, _) => "partly failed",
        (OperationStatus::Failed | OperationStatus::Abandoned, _) => "failed",
    }
}
