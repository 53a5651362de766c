//! Deletion of one object, exactly the one that was applied.

use std::time::Duration;

use kube::api::{DeleteParams, Preconditions, PropagationPolicy};
use tokio::time::{Instant, sleep};

use crate::base::error::{Code, Error, Result};
use crate::cluster::apply::retry;
use crate::cluster::{Cluster, fault};
use crate::model::kubernetes::{KindInfo, ObjectRef};

/// What a deletion found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The object was there and is marked for deletion.
    Begun,
    /// It was gone already.
    Absent,
    /// An object of that name exists, but it is not the one that was applied.
    Foreign,
}

impl Cluster {
    /// Deletes the object, when `uid` is given only the one with that uid.
    pub async fn delete(&self, kind: &KindInfo, object: &ObjectRef, uid: Option<&str>) -> Result<Deletion> {
        self.delete_within(kind, object, uid, None).await
    }

    /// As [`Cluster::delete`]; `grace` is how many seconds the object's processes get to end, 0 for none.
    pub async fn delete_within(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        uid: Option<&str>,
        grace: Option<u32>,
    ) -> Result<Deletion> {
        let api = self.api(kind, object);
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            grace_period_seconds: grace,
            preconditions: uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
            ..DeleteParams::default()
        };
        match retry(|| api.delete(&object.name, &params)).await {
            Ok(_) => Ok(Deletion::Begun),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Deletion::Absent),
            Err(kube::Error::Api(status))
                if status.is_conflict() && uid.is_some() && status.message.to_lowercase().contains("uid") =>
            {
                Ok(Deletion::Foreign)
            }
            Err(error) => Err(fault::of_object(self, object, &error)),
        }
    }

    /// Waits until the object is gone, or another took its name.
    ///
    /// # Errors
    /// [`Code::WaitTimeout`] names what still holds it: its finalizers.
    pub async fn wait_gone(
        &self,
        kind: &KindInfo,
        object: &ObjectRef,
        uid: Option<&str>,
        limit: Duration,
    ) -> Result<()> {
        let api = self.api(kind, object);
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(20);
        loop {
            let found = retry(|| api.get_metadata_opt(&object.name))
                .await
                .map_err(|error| fault::of_object(self, object, &error))?;
            let Some(found) = found else { return Ok(()) };
            if uid.is_some() && found.metadata.uid.as_deref() != uid {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let finalizers = found.metadata.finalizers.unwrap_or_default();
                let holder = if finalizers.is_empty() {
                    "no finalizer is set".to_owned()
                } else {
                    format!("finalizers: {}", finalizers.join(", "))
                };
                return Err(Error::new(
                    Code::WaitTimeout,
                    format!("{object} is still being deleted after {} s", limit.as_secs()),
                )
                .because(holder));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}
