//! A request becomes an order: a whole plan, checked, and all that goes with it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{access, certificates, profiles};
use crate::base::{Code, Error, Result};
use crate::model::performance::plan::Plan;
use crate::model::performance::workers::Workers;
use crate::perf::plan::check;
use crate::perf::threshold::{Threshold, Undecided};
use crate::server::{Caller, Shared};
use crate::wire::rest::performance::RunRequest;

/// What is to be measured, and what is to be done with it.
pub(super) struct Order {
    pub(super) plan: Plan,
    pub(super) profile_id: Option<Uuid>,
    pub(super) thresholds: Vec<Threshold>,
    /// What becomes of a measurement of which a threshold cannot be decided.
    pub(super) undecided: Undecided,
    /// Whether a breach ends the measurement.
    pub(super) abort: bool,
    /// Address of a Prometheus.
    pub(super) prometheus: Option<String>,
    /// Queries by name; the usual ones when empty.
    pub(super) metrics: BTreeMap<String, String>,
    /// Several workers instead of this process.
    pub(super) workers: Option<Workers>,
    /// Kubernetes context that was named.
    pub(super) context: Option<String>,
    pub(super) kubeconfig: Option<String>,
}

/// Settles a request with what is stored.
///
/// # Errors
/// What the caller may not ask for, an unknown profile, a plan that cannot be carried out, a threshold that cannot be read.
pub(super) async fn settle(state: &Shared, caller: Caller, request: RunRequest) -> Result<Order> {
    caller.may_name(request.kubeconfig.as_deref())?;
    access::workers(caller, request.workers.as_ref())?;
    let profile = match &request.profile {
        Some(named) => Some(profiles::find(state, named).await?),
        None => None,
    };
    let (mut plan, texts) = match (request.plan, &profile) {
        (Some(plan), _) => (plan, request.thresholds),
        (None, Some(profile)) => {
            let own = if request.thresholds.is_empty() { profile.thresholds.clone() } else { request.thresholds };
            (profile.plan.clone(), own)
        }
        (None, None) => {
            return Err(Error::new(Code::RequestInvalid, "the request names neither a plan nor a profile")
                .remedy("Send `plan`, or `profile` with the id or name of a stored one."));
        }
    };
    access::plan(caller, &plan, profile.as_ref().map(|profile| &profile.plan))?;
    certificates::keep(&state.settings.home, &mut plan)?;
    check(&plan)?;
    request.workers.as_ref().map_or(Ok(()), Workers::check)?;
    let thresholds = texts.iter().map(|text| Threshold::parse(text)).collect::<Result<Vec<_>>>()?;
    let prometheus = match request.prometheus {
        Some(address) => address,
        None => state.store.preferences().get().await?.prometheus_url,
    };
    Ok(Order {
        plan,
        profile_id: profile.map(|profile| profile.id),
        thresholds,
        undecided: request.undecided,
        abort: request.abort_on_fail,
        prometheus: (!prometheus.is_empty()).then_some(prometheus),
        metrics: request.metrics,
        workers: request.workers,
        context: request.context.filter(|context| !context.is_empty()),
        kubeconfig: request.kubeconfig,
    })
}
