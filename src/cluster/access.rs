//! What this user may do, asked of the API server before anything is tried.

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::base::error::Result;
use crate::cluster::apply::{request, retry};
use crate::cluster::{Cluster, fault};
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::plane::kubernetes::access::Need;

/// Reviews asked for at the same time.
const AT_ONCE: usize = 16;

impl Cluster {
    /// Which of `needs` this user lacks, each with what the API server says about it. A cluster that answers no reviews
    /// is taken to permit everything: the call itself will tell.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn lacking(&self, needs: &[Need]) -> Result<Vec<(Need, Option<String>)>> {
        let reviews = futures_util::stream::iter(needs.to_vec()).map(|need| async move {
            let verdict = self.review(&need).await;
            (need, verdict)
        });
        let mut reviews = std::pin::pin!(reviews.buffered(AT_ONCE));
        let mut lacking = Vec::new();
        while let Some((need, verdict)) = reviews.next().await {
            if let Verdict::Refused(reason) = verdict? {
                lacking.push((need, reason));
            }
        }
        Ok(lacking)
    }

    async fn review(&self, need: &Need) -> Result<Verdict> {
        let (resource, subresource) = need.resource.split_once('/').unwrap_or((&need.resource, ""));
        let attributes = json!({
            "verb": need.verb, "group": need.group, "resource": resource, "subresource": subresource,
            "namespace": need.namespace.as_deref().unwrap_or_default(), "name": need.name.as_deref().unwrap_or_default()
        });
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes}
        });
        let Some(answer) = self.ask("authorization.k8s.io", "SelfSubjectAccessReview", &body).await? else {
            return Ok(Verdict::Unknown);
        };
        if answer["status"]["allowed"] == true {
            return Ok(Verdict::Allowed);
        }
        let reason = answer["status"]["reason"].as_str().filter(|reason| !reason.is_empty());
        Ok(Verdict::Refused(reason.map(str::to_owned)))
    }

    /// Name of this user as the API server knows it; `None` where it does not tell (before Kubernetes 1.28).
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn user(&self) -> Result<Option<String>> {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = self.ask("authentication.k8s.io", "SelfSubjectReview", &body).await?;
        Ok(answer.and_then(|answer| answer["status"]["userInfo"]["username"].as_str().map(str::to_owned)))
    }

    /// Creates a review and gives the answer; `None` where the API server has no such reviews or permits none.
    async fn ask(&self, group: &str, kind: &str, body: &Value) -> Result<Option<Value>> {
        let kind = KindInfo {
            gvk: GroupVersionKind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.to_owned() },
            plural: format!("{}s", kind.to_lowercase()),
            namespaced: false,
            preferred: true,
        };
        let collection = Self::collection(&kind, None);
        let bytes = body.to_string().into_bytes();
        let params = kube::api::PostParams::default();
        match retry(|| async { self.call(request(collection.create(&params, bytes.clone()))?).await }).await {
            Ok((_, answer)) => Ok(Some(answer)),
            Err(kube::Error::Api(status)) if status.is_forbidden() || status.is_not_found() || status.code == 405 => {
                Ok(None)
            }
            Err(error) => Err(fault::of_call(self, &error)),
        }
    }
}

enum Verdict {
    Allowed,
    Refused(Option<String>),
    Unknown,
}
