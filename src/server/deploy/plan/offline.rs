//! A check by schemas alone: clusters are asked which kinds they serve, and for nothing else.

use std::sync::Arc;

use super::{Job, blank, object, warnings};
use crate::base::error::{Kind, Result};
use crate::pattern::identify::Kinds;
use crate::pattern::schema::{self, Schemas};
use crate::pattern::{Document, compile, validate};
use crate::server::deploy::{contexts, reach, request};
use crate::wire::rest::plan::{Change, ContextPlan, ObjectPlan};

/// What stands in place of a context when no cluster is asked.
const NO_CONTEXT: &str = "none";

impl Job<'_> {
    /// Compiles and checks in every context. A cluster that does not answer is replaced by what is known without one.
    pub(super) async fn offline(&self) -> Result<Vec<ContextPlan>> {
        let chosen = request::contexts(self.state, &self.request.contexts, self.request.kubeconfig.as_deref()).await;
        let (kubeconfig, contexts) = match chosen {
            Ok(chosen) => chosen,
            Err(_) if self.request.contexts.is_empty() => {
                let document = self.document_for("", NO_CONTEXT).await?;
                let plan = self.checked(NO_CONTEXT, &document, (&Kinds::offline(), "default"))?;
                return Ok(vec![plan]);
            }
            Err(error) => return Err(error),
        };
        let mut plans = Vec::with_capacity(contexts.len());
        for context in &contexts {
            let outcome = match reach(&kubeconfig, context).await {
                Ok((cluster, id, kinds)) => {
                    let document = self.document_for(&id, context).await?;
                    self.checked(context, &document, (&Kinds::of_cluster(kinds), &cluster.namespace))
                }
                Err(error) if error.kind() == Kind::Unreachable => {
                    let document = self.document_for("", context).await?;
                    let plan = self.checked(context, &document, (&Kinds::offline(), "default"));
                    plan.map(|mut plan| {
                        plan.warnings.insert(0, format!("{}; kinds of CRDs are not checked", error.message()));
                        plan
                    })
                }
                Err(error) => Err(error),
            };
            plans.push((context.clone(), outcome));
        }
        contexts::split(plans).map(|(plans, _)| plans)
    }

    fn checked(
        &self,
        context: &str,
        document: &Arc<Document>,
        (kinds, namespace): (&Kinds, &str),
    ) -> Result<ContextPlan> {
        let namespace = self.request.namespace.as_deref().unwrap_or(namespace);
        let compiled = compile(document, kinds, namespace)?;
        let faults = schema::check(document, &compiled, &Schemas::bundled());
        if let Some(error) = validate::combine(faults) {
            return Err(error);
        }
        let mut warnings = warnings(&compiled);
        if !compiled.open.is_empty() {
            warnings.push(format!("of a kind that only a cluster knows, not checked: {}", compiled.open.join(", ")));
        }
        let mut objects: Vec<ObjectPlan> = compiled
            .objects
            .iter()
            .map(|planned| ObjectPlan {
                depends_on: object::depends_on(&compiled.objects, planned),
                ..blank(&planned.service, &planned.object, planned.wave, Change::Valid)
            })
            .collect();
        objects.sort_by_key(|plan| plan.wave);
        Ok(ContextPlan { context: context.to_owned(), error: None, objects, warnings })
    }
}
