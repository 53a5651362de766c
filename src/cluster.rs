//! Rank 4: Kubernetes clusters, always through an explicit context.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`kubeconfig`] | reads and merges kubeconfig files, lists and chooses contexts |
//! | [`portable`] | a kubeconfig that works away from this machine |
//! | [`connect`] | a client for one context, and the cluster's identity |
//! | [`inside`] | the cluster that this process runs in |
//! | [`access`] | what this user may do |
//! | [`discovery`] | the kinds the cluster serves |
//! | [`apply`] | server-side apply of one object |
//! | [`dry_run`] | what an apply would make of an object |
//! | [`openapi`] | the cluster's own schemas |
//! | [`list`] | every object of a kind in a namespace |
//! | [`delete`] | deletion of one object, and waiting until it is gone |
//! | [`wait`] | waiting for a CRD to be served |
//! | [`snapshot`] | many objects with few calls |
//! | [`blocker`] | what keeps a workload from being ready |
//! | [`logs`] | what pods write, followed over restarts |
//! | [`forward`] | a port of this machine that leads to a pod |
//! | [`status`] | health of an object by the rules of kstatus |
//! | [`unchanged`] | whether an apply would write nothing |
//! | [`fault`] | what the API server says, as our errors |

pub mod access;
pub mod apply;
pub mod blocker;
mod call;
pub mod connect;
pub mod delete;
pub mod discovery;
pub mod dry_run;
pub mod fault;
pub mod forward;
pub mod inside;
pub mod kubeconfig;
pub mod list;
pub mod logs;
pub mod openapi;
pub mod portable;
pub mod snapshot;
pub mod status;
pub mod unchanged;
pub mod wait;

pub use connect::Cluster;

use kube::Api;
use kube::api::DynamicObject;
use kube::discovery::ApiResource;

use crate::model::kubernetes::{KindInfo, ObjectRef};

/// Name under which the API server records what we manage.
pub const FIELD_MANAGER: &str = "meshery";

impl Cluster {
    /// The endpoint of a kind, in the object's namespace when it has one.
    fn api(&self, kind: &KindInfo, object: &ObjectRef) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: kind.gvk.group.clone(),
            version: kind.gvk.version.clone(),
            api_version: kind.gvk.api_version(),
            kind: kind.gvk.kind.clone(),
            plural: kind.plural.clone(),
        };
        match &object.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}
