//! The namespace of a plane: made when it is missing, waited for when it ends, removed when nobody else needs it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::apply::is_ours;
use super::ready::Limit;
use super::target::Target;
use crate::base::{Code, Error, Result};
use crate::cluster::list::Listing;
use crate::platform::Progress;

/// Name of the step that progress tells of.
const STEP: &str = "namespace";

/// The namespace as it is.
pub(super) async fn get(target: &Target) -> Result<Option<Value>> {
    target.get("v1", "Namespace", &target.namespace).await
}

/// Waits until a namespace that is being deleted is gone; one that is not is left alone.
///
/// # Errors
/// [`Code::NamespaceTerminating`] with what is left in it.
pub(super) async fn settle(target: &Target, limit: Limit, progress: &dyn Progress) -> Result<()> {
    let mut pause = Duration::from_millis(50);
    let mut waited = false;
    loop {
        let Some(live) = get(target).await?.filter(is_leaving) else {
            if waited {
                progress.done(STEP, "the earlier one is gone");
            }
            return Ok(());
        };
        waited = true;
        let left = left(&live);
        progress.state(STEP, left.as_deref().unwrap_or("waiting until the earlier one is gone"));
        if limit.is_over() {
            let error = Error::new(
                Code::NamespaceTerminating,
                format!("namespace {} is still being deleted after {} s", target.namespace, limit.seconds()),
            );
            return Err(match left {
                Some(left) => error.because(left),
                None => error,
            });
        }
        sleep(pause.min(limit.rest())).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

pub(super) fn is_leaving(live: &Value) -> bool {
    live["metadata"]["deletionTimestamp"].is_string()
}

/// What keeps a namespace from ending, in the words of its controller.
fn left(live: &Value) -> Option<String> {
    let conditions = live["status"]["conditions"].as_array()?;
    let told = conditions.iter().filter(|condition| condition["status"] == "True");
    let texts: Vec<&str> = told.filter_map(|condition| condition["message"].as_str()).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Whether this program made the namespace for this plane.
pub(super) fn is_made_here(live: &Value, target: &Target) -> bool {
    live["metadata"]["labels"][crate::plane::kubernetes::marks::INSTANCE].is_string() && is_ours(live, target)
}

/// Objects in the namespace that are not of this plane and that no namespace has by itself.
///
/// A kind that may not be listed counts as one of which nobody knows.
pub(super) async fn guests(target: &Target) -> Result<Vec<String>> {
    let kinds = target.cluster.kinds().await?;
    let kinds = kinds.iter().filter(|kind| kind.namespaced && kind.preferred && !is_told_by_others(&kind.gvk.kind));
    let looks = kinds.map(async |kind| {
        let found = target.cluster.listing(kind, &target.namespace, None).await?;
        Ok::<_, Error>((kind.plural.clone(), found))
    });
    let mut guests = Vec::new();
    for look in futures_util::future::join_all(looks).await {
        match look? {
            (plural, Listing::Refused) => guests.push(format!("{plural} that may not be listed")),
            // A definition that was deleted a moment ago took its objects with it.
            (_, Listing::Unserved) => {}
            (_, Listing::Found(found)) => {
                let foreign = found.iter().filter(|object| !is_ours(object, target) && !is_of_every_namespace(object));
                guests.extend(foreign.map(name));
            }
        }
    }
    guests.sort();
    guests.dedup();
    Ok(guests)
}

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Kinds that controllers make of others and that end with them.
fn is_told_by_others(kind: &str) -> bool {
    matches!(kind, "Event" | "Endpoints" | "EndpointSlice" | "ControllerRevision" | "PodMetrics" | "Lease")
}

/// What every namespace has, and what belongs to an object that is listed itself.
fn is_of_every_namespace(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let owned = object["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let usual = match object["kind"].as_str() {
        Some("ServiceAccount") => name == "default",
        Some("ConfigMap") => {
            let of_mesh = !object["metadata"]["labels"]["istio.io/config"].is_null();
            let usual =
                ["kube-root-ca.crt", "istio-ca-root-cert", "istio-ca-crl", "openshift-service-ca.crt"].contains(&name);
            of_mesh || usual
        }
        Some("Secret") => object["type"] == "kubernetes.io/service-account-token",
        _ => false,
    };
    owned || usual || is_leaving(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_every_namespace_has_is_no_guest() {
        for object in [
            json!({"kind": "ServiceAccount", "metadata": {"name": "default"}}),
            json!({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}),
            json!({"kind": "Pod", "metadata": {"name": "a", "ownerReferences": [{"uid": "u"}]}}),
        ] {
            assert!(is_of_every_namespace(&object), "{object}");
        }
        assert!(!is_of_every_namespace(&json!({"kind": "ConfigMap", "metadata": {"name": "mine"}})));
    }

    #[test]
    fn a_namespace_that_ends_tells_what_is_left() {
        let live = json!({"status": {"conditions": [
            {"type": "A", "status": "False", "message": "no"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content has finalizers remaining"}
        ]}});
        assert_eq!(left(&live).as_deref(), Some("Some content has finalizers remaining"));
        assert_eq!(left(&json!({})), None);
    }
}
