//! `system config`: the plane gets to know a cluster.

mod cloud;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Question, Rendered};
use crate::model::kubernetes::KubeContext;
use crate::platform::kubeconfig;

/// Give the plane the kubeconfig of a cluster.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl system config kubeconfig --kube-context staging
  mesheryctl system config minikube
  mesheryctl system config gke --cluster shop --region europe-west3"
)]
pub enum Command {
    /// A context of this shell's kubeconfig.
    Kubeconfig(OwnArgs),
    /// The cluster of Minikube.
    Minikube(OwnArgs),
    /// A cluster of Google Kubernetes Engine, by gcloud.
    Gke(cloud::GkeArgs),
    /// A cluster of Azure Kubernetes Service, by az.
    Aks(cloud::AksArgs),
    /// A cluster of Amazon Elastic Kubernetes Service, by aws.
    Eks(cloud::EksArgs),
}

/// Give the plane a context of this shell's kubeconfig.
///
/// The context is taken out with its cluster and user, made to need no other file, and kept by the plane, so that a plane
/// in a container or on another machine can reach the cluster as well. --kube-context chooses the context.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "EXAMPLES:\n  mesheryctl system config kubeconfig --kube-context staging\n  mesheryctl system config minikube"
)]
pub struct OwnArgs {}

/// A context that the plane keeps.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kept {
    /// Name of the context.
    pub context: String,
    /// Address of the cluster.
    pub server: String,
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::Kubeconfig(_) => of_shell(ctx, None).await,
            Command::Minikube(_) => of_shell(ctx, Some("minikube")).await,
            Command::Gke(args) => cloud::gke(ctx, &args).await,
            Command::Aks(args) => cloud::aks(ctx, &args).await,
            Command::Eks(args) => cloud::eks(ctx, &args).await,
        }
    }
}

/// Sends a context of this shell: the one that --kube-context names, `usual`, the only one, or the one the user picks.
async fn of_shell(ctx: &Ctl, usual: Option<&str>) -> Result<()> {
    let home = ctx.settings.home()?;
    let files = ctx.settings.shell_kubeconfig();
    let known = kubeconfig::contexts(files.as_deref(), &home)?;
    let context = match ctx.settings.kube_contexts() {
        [one] => one.clone(),
        [] => chosen(ctx, &known, usual)?,
        _ => {
            return Err(Error::new(Code::UsageError, "one context is sent at a time")
                .remedy("Name one with --kube-context, and repeat for the others."));
        }
    };
    let text = kubeconfig::flattened(files.as_deref(), &home, &context)?;
    send(ctx, &text, Some(&context)).await
}

fn chosen(ctx: &Ctl, known: &[KubeContext], usual: Option<&str>) -> Result<String> {
    let is_there = |name: &&str| known.iter().any(|context| context.name == *name);
    if let Some(name) = usual.filter(is_there) {
        return Ok(name.to_owned());
    }
    match known {
        [] => Err(Error::new(Code::KubeContextMissing, "this shell's kubeconfig has no context")
            .remedy("Start the cluster first, or name its file with --kubeconfig.")),
        [only] if usual.is_none() => Ok(only.name.clone()),
        _ if usual.is_some() && !ctx.ui.can_ask() => {
            let names: Vec<&str> = known.iter().map(|context| context.name.as_str()).collect();
            let usual = usual.unwrap_or_default();
            Err(Error::new(Code::KubeContextNotFound, format!("this shell's kubeconfig has no context `{usual}`"))
                .detail(format!("contexts: {}", names.join(", ")))
                .remedy("Name the context with --kube-context."))
        }
        several => {
            let items: Vec<String> =
                several.iter().map(|context| format!("{} ({})", context.name, context.server)).collect();
            let index = ctx.ui.choose(Question { text: "Which context?", flag: "--kube-context NAME" }, &items)?;
            Ok(several[index].name.clone())
        }
    }
}

/// Lets the plane keep a kubeconfig, and shows what it keeps.
async fn send(ctx: &Ctl, text: &str, context: Option<&str>) -> Result<()> {
    let kept = ctx.client().await?.keep_kubeconfig(text, context).await?;
    let kept: Vec<Kept> = kept.into_iter().map(|kept| Kept { context: kept.name, server: kept.server }).collect();
    let columns = [
        Column::new("CONTEXT", |kept: &Kept| kept.context.clone()),
        Column::new("SERVER", |kept: &Kept| kept.server.clone()),
    ];
    let names: Vec<String> = kept.iter().map(|kept| kept.context.clone()).collect();
    ctx.ui.print(&Rendered::list("contexts", &kept, &columns)?.names(names))
}
