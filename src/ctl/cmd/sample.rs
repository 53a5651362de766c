//! `sample`: the practice cluster as a process of its own.

pub mod start;
pub mod status;
pub mod stop;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::Outcome;
use crate::base::{Result, dirs, yaml};
use crate::client::process::Running;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};

/// The practice cluster: an in-memory Kubernetes API for trying patterns with no cluster.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl sample start
  mesheryctl pattern apply -f shop.yaml --kube-context practice
  mesheryctl sample stop"
)]
pub enum Command {
    #[command(about = "Start the practice cluster")]
    Start(start::Args),
    Stop(stop::Args),
    Status(status::Args),
}

impl Command {
    pub(super) async fn run(self, ctx: &Ctl) -> Result<Outcome> {
        match self {
            Command::Start(args) => start::run(ctx, &args).await.map(Into::into),
            Command::Stop(args) => stop::run(ctx, &args).await.map(Into::into),
            Command::Status(args) => status::run(ctx, &args),
        }
    }
}

/// Name of its kubeconfig context.
pub const CONTEXT: &str = "practice";

/// The practice cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct View {
    /// Whether it runs.
    pub running: bool,
    /// Its Kubernetes context.
    pub kube_context: &'static str,
    /// Address of its API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Its kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
    /// Process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
}

impl View {
    fn stopped() -> Self {
        Self { running: false, kube_context: CONTEXT, server: None, kubeconfig: None, pid: None, log: None }
    }

    fn of(running: &Running, kubeconfig: PathBuf) -> Self {
        Self {
            running: true,
            kube_context: CONTEXT,
            server: server(&kubeconfig),
            kubeconfig: Some(kubeconfig),
            pid: Some(running.pid),
            log: running.log.clone(),
        }
    }

    fn print(&self, ctx: &Ctl) -> Result<()> {
        let dash = || "-".to_owned();
        let columns = [
            Column::new("STATE", |view: &View| if view.running { "running" } else { "stopped" }.to_owned()),
            Column::new("KUBE-CONTEXT", |view: &View| view.kube_context.to_owned()),
            Column::new("SERVER", move |view: &View| view.server.clone().unwrap_or_else(dash)),
            Column::new("PID", move |view: &View| view.pid.map_or_else(dash, |pid| pid.to_string())),
            Column::wide("KUBECONFIG", move |view: &View| {
                view.kubeconfig.as_ref().map_or_else(dash, |path| path.display().to_string())
            }),
        ];
        ctx.ui.print(&Rendered::table(self, std::slice::from_ref(self), &columns)?.names([CONTEXT]))
    }
}

/// The address that the kubeconfig of the practice cluster names.
fn server(kubeconfig: &Path) -> Option<String> {
    let text = dirs::read_optional(kubeconfig).ok()??;
    let value = yaml::read_kubernetes(&text).ok()?;
    Some(value.pointer("/clusters/0/cluster/server")?.as_str()?.to_owned())
}
