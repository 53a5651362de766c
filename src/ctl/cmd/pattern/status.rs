//! `pattern status`.

use super::{objects, view};
use crate::base::error::Result;
use crate::base::{clock, exit};
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::pattern::{Health, ObjectStatus};
use crate::wire::rest::StatusRequest;

/// Show the live state of every object that a pattern applied.
///
/// The exit code is 0 whenever the state could be read, whatever it is; with --exit-code it is 1 when an object is not
/// ready. Several patterns are a list with -o json.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern status shop
  mesheryctl pattern status shop --exit-code -q
  mesheryctl pattern status shop --kube-context staging -o json")]
pub struct Args {
    /// Names, ids, or beginnings of ids that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 1.., required = true, add = complete::patterns())]
    pattern: Vec<String>,
    /// End with 1 when an object is not ready.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let names = view::each(&args.pattern, async |wanted: &str| view::resolve(ctx, wanted).await).await?;
    let mut patterns = Vec::with_capacity(names.len());
    for pattern in names {
        let request = StatusRequest {
            pattern,
            contexts: ctx.settings.kube_contexts().to_vec(),
            kubeconfig: ctx.settings.kubeconfig_list(),
        };
        patterns.push(ctx.client().await?.pattern_status(&request).await?);
    }
    let rows: Vec<ObjectStatus> = patterns.iter().flat_map(|status| status.objects.clone()).collect();
    let columns = columns(ctx, &rows);
    let shown = match patterns.as_slice() {
        [only] => Rendered::table(only, &rows, &columns),
        _ => Rendered::table(&patterns, &rows, &columns),
    };
    ctx.ui.print(&shown?.records(&rows)?.names(rows.iter().map(|row| objects::name(&row.object))))?;
    let ready = rows.iter().all(|row| row.health == Health::Ready);
    Ok(if ready || !args.exit_code { Outcome::GOOD } else { Outcome::verdict(exit::FAILED) })
}

fn columns<'a>(ctx: &Ctl, rows: &[ObjectStatus]) -> [Column<'a, ObjectStatus>; 8] {
    let now = ctx.now();
    let several = objects::are_several(rows.iter().map(|row| row.context.as_str()));
    [
        Column::wide_unless(several, "CONTEXT", |row: &ObjectStatus| row.context.clone()),
        Column::new("SERVICE", |row: &ObjectStatus| row.service.clone()),
        Column::new("KIND", |row: &ObjectStatus| row.object.kind.clone()),
        Column::new("NAMESPACE", |row: &ObjectStatus| row.object.namespace.clone().unwrap_or_default()),
        Column::new("NAME", |row: &ObjectStatus| row.object.name.clone()),
        Column::new("HEALTH", |row: &ObjectStatus| row.health.word().to_owned()),
        Column::new("AGE", move |row: &ObjectStatus| row.created_at.map(|at| clock::age(at, now)).unwrap_or_default()),
        Column::new("MESSAGE", |row: &ObjectStatus| row.message.clone()),
    ]
}
