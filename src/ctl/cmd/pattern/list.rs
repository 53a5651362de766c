//! `pattern list`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::clock::{self, Timestamp};
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::pattern::PatternRecord;
use crate::wire::rest::AppliedSet;

/// List the patterns that are stored, and where they are applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern list
  mesheryctl pattern list -o wide
  mesheryctl pattern list --search shop -o json")]
pub struct Args {
    /// Only patterns whose name holds this text.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

/// One pattern.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// Name.
    pub name: String,
    /// Id of the stored record; absent for one that is applied but not stored.
    pub id: Option<String>,
    /// When it was stored first.
    pub created_at: Option<Timestamp>,
    /// When it was stored last.
    pub updated_at: Option<Timestamp>,
    /// Where it is applied.
    pub applied: Vec<Applied>,
}

/// A cluster a pattern is applied to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Applied {
    /// Kubernetes context of the last apply.
    pub context: String,
    /// Number of applies so far.
    pub generation: i64,
    /// Objects in place.
    pub objects: usize,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let search = args.search.unwrap_or_default();
    let client = ctx.client().await?;
    let (records, applied) = futures_util::future::try_join(client.all_patterns(&search), client.applied()).await?;
    show(ctx, &rows(records, &applied.applied, &search), "pattern")
}

/// Shows rows; `noun` is what each is.
pub(crate) fn show(ctx: &Ctl, rows: &[Row], noun: &str) -> Result<()> {
    let now = ctx.now();
    let age = |at: Option<Timestamp>| at.map(|at| clock::age(at, now)).unwrap_or_default();
    let columns = [
        Column::new("NAME", |row: &Row| row.name.clone()),
        Column::new("ID", |row: &Row| row.id.as_ref().map(|id| id[..8.min(id.len())].to_owned()).unwrap_or_default()),
        Column::new("APPLIED TO", |row: &Row| {
            row.applied.iter().map(|set| set.context.as_str()).collect::<Vec<_>>().join(",")
        }),
        Column::new("UPDATED", |row: &Row| age(row.updated_at)),
        Column::wide("CREATED", |row: &Row| age(row.created_at)),
        Column::wide("OBJECTS", |row: &Row| {
            row.applied.iter().map(|set| set.objects.to_string()).collect::<Vec<_>>().join(",")
        }),
        Column::wide("FULL ID", |row: &Row| row.id.clone().unwrap_or_default()),
    ];
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    ctx.ui.print(&Rendered::list(&format!("{noun}s"), rows, &columns)?.names(names))?;
    if ctx.ui.format().is_table() && !rows.is_empty() {
        ctx.ui.note(&text::count(rows.len(), noun))?;
    }
    Ok(())
}

/// One row a record, and one for each applied set that is not stored.
pub(crate) fn rows(records: Vec<PatternRecord>, applied: &[AppliedSet], search: &str) -> Vec<Row> {
    let of = |name: &str| -> Vec<Applied> {
        let sets = applied.iter().filter(|set| set.pattern == name);
        sets.map(|set| Applied { context: set.context.clone(), generation: set.generation, objects: set.items.len() })
            .collect()
    };
    let mut rows: Vec<Row> = records
        .into_iter()
        .map(|record| Row {
            applied: of(&record.name),
            id: Some(record.id.to_string()),
            created_at: Some(record.created_at),
            updated_at: Some(record.updated_at),
            name: record.name,
        })
        .collect();
    for set in applied {
        let known = rows.iter().any(|row| row.name == set.pattern);
        if !known && set.pattern.to_lowercase().contains(&search.to_lowercase()) {
            rows.push(Row {
                name: set.pattern.clone(),
                id: None,
                created_at: None,
                updated_at: None,
                applied: of(&set.pattern),
            });
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}
