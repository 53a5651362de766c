//! `pattern status`.

use crate::base::clock;
use crate::base::error::Result;
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::pattern::ObjectStatus;
use crate::wire::rest::StatusRequest;

/// Show the live state of every object that a pattern applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern status shop
  mesheryctl pattern status shop --kube-context staging -o json")]
pub struct Args {
    /// Name, id, or the beginning of an id that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 1.., required = true, add = complete::patterns())]
    pattern: Vec<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let request = StatusRequest {
        pattern: super::view::resolve(ctx, &args.pattern.join(" ")).await?,
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
    };
    let status = ctx.client().await?.pattern_status(&request).await?;
    let now = ctx.now();
    let columns = [
        Column::wide("CONTEXT", |row: &ObjectStatus| row.context.clone()),
        Column::new("SERVICE", |row: &ObjectStatus| row.service.clone()),
        Column::new("KIND", |row: &ObjectStatus| row.object.kind.clone()),
        Column::new("NAMESPACE", |row: &ObjectStatus| row.object.namespace.clone().unwrap_or_default()),
        Column::new("NAME", |row: &ObjectStatus| row.object.name.clone()),
        Column::new("HEALTH", |row: &ObjectStatus| row.health.word().to_owned()),
        Column::new("AGE", |row: &ObjectStatus| row.created_at.map(|at| clock::age(at, now)).unwrap_or_default()),
        Column::new("MESSAGE", |row: &ObjectStatus| row.message.clone()),
    ];
    let names: Vec<String> = status.objects.iter().map(|row| row.object.to_string()).collect();
    ctx.ui.print(&Rendered::table(&status, &status.objects, &columns)?.names(names))
}
