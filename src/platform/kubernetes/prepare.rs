//! Everything about a start that is settled before anything is changed.

use serde_json::Value;

use super::images::{Delivery, Images, keep_running};
use super::inventory::{Inventory, token_text};
use super::ready::Limit;
use super::record::Record;
use super::target::{Target, named};
use super::{access, apply, namespace, storage};
use crate::base::{Code, Error, Result, id};
use crate::client::credentials;
use crate::model::kubernetes::ObjectRef;
use crate::plane::kubernetes::access::Act;
use crate::plane::kubernetes::{self, Load, Options, Wishes};
use crate::plane::spec::Spec;
use crate::platform::{Plane, Progress, Start};
use crate::wire::rest::TokenFile;

/// A start that can be carried out.
pub(super) struct Plan {
    /// Where.
    pub target: Target,
    /// What was applied by earlier starts.
    pub prior: Option<Inventory>,
    /// How the plane is wanted, with its defaults.
    pub options: Options,
    /// Its components.
    pub spec: Spec,
    /// Its objects, without those that others made.
    pub objects: Vec<Value>,
    /// Its images.
    pub images: Images,
    /// How the image made of this program gets to the nodes.
    pub delivery: Option<Delivery>,
    /// Its token.
    pub token: TokenFile,
    /// What tells it from others.
    pub id: String,
    /// What is remembered of it until the start has succeeded.
    pub before: Memory,
    /// What is remembered of it from then on.
    pub after: Memory,
}

/// How a plane is wanted, as here and the cluster remember it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    wishes: Wishes,
    load: Option<Load>,
    unfinished: bool,
}

impl Plan {
    /// Settles everything: nothing in the cluster is changed.
    ///
    /// # Errors
    /// Whatever would keep the start from working, as far as it can be known before.
    pub(super) async fn make(plane: &Plane, how: &Start, limit: Limit, progress: &dyn Progress) -> Result<Self> {
        let target = Target::find(plane).await?;
        refuse_second(plane, &target)?;
        let version = target.version().await?;
        let context = &target.cluster.context;
        progress.done("cluster", &format!("Kubernetes {version}, context {context}, namespace {}", target.namespace));
        unless_forbidden(namespace::settle(&target, limit, progress).await)?;
        let prior = prior(&target).await?;
        if let Some(prior) = &prior {
            prior.claim(plane, &target).await?;
        }
        let wishes = wishes(how, prior.as_ref(), &target);
        review(plane, &target, &wishes).await?;
        let images = Images::of_start(plane, &target, how.image.as_deref(), (&wishes, how.pull)).await?;
        let delivery = match &images.own {
            Some(own) => Some(Delivery::prepare(&target, own, &target.load(how.kubernetes.load.as_ref())).await?),
            None => None,
        };
        let token = credentials::ensure_in(&plane.token_file)?;
        let mut spec = Spec::new(&plane.context, &images.reference, wishes.broker.as_deref())?;
        if how.image.is_none() {
            keep_running(&target, &mut spec, &images).await?;
        }
        let mut options = Options {
            token: Some(token_text(&token)?),
            pull: images.pull,
            ..Options::of(&wishes).told(&plane.context)
        };
        options.hosts = super::endpoint::known_hosts(&target).await?;
        let all = kubernetes::objects(&spec, &options);
        storage::check(&target, &options).await?;
        let objects = apply::ours(&target, all, progress).await?;
        let id = known_id(prior.as_ref(), &target);
        let recorded = target.record.as_ref().and_then(|record| record.load.clone());
        let load = how.kubernetes.load.clone().or_else(|| recorded.clone());
        let after = Memory { wishes, load, unfinished: false };
        let before = match last_good(prior.as_ref(), &target) {
            Some(wishes) => {
                let wishes = Wishes { namespace: Some(target.namespace.clone()), ..wishes.clone() };
                Memory { wishes, load: recorded, unfinished: false }
            }
            // There is nothing to go back to: the next start completes this one.
            None => Memory { unfinished: true, ..after.clone() },
        };
        Ok(Self { target, prior, options, spec, objects, images, delivery, token, id, before, after })
    }

    /// The objects by name.
    pub(super) fn references(&self) -> Result<Vec<ObjectRef>> {
        self.objects.iter().map(|object| named(object).map(|(_, name)| name)).collect()
    }

    /// What earlier starts applied.
    pub(super) fn earlier(&self) -> Vec<ObjectRef> {
        self.prior.as_ref().map(|prior| prior.objects.clone()).unwrap_or_default()
    }

    /// The record of the plane on this machine.
    pub(super) fn record(&self, plane: &Plane, memory: &Memory, endpoint: Option<String>) -> Record {
        Record {
            id: self.id.clone(),
            kube_context: self.target.cluster.context.clone(),
            kubeconfig: self.target.files.clone(),
            cluster: self.target.cluster_id.clone(),
            namespace: self.target.namespace.clone(),
            token_file: plane.token_file.clone(),
            endpoint,
            wishes: memory.wishes.clone(),
            load: memory.load.clone(),
            unfinished: memory.unfinished,
            stopped: false,
        }
    }

    /// The inventory with these objects.
    pub(super) fn inventory(&self, plane: &Plane, memory: &Memory, objects: Vec<ObjectRef>) -> Inventory {
        Inventory {
            id: self.id.clone(),
            context: plane.context.name.clone(),
            instance: self.target.instance.clone(),
            wishes: memory.wishes.clone(),
            unfinished: memory.unfinished,
            objects,
        }
    }

    /// Names of the components.
    pub(super) fn parts(&self) -> Vec<String> {
        self.spec.parts.iter().map(|part| part.name.clone()).collect()
    }
}

/// A context has one plane: it is not started in a second place while it is in a first.
fn refuse_second(plane: &Plane, target: &Target) -> Result<()> {
    let record = Record::read(&plane.home, &plane.context.name)?.filter(|record| !record.stopped);
    let Some(record) = record else { return Ok(()) };
    let same_cluster = record.cluster == target.cluster_id;
    let gone = record.kube_context == target.cluster.context && !same_cluster;
    if gone || (same_cluster && record.namespace == target.namespace) {
        return Ok(());
    }
    let (context, namespace) = (&record.kube_context, &record.namespace);
    Err(Error::new(
        Code::ServerRunning,
        format!("the plane of context `{}` is in namespace {namespace} of cluster `{context}`", plane.context.name),
    )
    .because("a context has one plane")
    .remedy(format!(
        "Stop it first with `mesheryctl system stop --kube-context {context}`, or make another context with \
         `mesheryctl system context create NAME --platform kubernetes`."
    )))
}

/// The inventory that is there; one that may not be read counts as none, and the review tells of it.
async fn prior(target: &Target) -> Result<Option<Inventory>> {
    unless_forbidden(Inventory::read(target).await).map(Option::flatten)
}

/// What may not be looked at counts as not there: the review tells of the right that lacks, with all others.
fn unless_forbidden<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Err(error) if error.code() == Code::ClusterForbidden => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// This user may do all that the start needs. Which images there will be is nothing that the rights depend on.
pub(super) async fn review(plane: &Plane, target: &Target, wishes: &Wishes) -> Result<()> {
    let spec = Spec::new(&plane.context, "", wishes.broker.as_deref())?;
    let options = Options { token: Some(String::new()), ..Options::of(wishes) };
    let objects = kubernetes::objects(&spec, &options);
    access::review(target, Act::Start, &objects, &options).await
}

fn wishes(how: &Start, prior: Option<&Inventory>, target: &Target) -> Wishes {
    let asked = Wishes {
        namespace: Some(target.namespace.clone()),
        image: how.image.clone(),
        broker: how.broker.clone(),
        ..how.kubernetes.clone()
    };
    let recorded = target.record.as_ref().map(|record| &record.wishes);
    match prior.map(|prior| &prior.wishes).or(recorded) {
        Some(earlier) => asked.over(earlier),
        None => asked,
    }
}

/// How the plane was wanted at the last start that succeeded.
fn last_good<'a>(prior: Option<&'a Inventory>, target: &'a Target) -> Option<&'a Wishes> {
    match (prior, &target.record) {
        (Some(prior), _) => (!prior.unfinished).then_some(&prior.wishes),
        (None, Some(record)) => (!record.unfinished).then_some(&record.wishes),
        (None, None) => None,
    }
}

/// The id that is known already, here or there, else a new one.
fn known_id(prior: Option<&Inventory>, target: &Target) -> String {
    let known = prior.map(|prior| prior.id.clone()).filter(|id| !id.is_empty());
    let recorded = || target.record.as_ref().map(|record| record.id.clone());
    known.or_else(recorded).unwrap_or_else(|| id::new().to_string())
}
