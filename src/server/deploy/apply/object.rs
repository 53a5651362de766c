//! One object: applied or adopted, and its CRD waited for.

use serde_json::{Value, json};

use super::Work;
use crate::base::error::Result;
use crate::cluster::apply::{Applied, Options, Seen};
use crate::model::kubernetes::KindInfo;
use crate::model::pattern::{Action, InventoryItem};
use crate::pattern::object::{ANNOTATION_PATTERN, ANNOTATION_SERVICE, LABEL_SERVICE};
use crate::pattern::{Planned, identify};
use crate::server::deploy::wait_limit;

/// What became of an object.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    pub(super) action: Action,
    pub(super) uid: Option<String>,
    /// Whether the object is the pattern's to delete.
    pub(super) owned: bool,
    /// The object as the cluster has it, for the first look at its health.
    pub(super) live: Value,
    /// A note worth reading.
    pub(super) because: Option<String>,
}

impl Work<'_> {
    pub(super) async fn apply(&self, index: usize) -> Result<Reached> {
        let planned = &self.target.compiled.objects[index];
        if self.target.request.adopt {
            return self.adopt(planned).await;
        }
        let cluster = &self.target.cluster;
        let applied = cluster.apply(&planned.kind, &planned.object, &planned.body, self.seen(planned)).await?;
        self.settle_definition(planned, applied.action).await?;
        let owned = !(self.known(planned).is_none() && applied.action != Action::Created && is_namespace(planned));
        if !owned {
            self.tell_foreign(planned);
        }
        Ok(Reached::of(applied, owned))
    }

    async fn adopt(&self, planned: &Planned) -> Result<Reached> {
        let adopted =
            self.target.cluster.adopt(&planned.kind, &planned.object, &marks(planned), self.options()).await?;
        let Some(applied) = adopted else {
            let because = Some("not in the cluster; adopting creates nothing".to_owned());
            return Ok(Reached { action: Action::Skipped, uid: None, owned: false, live: Value::Null, because });
        };
        Ok(Reached::of(applied, true))
    }

    /// The options, with what the snapshot knows. That an object of ours is not in it any more has a reason to be
    /// looked at, such as a label that somebody took away.
    fn seen(&self, planned: &Planned) -> Options<'_> {
        let seen = match self.snapshot.of(&planned.kind, &planned.object) {
            Seen::Absent if self.known(planned).is_some() || is_namespace(planned) => Seen::Unknown,
            seen => seen,
        };
        Options { seen, ..self.options() }
    }

    pub(super) fn options(&self) -> Options<'static> {
        let request = &self.target.request;
        Options {
            force: request.force_conflicts,
            recreate: request.recreate,
            owner: Some(ANNOTATION_PATTERN),
            seen: Seen::Unknown,
            gone_within: wait_limit(request),
        }
    }

    /// What the inventory knew of an object before this operation.
    pub(super) fn known(&self, planned: &Planned) -> Option<&InventoryItem> {
        self.before.as_ref()?.get(&planned.object.identity()).copied()
    }

    /// A namespace that others made may hold what others put there: it is used, but not the pattern's to delete.
    fn tell_foreign(&self, planned: &Planned) {
        let name = &planned.object.name;
        self.job.handle.warning(format!("namespace {name} was there before; `pattern delete` leaves it in place"));
    }

    async fn settle_definition(&self, planned: &Planned, action: Action) -> Result<()> {
        let served = self.defined_kinds(planned);
        if served.is_empty() {
            return Ok(());
        }
        let cluster = &self.target.cluster;
        if action != Action::Unchanged {
            self.job.handle.progress(&cluster.context, &planned.service, "waiting until its kind is served");
        }
        cluster.wait_established(&planned.kind, &planned.object, &served, wait_limit(&self.target.request)).await
    }

    fn defined_kinds(&self, planned: &Planned) -> Vec<KindInfo> {
        self.target.compiled.pattern.service(&planned.service).map(identify::definitions).unwrap_or_default()
    }
}

impl Reached {
    fn of(applied: Applied, owned: bool) -> Self {
        Self { action: applied.action, uid: applied.uid, owned, live: applied.live, because: None }
    }
}

fn is_namespace(planned: &Planned) -> bool {
    planned.object.kind == "Namespace" && planned.kind.gvk.group.is_empty()
}

/// The object with nothing but what marks it as the pattern's.
fn marks(planned: &Planned) -> Value {
    let metadata = &planned.body["metadata"];
    let mut bare = json!({
        "apiVersion": planned.body["apiVersion"],
        "kind": planned.body["kind"],
        "metadata": {
            "name": metadata["name"],
            "labels": {LABEL_SERVICE: metadata["labels"][LABEL_SERVICE]},
            "annotations": {
                ANNOTATION_PATTERN: metadata["annotations"][ANNOTATION_PATTERN],
                ANNOTATION_SERVICE: metadata["annotations"][ANNOTATION_SERVICE],
            },
        },
    });
    if metadata["namespace"].is_string() {
        bare["metadata"]["namespace"] = metadata["namespace"].clone();
    }
    bare
}
