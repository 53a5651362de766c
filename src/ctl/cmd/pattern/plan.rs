//! `pattern plan`: what apply would do.

mod text;

pub(super) use text::{field_line, heading};

use schemars::JsonSchema;
use serde::Serialize;

use super::objects;
use super::target::TargetArgs;
use crate::base::error::{Code, Error, Kind, Report, Result};
use crate::base::{exit, text as words};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::Rendered;
use crate::wire::rest::DeployRequest;
use crate::wire::rest::plan::{Change, ContextPlan, ObjectPlan, PatternPlan, PlanRequest};

/// Show what apply would do, without doing it: every object is asked of the API server as a dry run.
///
/// Fields that differ are shown as `path: in the cluster -> wanted`, with the reason: `pattern` when the pattern's value
/// changed, `drift` when somebody else wrote the cluster's value (who, and when), `new`, `removed`, or `default` for
/// what the cluster fills in. Objects whose namespace or CRD is made by the same pattern are checked by their schema.
/// Each context has a result of its own. With --exit-code the exit code is 1 when something would change; it is 7 when
/// the cluster would refuse an object or a context does not answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern plan -f shop.yaml
  mesheryctl pattern plan shop --show-unchanged
  mesheryctl pattern plan -f shop.yaml --kube-context staging,prod --exit-code
  mesheryctl pattern plan -f shop.yaml -o json")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// End with 1 when something would change.
    #[arg(long)]
    exit_code: bool,
    /// Show objects that would stay as they are too.
    #[arg(long)]
    show_unchanged: bool,
    /// Plan with objects left in place that left the pattern.
    #[arg(long)]
    no_prune: bool,
    /// Plan with objects made anew whose immutable fields differ.
    #[arg(long)]
    recreate: bool,
    /// Plan with fields and objects taken over that others own.
    #[arg(long)]
    force_conflicts: bool,
}

/// One line of `-o jsonl`.
#[derive(Debug, Serialize, JsonSchema)]
struct Record<'a> {
    pattern: &'a str,
    context: &'a str,
    #[serde(flatten)]
    object: &'a ObjectPlan,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let common = DeployRequest {
        prune: Some(!args.no_prune),
        recreate: args.recreate,
        force_conflicts: args.force_conflicts,
        ..args.target.request(ctx).await?
    };
    let requests = args.target.requests(ctx, "plan", common).await?;
    let plans = ask(ctx, requests, false).await?;
    let look = text::Look { ui: &ctx.ui, now: ctx.now(), show_unchanged: args.show_unchanged };
    let records: Vec<Record<'_>> = objects(&plans)
        .map(|(pattern, context, object)| Record { pattern, context: &context.context, object })
        .collect();
    let names = objects(&plans).map(|(_, _, object)| objects::name(&object.object));
    ctx.ui.print(&Rendered::one(&plans, text::plans(&plans, &look))?.records(&records)?.names(names))?;
    if let Some(error) = failure(&plans) {
        return Err(error);
    }
    let differs = objects(&plans).any(|(_, _, object)| object.change != Change::Unchanged);
    Ok(if differs && args.exit_code { Outcome::verdict(exit::DIFFERS) } else { Outcome::GOOD })
}

/// Plans as people read them, without what stays as it is.
pub(in crate::ctl::cmd) fn shown(ctx: &Ctl, plans: &[PatternPlan]) -> String {
    text::plans(plans, &text::Look { ui: &ctx.ui, now: ctx.now(), show_unchanged: false })
}

/// The plan of each request; warnings go to stderr, each once.
pub(in crate::ctl::cmd) async fn ask(
    ctx: &Ctl,
    requests: Vec<DeployRequest>,
    offline: bool,
) -> Result<Vec<PatternPlan>> {
    let mut plans = Vec::with_capacity(requests.len());
    let mut told: Vec<String> = Vec::new();
    for deploy in requests {
        let plan = ctx.client().await?.plan(&PlanRequest { deploy, offline }).await?;
        for warning in plan.contexts.iter().flat_map(|context| &context.warnings) {
            if !told.contains(warning) {
                ctx.ui.warn(warning)?;
                told.push(warning.clone());
            }
        }
        plans.push(plan);
    }
    Ok(plans)
}

/// Every planned object with its pattern and context.
pub(super) fn objects(plans: &[PatternPlan]) -> impl Iterator<Item = (&str, &ContextPlan, &ObjectPlan)> {
    let contexts = plans.iter().flat_map(|plan| plan.contexts.iter().map(|context| (plan.pattern.as_str(), context)));
    contexts.flat_map(|(pattern, context)| context.objects.iter().map(move |object| (pattern, context, object)))
}

/// What keeps the plans from being carried out, as one error.
pub(super) fn failure(plans: &[PatternPlan]) -> Option<Error> {
    let several = plans.iter().map(|plan| plan.contexts.len()).sum::<usize>() > 1;
    let of = |context: &ContextPlan| if several { format!("{}: ", context.context) } else { String::new() };
    let refused: Vec<(String, &Report)> =
        objects(plans).filter_map(|(_, context, object)| Some((of(context), object.error.as_ref()?))).collect();
    let silent: Vec<String> = plans
        .iter()
        .flat_map(|plan| &plan.contexts)
        .filter_map(|context| Some(format!("{}: {}", context.context, line(context.error.as_ref()?))))
        .collect();
    let faults = refused.iter().flat_map(|(context, report)| {
        let facts = report.details.iter().map(|detail| format!("  {detail}"));
        std::iter::once(format!("{context}{}", line(report))).chain(facts)
    });
    let faults: Vec<String> = faults.chain(silent.iter().cloned()).collect();
    let Some((_, first)) = refused.first() else {
        let contexts = words::count(silent.len(), "context");
        return (!silent.is_empty())
            .then(|| Error::new(Code::PlanIncomplete, format!("{contexts} could not be asked")).details(faults));
    };
    let total = objects(plans).count();
    let message = format!("{} of {} would be refused", refused.len(), words::count(total, "object"));
    // A fault of the file is one whatever the cluster says.
    let code = if refused.iter().all(|(_, report)| report.kind == Kind::Invalid) && silent.is_empty() {
        Code::PatternSchema
    } else {
        Code::PlanRefused
    };
    let error = Error::new(code, message).details(faults);
    let same = refused.iter().all(|(_, report)| report.code == first.code);
    Some(match first.suggested_remediation.as_ref().filter(|_| same) {
        Some(remedy) => error.remedy(remedy),
        None => error,
    })
}

/// `shop.yaml:3:5: message: cause`.
fn line(report: &Report) -> String {
    let place = report.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let cause = report.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{place}{}{cause}", report.message)
}
