//! Clusters of clouds: their own programs write the kubeconfig, into a file that is gone afterwards.

use std::path::Path;

use crate::base::{Code, Error, Result};
use crate::client::tool;
use crate::ctl::Ctl;
use crate::platform::kubeconfig;

/// Give the plane a cluster of Google Kubernetes Engine.
///
/// `gcloud container clusters get-credentials` writes the kubeconfig; sign in with `gcloud auth login` before.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system config gke --cluster shop --region europe-west3 --project web")]
pub struct GkeArgs {
    /// Name of the cluster.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Region or zone of the cluster.
    #[arg(long, visible_alias = "zone", value_name = "NAME")]
    region: String,
    /// Project, instead of gcloud's own.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
}

/// Give the plane a cluster of Azure Kubernetes Service.
///
/// `az aks get-credentials` writes the kubeconfig; sign in with `az login` before.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system config aks --cluster shop --resource-group web")]
pub struct AksArgs {
    /// Name of the cluster.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Resource group of the cluster.
    #[arg(long, value_name = "NAME")]
    resource_group: String,
}

/// Give the plane a cluster of Amazon Elastic Kubernetes Service.
///
/// `aws eks update-kubeconfig` writes the kubeconfig; sign in with `aws configure` or `aws sso login` before.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system config eks --cluster shop --region eu-central-1")]
pub struct EksArgs {
    /// Name of the cluster.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Region of the cluster.
    #[arg(long, value_name = "NAME")]
    region: String,
}

pub(super) async fn gke(ctx: &Ctl, args: &GkeArgs) -> Result<()> {
    let mut words = vec!["container", "clusters", "get-credentials", &args.cluster, "--location", &args.region];
    words.extend(args.project.iter().flat_map(|project| ["--project", project]));
    of_program(ctx, "gcloud", &words).await
}

pub(super) async fn aks(ctx: &Ctl, args: &AksArgs) -> Result<()> {
    let words = ["aks", "get-credentials", "--name", &args.cluster, "--resource-group", &args.resource_group];
    of_program(ctx, "az", &words).await
}

pub(super) async fn eks(ctx: &Ctl, args: &EksArgs) -> Result<()> {
    of_program(ctx, "aws", &["eks", "update-kubeconfig", "--name", &args.cluster, "--region", &args.region]).await
}

/// Runs the program with a kubeconfig of its own, and sends what it wrote.
async fn of_program(ctx: &Ctl, program: &str, words: &[&str]) -> Result<()> {
    let home = ctx.settings.home()?;
    let file = Scratch::new(&home)?;
    let path = file.0.display().to_string();
    // az takes the file by flag only.
    let by_flag = [words, &["--file", &path]].concat();
    tool::cloud(program, if program == "az" { &by_flag } else { words }, &file.0).await?;
    let written = kubeconfig::contexts(Some(&path), &home)?;
    let context = written
        .iter()
        .find(|context| context.current)
        .or(written.first())
        .ok_or_else(|| Error::new(Code::ToolFailed, format!("`{program}` wrote a kubeconfig without a context")))?;
    let text = kubeconfig::flattened(Some(&path), &home, &context.name)?;
    super::send(ctx, &text, Some(&context.name)).await
}

/// A file that is gone when it is dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(home: &Path) -> Result<Self> {
        let path = home.join(format!(".kubeconfig.{}", crate::base::id::short()));
        crate::base::dirs::write_atomic(&path, b"", 0o600)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}
