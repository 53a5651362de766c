//! What would happen to one object, by what is there and what the API server says to a dry run.

use serde_json::Value;

use super::{Target, blank};
use crate::base::error::{Code, Error, Kind, Result};
use crate::cluster::FIELD_MANAGER;
use crate::pattern::diff::{self, Sides};
use crate::pattern::object::ANNOTATION_PATTERN;
use crate::pattern::{Planned, validate};
use crate::wire::rest::plan::{Change, FieldChange, ObjectPlan};

/// A target with its live objects, by index of the planned one.
pub(super) struct Looks<'a> {
    pub(super) target: &'a Target<'a>,
    pub(super) live: &'a [Option<Value>],
    /// Whether an apply would surely write nothing.
    pub(super) known: &'a [bool],
    /// Faults against the schema.
    pub(super) faults: &'a [Vec<Error>],
}

impl Looks<'_> {
    /// # Errors
    /// Only what keeps the cluster from answering; what it refuses stands in the plan.
    pub(super) async fn object(&self, index: usize) -> Result<ObjectPlan> {
        let planned = &self.target.compiled.objects[index];
        let plan = |change: Change| ObjectPlan {
            depends_on: depends_on(&self.target.compiled.objects, planned),
            ..blank(&planned.service, &planned.object, planned.wave, change)
        };
        if let Some(error) = validate::combine(self.faults[index].clone()) {
            return Ok(ObjectPlan { error: Some(error.report()), ..plan(Change::Refused) });
        }
        let leaving = |live: &&Value| !live["metadata"]["deletionTimestamp"].is_null();
        let live = self.live[index].as_ref();
        if live.is_some_and(|live| leaving(&live)) {
            let because = Some("the one in the cluster is being deleted; it is made anew once that is gone".to_owned());
            return Ok(ObjectPlan { because, ..plan(Change::Create) });
        }
        if let (None, Some(because)) = (live, self.comes_first(planned)) {
            return Ok(ObjectPlan { because: Some(because), ..plan(Change::Create) });
        }
        if let Some(error) = live.and_then(|live| self.foreign(planned, live)) {
            let error = self.placed(planned, error);
            return Ok(ObjectPlan { error: Some(error.report()), ..plan(Change::Refused) });
        }
        if self.known[index] {
            return Ok(plan(Change::Unchanged));
        }
        self.asked(planned, live, plan).await
    }

    /// What the API server says to a dry run.
    async fn asked(
        &self,
        planned: &Planned,
        live: Option<&Value>,
        plan: impl Fn(Change) -> ObjectPlan,
    ) -> Result<ObjectPlan> {
        let force = self.target.request.force_conflicts;
        let error = match (self.dry_run(planned, force).await, live) {
            (Ok(_), None) => return Ok(plan(Change::Create)),
            (Ok(after), Some(live)) => return Ok(changed(planned, (live, &after), plan)),
            (Err(error), _) => error,
        };
        if !matches!(error.kind(), Kind::Failed | Kind::Conflict) && error.code() != Code::ClusterForbidden {
            return Err(error);
        }
        let error = self.placed(planned, error);
        if error.code() == Code::ObjectImmutable {
            let allowed = self.target.request.recreate;
            let because = allowed.then(|| error.report().details.join("; "));
            let error = (!allowed).then(|| error.report());
            let change = if allowed { Change::Recreate } else { Change::Refused };
            return Ok(ObjectPlan { because, error, ..plan(change) });
        }
        // Whose fields would have to be taken over shows in what a forced apply would change.
        let fields = match (live, error.code()) {
            (Some(live), Code::ObjectConflict) => {
                let after = self.dry_run(planned, true).await.ok();
                after.map(|after| fields(planned, live, &after)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(ObjectPlan { fields, error: Some(error.report()), ..plan(Change::Refused) })
    }

    async fn dry_run(&self, planned: &Planned, force: bool) -> Result<Value> {
        self.target.cluster.dry_run(&planned.kind, &planned.object, &planned.body, force).await
    }

    /// Why the API server cannot be asked: the namespace or the kind of the object is to be made by the same pattern.
    fn comes_first(&self, planned: &Planned) -> Option<String> {
        let objects = &self.target.compiled.objects;
        if self.target.served(&planned.object).is_none() {
            let gvk = &planned.kind.gvk;
            return Some(format!(
                "checked by its schema alone: {} is not served yet",
                gvk.api_version() + "/" + &gvk.kind
            ));
        }
        let namespace = planned.object.namespace.as_deref()?;
        let index = objects.iter().position(|other| {
            other.object.kind == "Namespace" && other.kind.gvk.group.is_empty() && other.object.name == namespace
        })?;
        self.live[index]
            .is_none()
            .then(|| format!("checked by its schema alone: namespace {namespace} is not there yet"))
    }

    /// Two patterns that hold the same object would undo each other's work without a conflict.
    fn foreign(&self, planned: &Planned, live: &Value) -> Option<Error> {
        let owner = live["metadata"]["annotations"][ANNOTATION_PATTERN].as_str()?;
        let own = planned.body["metadata"]["annotations"][ANNOTATION_PATTERN].as_str()?;
        (owner != own && !self.target.request.force_conflicts).then(|| {
            Error::new(Code::ObjectConflict, format!("{} belongs to pattern `{owner}`", planned.object)).remedy(
                "Rename one of the two, delete the other pattern, or take the object over with --force-conflicts.",
            )
        })
    }

    fn placed(&self, planned: &Planned, error: Error) -> Error {
        error.at(self.target.document.source.place(&["services".into(), planned.service.as_str().into()]))
    }
}

fn fields(planned: &Planned, live: &Value, after: &Value) -> Vec<FieldChange> {
    diff::fields(Sides { live, desired: after, body: &planned.body }, FIELD_MANAGER)
}

fn changed(planned: &Planned, (live, after): (&Value, &Value), plan: impl Fn(Change) -> ObjectPlan) -> ObjectPlan {
    let fields = fields(planned, live, after);
    if !fields.is_empty() {
        return ObjectPlan { fields, ..plan(Change::Configure) };
    }
    if own_fields(live) == own_fields(after) {
        return plan(Change::Unchanged);
    }
    let because = Some("no value changes, but which fields are the pattern's".to_owned());
    ObjectPlan { because, ..plan(Change::Configure) }
}

/// What the pattern's own applies own.
fn own_fields(object: &Value) -> Option<&Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let own = |entry: &&Value| entry["manager"] == FIELD_MANAGER && entry["operation"] == "Apply";
    entries.iter().find(own).map(|entry| &entry["fieldsV1"])
}

pub(super) fn depends_on(objects: &[Planned], planned: &Planned) -> Vec<String> {
    planned.node.depends_on.iter().map(|index| objects[*index].service.clone()).collect()
}

/// What depends on an object that would fail is not attempted. `plans` stand in the order of `objects`.
pub(super) fn withhold(objects: &[Planned], plans: &mut [ObjectPlan]) {
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|index| objects[*index].node.level);
    for index in order {
        let fails = |other: &&usize| plans[**other].error.is_some() || plans[**other].change == Change::Withheld;
        let cause = objects[index].node.depends_on.iter().find(fails).map(|other| objects[*other].service.clone());
        if let (Some(cause), None) = (cause, &plans[index].error) {
            plans[index].change = Change::Withheld;
            plans[index].because = Some(format!("service `{cause}` would fail"));
            plans[index].fields = Vec::new();
        }
    }
}
