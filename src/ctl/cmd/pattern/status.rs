//! `pattern status`.

mod watch;

use super::{objects, view};
use crate::base::error::{Code, Error, Kind, Result};
use crate::base::{clock, exit, text};
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Format, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::pattern::{ObjectStatus, ServiceHealth, ServiceStatus};
use crate::wire::rest::{PatternStatus, StatusRequest};

/// Show how the services of an applied pattern are, with what keeps each from being ready.
///
/// Every service has a row: its worst object speaks for it. Services that the last apply could not bring, and those the
/// stored pattern has and the cluster has not, are shown too. --objects and -o wide show the objects instead; -o json has
/// both. The exit code is 0 whenever the state could be read, whatever it is, and 7 when a context does not answer; with
/// --exit-code it is 1 when a service is not ready. --watch goes on until all are ready.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern status shop
  mesheryctl pattern status shop --objects
  mesheryctl pattern status shop --watch --timeout 2m
  mesheryctl pattern status shop --exit-code -q
  mesheryctl pattern status shop --kube-context staging -o json")]
pub struct Args {
    /// Names, ids, or beginnings of ids that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 1.., required = true, add = complete::patterns())]
    pattern: Vec<String>,
    /// Show every object.
    #[arg(long)]
    objects: bool,
    /// End with 1 when a service is not ready.
    #[arg(long)]
    exit_code: bool,
    /// Look again and again until every service is ready, until Ctrl-C or until --timeout is over.
    #[arg(short = 'w', long)]
    watch: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let names = view::each(&args.pattern, async |wanted: &str| view::resolve(ctx, wanted).await).await?;
    let (patterns, stopped) =
        if args.watch { watch::until_ready(ctx, &names).await? } else { (ask(ctx, &names).await?, None) };
    show(ctx, &patterns, args.objects)?;
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    if let Some(error) = unreachable(&patterns) {
        return Err(error);
    }
    Ok(if all_ready(&patterns) || !args.exit_code { Outcome::GOOD } else { Outcome::verdict(exit::FAILED) })
}

/// The state of each pattern.
pub(in crate::ctl::cmd) async fn ask(ctx: &Ctl, names: &[String]) -> Result<Vec<PatternStatus>> {
    let mut patterns = Vec::with_capacity(names.len());
    for pattern in names {
        let request = StatusRequest {
            pattern: pattern.clone(),
            contexts: ctx.settings.kube_contexts().to_vec(),
            kubeconfig: ctx.settings.kubeconfig_list(),
        };
        patterns.push(ctx.client().await?.pattern_status(&request).await?);
    }
    Ok(patterns)
}

/// Shows the services, or the objects, of all patterns.
pub(in crate::ctl::cmd) fn show(ctx: &Ctl, patterns: &[PatternStatus], by_object: bool) -> Result<()> {
    let objects: Vec<ObjectStatus> = patterns.iter().flat_map(|status| status.objects.clone()).collect();
    let services: Vec<ServiceStatus> = patterns.iter().flat_map(|status| status.services.clone()).collect();
    let by_object = by_object || *ctx.ui.format() == Format::Wide;
    let shown = match (patterns, by_object) {
        ([only], true) => Rendered::table(only, &objects, &object_columns(ctx, &objects)),
        (_, true) => Rendered::table(&patterns, &objects, &object_columns(ctx, &objects)),
        ([only], false) => Rendered::table(only, &services, &service_columns(ctx, &services)),
        (_, false) => Rendered::table(&patterns, &services, &service_columns(ctx, &services)),
    };
    let names = objects.iter().map(|row| objects::name(&row.object));
    ctx.ui.print(&shown?.records(&objects)?.names(names))
}

/// Whether nothing is missing.
fn all_ready(patterns: &[PatternStatus]) -> bool {
    let mut services = patterns.iter().flat_map(|status| &status.services);
    services.all(|service| service.health == ServiceHealth::Ready)
        && patterns.iter().all(|status| status.failures.is_empty())
}

/// The error for contexts that could not be looked into.
fn unreachable(patterns: &[PatternStatus]) -> Option<Error> {
    let failures: Vec<_> = patterns.iter().flat_map(|status| &status.failures).collect();
    let first = failures.first()?;
    let lines = failures.iter().map(|failure| {
        let cause = failure.error.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{}: {}{cause}", failure.context, failure.error.message)
    });
    let message = format!("{} could not be looked into", text::count(failures.len(), "context"));
    let error = Error::new(Error::from(first.error.clone()).code(), message).kind_of(Kind::Partial);
    let error = error.details(lines.collect::<Vec<_>>());
    Some(match (&first.error.suggested_remediation, error.code()) {
        (Some(remedy), code) if code != Code::RemoteError => error.remedy(remedy.clone()),
        _ => error,
    })
}

fn service_columns<'a>(ctx: &Ctl, rows: &[ServiceStatus]) -> [Column<'a, ServiceStatus>; 6] {
    let now = ctx.now();
    let several = objects::are_several(rows.iter().map(|row| row.context.as_str()));
    [
        Column::wide_unless(several, "CONTEXT", |row: &ServiceStatus| row.context.clone()),
        Column::new("SERVICE", |row: &ServiceStatus| row.service.clone()),
        Column::new("HEALTH", |row: &ServiceStatus| row.health.word().to_owned()),
        Column::new("READY", |row: &ServiceStatus| format!("{}/{}", row.ready, row.total)),
        Column::new("AGE", move |row: &ServiceStatus| row.created_at.map(|at| clock::age(at, now)).unwrap_or_default()),
        Column::new("MESSAGE", |row: &ServiceStatus| row.message.clone()),
    ]
}

fn object_columns<'a>(ctx: &Ctl, rows: &[ObjectStatus]) -> [Column<'a, ObjectStatus>; 8] {
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
