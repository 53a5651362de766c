//! `pattern drift`: what others changed.

mod text;
mod watch;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{objects, view};
use crate::base::error::{Code, Error, Result};
use crate::base::{exit, text as words};
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::StatusRequest;
use crate::wire::rest::plan::{ContextDrift, DriftState, ObjectDrift, PatternDrift};

/// Show how what was applied stands now, and who changed it: fields, managers and times.
///
/// The objects are compared with what was applied last. Fields that others added are theirs and no drift. The exit code
/// is 0 whenever the state could be read; with --exit-code it is 1 when something drifted. --watch looks again and
/// again and tells each new drift once, until it is stopped or --timeout is over.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern drift shop
  mesheryctl pattern drift shop --exit-code -q
  mesheryctl pattern drift shop --watch -o jsonl")]
pub struct Args {
    /// Names, ids, or beginnings of ids that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 1.., required = true, add = complete::patterns())]
    pattern: Vec<String>,
    /// End with 1 when something drifted.
    #[arg(long)]
    exit_code: bool,
    /// Look again and again, and tell each new drift once.
    #[arg(long)]
    watch: bool,
    /// Seconds between two looks of --watch.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
}

/// One object of `-o jsonl`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Record<'a> {
    /// Pattern name.
    pattern: &'a str,
    /// Kubernetes context.
    context: &'a str,
    #[serde(flatten)]
    object: &'a ObjectDrift,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let names = view::each(&args.pattern, async |wanted: &str| view::resolve(ctx, wanted).await).await?;
    let drifted = if args.watch {
        watch::run(ctx, &names, Duration::from_secs(args.interval)).await?
    } else {
        let found = look(ctx, &names).await?;
        let records: Vec<Record<'_>> = records(&found).collect();
        let names = records.iter().map(|record| objects::name(&record.object.object));
        let text = text::drifts(&found, &ctx.ui, ctx.now());
        ctx.ui.print(&Rendered::one(&found, text)?.names(names.collect::<Vec<_>>()).records(&records)?)?;
        if let Some(error) = failure(&found) {
            return Err(error);
        }
        records.iter().any(|record| record.object.state.is_drift())
    };
    Ok(if drifted && args.exit_code { Outcome::verdict(exit::DIFFERS) } else { Outcome::GOOD })
}

async fn look(ctx: &Ctl, names: &[String]) -> Result<Vec<PatternDrift>> {
    let mut found = Vec::with_capacity(names.len());
    for pattern in names {
        let request = StatusRequest {
            pattern: pattern.clone(),
            contexts: ctx.settings.kube_contexts().to_vec(),
            kubeconfig: ctx.settings.kubeconfig_list(),
        };
        found.push(ctx.client().await?.drift(&request).await?);
    }
    Ok(found)
}

fn records(found: &[PatternDrift]) -> impl Iterator<Item = Record<'_>> {
    let contexts = found.iter().flat_map(|one| one.contexts.iter().map(|context| (one.pattern.as_str(), context)));
    contexts.flat_map(|(pattern, context)| {
        context.objects.iter().map(move |object| Record { pattern, context: &context.context, object })
    })
}

/// Contexts that did not answer, and objects whose state is unknown.
fn failure(found: &[PatternDrift]) -> Option<Error> {
    let contexts = || found.iter().flat_map(|one| &one.contexts);
    let silent = |context: &ContextDrift| Some(format!("{}: {}", context.context, context.error.as_ref()?.message));
    let unknown = records(found).filter(|record| record.object.state == DriftState::Unknown).map(|record| {
        let why = record.object.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
        format!("{}: {}: {why}", record.context, record.object.object)
    });
    let (silent, unknown): (Vec<String>, Vec<String>) = (contexts().filter_map(silent).collect(), unknown.collect());
    let what = match (silent.len(), unknown.len()) {
        (0, 0) => return None,
        (0, objects) => words::count(objects, "object"),
        (contexts, _) => words::count(contexts, "context"),
    };
    let details = silent.into_iter().chain(unknown).collect::<Vec<_>>();
    Some(Error::new(Code::PlanIncomplete, format!("{what} could not be asked")).details(details))
}
