//! Takes back what an apply did, because a part of it failed: what it made is deleted, what it changed gets the
//! content of the revision before.

use serde_json::{Value, json};

use super::carry::Carried;
use super::{Ended, Work};
use crate::base::error::Result;
use crate::cluster::apply::Options;
use crate::model::pattern::{Action, InventoryItem, ObjectResult};
use crate::pattern::Planned;
use crate::server::deploy::removal::Purpose;

impl Work<'_> {
    pub(super) async fn undo(&self, carried: Carried) -> Result<Ended> {
        let context = &self.target.cluster.context;
        self.job.handle.stage("take back", Some(context));
        let mut results = carried.results;
        let mut made = Vec::new();
        for (planned, reached) in self.target.compiled.objects.iter().zip(&carried.reached) {
            let Some(reached) = reached else { continue };
            match reached.action {
                Action::Created => made.push(InventoryItem {
                    service: planned.service.clone(),
                    object: planned.object.clone(),
                    position: planned.wave,
                    generation: self.generation,
                    uid: reached.uid.clone(),
                }),
                Action::Configured | Action::Recreated => {
                    let back = self.put_back(planned).await;
                    merge(&mut results, &back);
                    self.job.handle.object(back);
                }
                _ => {}
            }
        }
        for removed in self.removal(Purpose::TakeBack).run(&made).await {
            merge(&mut results, &removed);
        }
        self.forget_new().await?;
        self.job.handle.restate(context, &results);
        Ok(Ended { results, taken_back: true, ..Ended::default() })
    }

    async fn put_back(&self, planned: &Planned) -> ObjectResult {
        let same = |body: &&Value| {
            let metadata = &body["metadata"];
            body["kind"] == planned.object.kind.as_str()
                && metadata["name"] == planned.object.name.as_str()
                && metadata["namespace"].as_str() == planned.object.namespace.as_deref()
        };
        let body = self.former.iter().find(same).cloned().unwrap_or_else(|| bare(planned));
        let options = Options { force: true, recreate: true, owner: None, ..self.options() };
        let outcome = self.target.cluster.apply(&planned.kind, &planned.object, &body, options).await;
        let (action, error) = match outcome {
            Ok(_) => (Action::RolledBack, None),
            Err(error) => (Action::Failed, Some(error.report())),
        };
        ObjectResult {
            context: self.target.cluster.context.clone(),
            service: planned.service.clone(),
            object: planned.object.clone(),
            action,
            because: None,
            error,
            health: None,
        }
    }

    /// A pattern that was not applied before is not applied now, once nothing of it is left.
    async fn forget_new(&self) -> Result<()> {
        let inventory = self.job.state.store.inventory();
        let left = inventory.get(&self.target.id, self.job.name).await?;
        if self.before.is_none() && left.is_some_and(|set| set.items.is_empty()) {
            inventory.forget(&self.target.id, self.job.name).await?;
        }
        Ok(())
    }
}

/// Nothing but the name: what is applied so gives up every field.
fn bare(planned: &Planned) -> Value {
    let mut body = json!({
        "apiVersion": planned.body["apiVersion"],
        "kind": planned.body["kind"],
        "metadata": {"name": planned.object.name},
    });
    if let Some(namespace) = &planned.object.namespace {
        body["metadata"]["namespace"] = json!(namespace);
    }
    body
}

/// What became of an object last is its result; why it was not ready stays told.
fn merge(results: &mut [ObjectResult], last: &ObjectResult) {
    if let Some(result) = results.iter_mut().find(|result| result.object == last.object) {
        let error = last.error.clone().or_else(|| result.error.take());
        *result = ObjectResult { error, because: last.because.clone(), ..last.clone() };
    }
}
