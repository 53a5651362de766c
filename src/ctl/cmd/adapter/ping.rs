//! `adapter ping`.

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Kind, Report};
use crate::base::{Code, Result, exit};
use crate::client::Client;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};

/// Ask adapters whether they answer. Without a name, all that the plane knows.
///
/// The exit code is 3 when one does not answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl adapter ping\n  mesheryctl adapter ping istio localhost:10001")]
pub struct Args {
    /// Addresses or names of adapters.
    #[arg(value_name = "NAME", add = complete::adapters())]
    pub names: Vec<String>,
}

/// An adapter that was asked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pinged {
    /// The address or name it was asked under.
    pub target: String,
    /// Whether it answers.
    pub answers: bool,
    /// The mesh, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Version, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let client = ctx.client().await?;
    let targets = if args.names.is_empty() {
        client.adapters().await?.into_iter().map(|adapter| adapter.location).collect()
    } else {
        args.names
    };
    let pinged = join_all(targets.into_iter().map(|target| ask(client, target))).await;
    let pinged = pinged.into_iter().collect::<Result<Vec<Pinged>>>()?;
    show(ctx, &pinged)?;
    let all_answer = pinged.iter().all(|pinged| pinged.answers);
    Ok(if all_answer { Outcome::GOOD } else { Outcome::verdict(exit::code(Kind::Unreachable)) })
}

/// That the plane does not know it is an error; that it does not answer is a row.
async fn ask(client: &Client, target: String) -> Result<Pinged> {
    match client.ping_adapter(&target).await {
        Ok(adapter) => {
            Ok(Pinged { target, answers: true, name: Some(adapter.name), version: Some(adapter.version), error: None })
        }
        Err(error) if matches!(error.code(), Code::AdapterUnreachable | Code::AdapterForeign) => {
            Ok(Pinged { target, answers: false, name: None, version: None, error: Some(error.report()) })
        }
        Err(error) => Err(error),
    }
}

fn show(ctx: &Ctl, pinged: &[Pinged]) -> Result<()> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let columns = [
        Column::new("ADAPTER", |pinged: &Pinged| pinged.target.clone()),
        Column::new("ANSWERS", |pinged: &Pinged| if pinged.answers { "yes" } else { "no" }.to_owned()),
        Column::new("NAME", move |pinged: &Pinged| text(&pinged.name)),
        Column::new("VERSION", move |pinged: &Pinged| text(&pinged.version)),
    ];
    let names: Vec<String> = pinged.iter().map(|pinged| pinged.target.clone()).collect();
    ctx.ui.print(&Rendered::list("adapters", pinged, &columns)?.names(names))?;
    if !ctx.ui.format().is_table() {
        return Ok(());
    }
    for report in pinged.iter().filter_map(|pinged| pinged.error.as_ref()) {
        let cause = report.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        ctx.ui.note(&format!("{}{cause}", report.message))?;
        if let Some(remedy) = &report.suggested_remediation {
            ctx.ui.note(&format!("  fix: {remedy}"))?;
        }
    }
    Ok(())
}
