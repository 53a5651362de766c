//! `pattern apply --dry-run`: the results that an apply would have.

use schemars::JsonSchema;
use serde::Serialize;

use super::{objects, plan};
use crate::base::error::{Report, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::kubernetes::ObjectRef;
use crate::model::operation::Operation;
use crate::wire::rest::DeployRequest;
use crate::wire::rest::plan::{Change, PatternPlan};

/// Who checks a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Where {
    /// Schemas alone; a cluster is asked which kinds it serves, when it answers.
    Client,
    /// The API server, with its defaults, checks and webhooks; nothing is kept.
    Server,
}

/// The results that applying one pattern would have.
#[derive(Debug, Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the key is what users of the flag look for")]
pub struct DryRun {
    /// Pattern name.
    subject: String,
    /// Always true: tells this from an operation.
    #[serde(rename = "dry_run")]
    is_dry: bool,
    /// One row an object.
    results: Vec<Row>,
    /// Things worth knowing.
    warnings: Vec<String>,
}

/// The result that one object would have.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Row {
    context: String,
    service: String,
    #[serde(flatten)]
    object: ObjectRef,
    /// What would have happened: `created`, `configured`, `unchanged`, `recreated`, `pruned`, `failed`, `withheld`; and
    /// `valid` where schemas alone were asked.
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Report>,
}

/// What apply shows: operations, or with --dry-run what they would come to.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant, reason = "only its schema is wanted")]
pub enum Shown {
    /// What was done.
    Done(Box<Operation>),
    /// What would be done.
    Dry(DryRun),
}

pub(super) async fn run(ctx: &Ctl, place: Where, requests: Vec<DeployRequest>) -> Result<()> {
    let plans = plan::ask(ctx, requests, place == Where::Client).await?;
    let runs: Vec<DryRun> = plans.iter().map(of).collect();
    let rows: Vec<&Row> = runs.iter().flat_map(|run| &run.results).collect();
    let several = objects::are_several(rows.iter().map(|row| row.context.as_str()));
    let columns = [
        Column::wide_unless(several, "CONTEXT", |row: &&Row| row.context.clone()),
        Column::new("SERVICE", |row: &&Row| row.service.clone()),
        Column::new("KIND", |row: &&Row| row.object.kind.clone()),
        Column::new("NAMESPACE", |row: &&Row| row.object.namespace.clone().unwrap_or_default()),
        Column::new("NAME", |row: &&Row| row.object.name.clone()),
        Column::new("RESULT", |row: &&Row| format!("{} (dry run)", row.action)),
        Column::wide("MESSAGE", |row: &&Row| message(row)),
    ];
    let names = rows.iter().map(|row| objects::name(&row.object)).collect::<Vec<_>>();
    ctx.ui.print(&Rendered::table(&runs, &rows, &columns)?.records(&rows)?.names(names))?;
    plan::failure(&plans).map_or(Ok(()), Err)
}

fn message(row: &Row) -> String {
    row.error.as_ref().map(|error| error.message.clone()).or_else(|| row.because.clone()).unwrap_or_default()
}

fn of(plan: &PatternPlan) -> DryRun {
    let rows = plan::objects(std::slice::from_ref(plan)).map(|(_, context, object)| Row {
        context: context.context.clone(),
        service: object.service.clone(),
        object: object.object.clone(),
        action: action(object.change, object.error.is_some()),
        because: object.because.clone(),
        error: object.error.clone(),
    });
    DryRun {
        subject: plan.pattern.clone(),
        is_dry: true,
        results: rows.collect(),
        warnings: plan.contexts.iter().flat_map(|context| context.warnings.clone()).collect(),
    }
}

fn action(change: Change, fails: bool) -> &'static str {
    match change {
        _ if fails => "failed",
        Change::Create => "created",
        Change::Configure => "configured",
        Change::Unchanged => "unchanged",
        Change::Delete => "pruned",
        Change::Recreate => "recreated",
        Change::Refused => "failed",
        Change::Withheld => "withheld",
        Change::Valid => "valid",
    }
}
