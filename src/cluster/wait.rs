//! Waiting for a CRD: only when its kind is served can an object of it be applied.

use std::time::Duration;

use kube::Api;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::base::error::{Code, Error, Result};
use crate::cluster::apply::retry;
use crate::cluster::{Cluster, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};

impl Cluster {
    /// Waits until the CRD is established and the API server serves every version it promises.
    ///
    /// # Errors
    /// [`Code::WaitTimeout`] with the condition that is missing; [`Code::ObjectRefused`] when its names are taken.
    pub async fn wait_established(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        served: &[KindInfo],
        limit: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(20);
        loop {
            let definition = self.get(kind, object).await?.unwrap_or_default();
            let missing = match established(object, &definition)? {
                None => match self.first_unserved(served).await? {
                    None => return Ok(()),
                    Some(unserved) => format!("{unserved} is not served yet"),
                },
                Some(missing) => missing,
            };
            if Instant::now() >= deadline {
                return Err(Error::new(
                    Code::WaitTimeout,
                    format!("{object} was not ready after {} s", limit.as_secs()),
                )
                .because(missing));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    async fn first_unserved(&self, served: &[KindInfo]) -> Result<Option<String>> {
        for kind in served {
            let any = ObjectRef {
                api_version: kind.gvk.api_version(),
                kind: kind.gvk.kind.clone(),
                namespace: None,
                name: String::new(),
            };
            let api: Api<_> = self.api(kind, &any);
            let params = kube::api::ListParams::default().limit(1);
            match retry(|| api.list_metadata(&params)).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Some(kind.gvk.to_string())),
                // Served, but this user may not list it: enough to know.
                Err(kube::Error::Api(status)) if status.is_forbidden() => {}
                Err(error) => return Err(fault::of_call(self, &error)),
            }
        }
        Ok(None)
    }
}

/// `None` when established, else what is missing.
fn established(object: &ObjectRef, definition: &Value) -> Result<Option<String>> {
    let conditions = definition["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let condition = |name: &str| conditions.iter().find(|condition| condition["type"] == name);
    if let Some(refused) = condition("NamesAccepted").filter(|condition| condition["status"] == "False") {
        return Err(Error::new(Code::ObjectRefused, format!("{object}: its names are taken by another CRD"))
            .because(refused["message"].as_str().unwrap_or_default()));
    }
    match condition("Established") {
        Some(condition) if condition["status"] == "True" => Ok(None),
        Some(condition) => {
            Ok(Some(format!("Established is False: {}", condition["message"].as_str().unwrap_or_default())))
        }
        None => Ok(Some("it is not established yet".to_owned())),
    }
}
