//! One measurement through the plane, for verbs that make many: no picture, only its result.

use futures_util::StreamExt;

use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::follow::failure;
use crate::model::event::Payload;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::model::performance::workers::Workers;
use crate::perf::plan::{check, check_shares};
use crate::perf::redact;
use crate::wire::rest::performance::RunRequest;
use crate::wire::rest::performance::run::WAITING;

use super::run::args::PlanArgs;
use super::run::plan::Draft;

/// The plan of the flags, named after its target where it has no name, with what the verb itself settles, that the
/// workers, if any, can share.
///
/// # Errors
/// What is wrong with it.
pub(super) fn plan(args: &PlanArgs, workers: Option<&Workers>, settle: impl FnOnce(&mut Plan)) -> Result<Plan> {
    let mut draft = Draft::new();
    draft.flags(args)?;
    draft.settle(|plan| {
        if plan.name.is_empty() {
            plan.name = redact::name(plan);
        }
    });
    draft.connect();
    if let Some(workers) = workers {
        draft.share(workers);
    }
    draft.settle(settle);
    check(&draft.plan)?;
    if let Some(workers) = workers {
        check_shares(&draft.plan, workers)?;
    }
    Ok(draft.plan)
}

/// Carries a plan out and gives its stored result. A run in which every request failed counts: it says that the service
/// does not hold. Ctrl-C ends the run, and with it the verb.
///
/// # Errors
/// The run could not be made, or was stopped.
pub(super) async fn measure(ctx: &Ctl, plan: &Plan, workers: Option<&Workers>) -> Result<PerfResult> {
    let client = ctx.client().await?;
    let _guard = ctx.cancel.guard();
    let request = RunRequest {
        plan: Some(plan.clone()),
        workers: workers.cloned(),
        // Many short runs are not each told about their cluster and their metrics.
        prometheus: Some(String::new()),
        context: ctx.settings.kube_contexts().first().cloned(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        ..RunRequest::default()
    };
    let begun = client.begin_run(&request).await?;
    let id = begun.operation_id;
    let cancel = ctx.cancel.token();
    let mut events = client.follow(id);
    let mut stopped: Option<Error> = None;
    let operation = loop {
        tokio::select! {
            () = cancel.cancelled(), if stopped.is_none() => {
                let error = ctx.cancel.error("the measurement was stopped; results of finished runs are stored");
                stopped = Some(error.remedy(
                    "See them with `mesheryctl perf result list`. Run again, the command measures everything anew.",
                ));
                client.cancel_operation(id).await?;
            }
            event = events.next() => {
                let ended = || Error::new(Code::RemoteError, format!("the events of operation {id} ended before it did"));
                match event.ok_or_else(ended)??.payload {
                    Some(Payload::Ended(operation)) => break operation,
                    Some(Payload::Stage { name, .. }) if name == WAITING => {
                        ctx.ui.note("another measurement of the plane is waited for")?;
                    }
                    _ => {}
                }
            }
        }
    };
    match (stopped, failure(&operation, None)) {
        (Some(stopped), _) => Err(stopped),
        (None, Some(error)) if error.code() != Code::PerfFailed => Err(error),
        _ => Ok(client.perf_result(begun.result_id).await?.result),
    }
}
