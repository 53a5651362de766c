//! Flags that share the load out to workers.

use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::system::bring_image;
use crate::model::performance::workers::Workers;
use crate::plane::kubernetes::Load;

/// Who makes the load beside the plane, and what workers in a cluster are.
#[derive(Debug, clap::Args)]
pub struct WorkerArgs {
    /// Share the load: a number of workers on this machine, HOST:PORT,… of `serve worker`, or kubernetes[:NUMBER].
    #[arg(long, value_name = "WORKERS", help_heading = "By whom")]
    pub(super) workers: Option<Workers>,
    /// Image of workers in a cluster, instead of that of the plane there.
    #[arg(long, value_name = "IMAGE", requires = "workers", help_heading = "By whom", hide_short_help = true)]
    worker_image: Option<String>,
    /// Bring this program's own image to the nodes for workers in a cluster: auto, kind, k3d, minikube or
    /// containerd[=SOCKET]; none: it is there.
    #[arg(
        long,
        value_name = "HOW",
        requires = "workers",
        conflicts_with = "worker_image",
        help_heading = "By whom",
        hide_short_help = true
    )]
    worker_load: Option<Load>,
    /// Namespace of workers in a cluster, which has to be there.
    #[arg(long, value_name = "NAME", requires = "workers", help_heading = "By whom", hide_short_help = true)]
    worker_namespace: Option<String>,
}

impl WorkerArgs {
    /// The workers, with what the other flags say of those in a cluster; their image is brought there where that is wanted.
    ///
    /// # Errors
    /// The image cannot be brought.
    pub(super) async fn settle(&self, ctx: &Ctl) -> Result<Option<Workers>> {
        let Some(Workers::Kubernetes { replicas, context, namespace, image }) = self.workers.clone() else {
            return self.only_of_clusters().map(|()| self.workers.clone());
        };
        let image = match &self.worker_load {
            Some(load) => Some(bring_image(ctx, load).await?),
            None => self.worker_image.clone().or(image),
        };
        Ok(Some(Workers::Kubernetes {
            replicas,
            context: ctx.settings.kube_contexts().first().cloned().or(context),
            namespace: self.worker_namespace.clone().unwrap_or(namespace),
            image,
        }))
    }

    /// Refuses flags that would have no effect on workers outside a cluster.
    fn only_of_clusters(&self) -> Result<()> {
        let given = [
            (self.worker_image.is_some(), "--worker-image"),
            (self.worker_load.is_some(), "--worker-load"),
            (self.worker_namespace.is_some(), "--worker-namespace"),
        ];
        let Some((_, flag)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        Err(Error::new(Code::UsageError, format!("{flag} is for workers in a cluster, and these are not"))
            .remedy("Leave it out, or write --workers kubernetes:NUMBER."))
    }
}
