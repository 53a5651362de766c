//! Where a plane is or goes: the cluster, the namespace, and what this machine remembers of it.

use std::ffi::OsStr;

use serde_json::Value;

use super::record::Record;
use crate::base::{Code, Error, Result};
use crate::cluster::Cluster;
use crate::cluster::kubeconfig::{self, Kubeconfig};
use crate::cluster::list::Listing;
use crate::model::kubernetes::{GroupVersionKind, KindInfo, ObjectRef};
use crate::plane::kubernetes::{Load, OLDEST, resource};
use crate::plane::spec;
use crate::platform::Plane;

/// A cluster and a namespace.
pub(super) struct Target {
    /// The cluster.
    pub cluster: Cluster,
    /// What tells it from others.
    pub cluster_id: String,
    /// The files it was found in.
    pub kubeconfig: Kubeconfig,
    /// Those files, separated as in PATH.
    pub files: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// Name of the context as it stands in labels.
    pub instance: String,
    /// What this machine remembers of a plane there.
    pub record: Option<Record>,
}

impl Target {
    /// The cluster that the user chose, else the one where this context's plane was started, else the current one; in
    /// it the namespace that the user chose, else that of the last start there.
    ///
    /// # Errors
    /// A kubeconfig that cannot be used, a cluster that does not answer.
    pub(super) async fn find(plane: &Plane) -> Result<Self> {
        let record = Record::read(&plane.home, &plane.context.name)?;
        let elsewhere = |record: &Record| plane.kube_context.as_ref().is_some_and(|one| *one != record.kube_context);
        let namespace = |known: &str| plane.namespace.as_deref().unwrap_or(known).to_owned();
        let (stopped, record) = match record {
            Some(record) if record.stopped => (Some(record), None),
            record => (None, record),
        };
        if let Some(record) = record.filter(|record| !elsewhere(record))
            && let Some(found) = Self::remembered(plane, &record).await?
        {
            return Ok(Self { namespace: namespace(&record.namespace), record: Some(record), ..found });
        }
        let wanted: Vec<String> = plane.kube_context.iter().cloned().collect();
        let found = Self::choose(plane, plane.kubeconfig.clone(), &wanted).await?;
        // Where nothing is left to look for, the cluster is free to choose; what was wished holds for the same one only.
        let record = stopped.filter(|record| record.cluster == found.cluster_id);
        let known = record.as_ref().map_or(found.namespace.as_str(), |record| record.namespace.as_str());
        Ok(Self { namespace: namespace(known), record, ..found })
    }

    /// The cluster of the record, by the files of this shell or else those of the start; `None` when the context leads
    /// to another cluster by now.
    async fn remembered(plane: &Plane, record: &Record) -> Result<Option<Self>> {
        let mut failure = None;
        let mut lists = vec![plane.kubeconfig.clone()];
        if record.kubeconfig != plane.kubeconfig {
            lists.push(record.kubeconfig.clone());
        }
        for files in lists {
            match Self::choose(plane, files, std::slice::from_ref(&record.kube_context)).await {
                Ok(found) if found.cluster_id == record.cluster => return Ok(Some(found)),
                Ok(_) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            // A cluster that does not answer may be the one: nothing else is taken for it.
            Some(error) if error.code() != Code::KubeContextNotFound => Err(error),
            _ => Ok(None),
        }
    }

    /// The cluster that is named, else the current one.
    ///
    /// # Errors
    /// A kubeconfig that cannot be used, a cluster that does not answer.
    pub(super) async fn choose(plane: &Plane, files: Option<String>, wanted: &[String]) -> Result<Self> {
        let merged = kubeconfig::load(files.as_deref().map(OsStr::new), &plane.home)?;
        let chosen = kubeconfig::choose(&merged, wanted, &[])?;
        let [context] = chosen.as_slice() else {
            return Err(Error::new(Code::UsageError, format!("a plane runs in one cluster, not in {}", chosen.len()))
                .remedy("Name one with --kube-context."));
        };
        let cluster = Cluster::connect(&merged, context).await?;
        let cluster_id = cluster.identity().await?;
        Ok(Self {
            cluster,
            cluster_id,
            kubeconfig: merged,
            files,
            namespace: crate::plane::kubernetes::NAMESPACE.to_owned(),
            instance: spec::instance(&plane.context.name),
            record: None,
        })
    }

    /// Version of the API server, which must not be too old.
    ///
    /// # Errors
    /// [`Code::ClusterTooOld`].
    pub(super) async fn version(&self) -> Result<String> {
        let version = self.cluster.version().await?;
        if is_supported(&version) {
            return Ok(version);
        }
        let (major, minor) = OLDEST;
        Err(Error::new(
            Code::ClusterTooOld,
            format!(
                "cluster `{}` runs Kubernetes {version}; {major}.{minor} is the oldest that is supported",
                self.cluster.context
            ),
        ))
    }

    /// The endpoint and name of an object of the plane's namespace, or of none where its kind has none.
    pub(super) fn object(&self, api_version: &str, kind: &str, name: &str) -> Result<(KindInfo, ObjectRef)> {
        let info = kind_of(api_version, kind)?;
        let namespace = info.namespaced.then(|| self.namespace.clone());
        let object =
            ObjectRef { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace, name: name.to_owned() };
        Ok((info, object))
    }

    /// An object of the plane's namespace as it is.
    pub(super) async fn get(&self, api_version: &str, kind: &str, name: &str) -> Result<Option<Value>> {
        let (info, object) = self.object(api_version, kind, name)?;
        self.cluster.get(&info, &object).await
    }

    /// The Deployment of a component.
    pub(super) async fn deployment(&self, part: &str) -> Result<Option<Value>> {
        self.get("apps/v1", "Deployment", part).await
    }

    /// How the image made of this program reaches the nodes: as asked, else as at the last start.
    pub(super) fn load(&self, asked: Option<&Load>) -> Load {
        let recorded = self.record.as_ref().and_then(|record| record.load.as_ref());
        asked.or(recorded).cloned().unwrap_or_default()
    }

    /// Objects of a kind that a selector chooses, in the plane's namespace where the kind has one; none where they may
    /// not be listed.
    pub(super) async fn list(&self, api_version: &str, kind: &str, selector: &str) -> Result<Vec<Value>> {
        let info = kind_of(api_version, kind)?;
        let found = self.cluster.objects_in(&info, &self.namespace, Some(selector)).await?;
        Ok(found.unwrap_or_default())
    }

    /// The same, where not being permitted to list is an error: nothing found would be told as nothing there.
    ///
    /// # Errors
    /// [`Code::ClusterForbidden`].
    pub(super) async fn look(&self, api_version: &str, kind: &str, selector: &str) -> Result<Vec<Value>> {
        let info = kind_of(api_version, kind)?;
        match self.cluster.listing(&info, &self.namespace, Some(selector)).await? {
            Listing::Found(found) => Ok(found),
            Listing::Unserved => Ok(Vec::new()),
            Listing::Refused => {
                let place = if info.namespaced { format!("namespace {}", self.namespace) } else { "it".to_owned() };
                let context = &self.cluster.context;
                Err(Error::new(
                    Code::ClusterForbidden,
                    format!("cluster `{context}` does not permit this user to list {} in {place}", info.plural),
                )
                .remedy(
                    "Ask an administrator of the cluster for that right; `mesheryctl system check` tells which rights \
                     a plane needs, and `mesheryctl system manifest --show-rbac` what the plane itself may do.",
                ))
            }
        }
    }
}

/// A kind the plane is made of, without asking the cluster.
pub(super) fn kind_of(api_version: &str, kind: &str) -> Result<KindInfo> {
    let (plural, namespaced) =
        resource(kind).ok_or_else(|| Error::internal(format!("a plane has no objects of kind {kind}")))?;
    Ok(KindInfo {
        gvk: GroupVersionKind::parse(api_version, kind),
        plural: plural.to_owned(),
        namespaced,
        preferred: true,
    })
}

/// Name and endpoint of an object that is at hand.
pub(super) fn named(object: &Value) -> Result<(KindInfo, ObjectRef)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let info = kind_of(&api_version, &kind)?;
    let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
    Ok((info, ObjectRef { api_version, kind, namespace, name: text(&object["metadata"]["name"]) }))
}

/// `Deployment/meshery`, as stops and checks tell of objects.
pub(super) fn short(object: &ObjectRef) -> String {
    format!("{}/{}", object.kind, object.name)
}

/// Whether a version such as `v1.36.3` is new enough; one that cannot be read is.
fn is_supported(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, good) in [
            ("v1.36.3", true),
            ("v1.26.0", true),
            ("v1.25.16", false),
            ("v1.9.1", false),
            ("v2.0.0", true),
            ("v1.26+", true),
            ("1.24.1-gke.5", false),
            ("dev", true),
        ] {
            assert_eq!(is_supported(version), good, "{version}");
        }
    }

    #[test]
    fn objects_are_told_apart_by_their_kind() {
        let (kind, object) = named(&serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "m", "namespace": "n"}
        }))
        .unwrap();
        assert_eq!(
            (kind.plural.as_str(), kind.namespaced, short(&object)),
            ("deployments", true, "Deployment/m".into())
        );
        assert!(kind_of("v1", "Widget").is_err());
    }
}
