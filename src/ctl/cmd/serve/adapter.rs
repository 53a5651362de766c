//! `serve adapter`.

use crate::base::Result;
use crate::ctl::context::Note;
use crate::ctl::ui::Ui;
use crate::ctl::{Ctl, RoleContext, complete};

/// Run the adapter of a mesh until it is stopped.
///
/// It serves gRPC (meshes.MeshService and grpc.health.v1.Health) in plain HTTP/2, as servers of every era expect it. A
/// server gets to know it by `mesheryctl adapter add HOST:PORT` or by its variable ADAPTER_URLS. After SIGTERM or Ctrl-C
/// it ends what is open and exits with code 0.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl serve adapter istio
  mesheryctl serve adapter meshery-linkerd --host 0.0.0.0 --port 10001")]
pub struct Args {
    /// The mesh, such as `istio`, or the adapter's name, such as `meshery-istio`.
    #[arg(value_name = "MESH", add = complete::meshes())]
    pub mesh: String,
    /// Address to listen on.
    #[arg(long, visible_alias = "bind", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one. Without it, the port that servers expect this adapter on.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let _guard = ctx.cancel.guard();
    let ui = Ui::new(ctx.settings.ui());
    let context = RoleContext {
        // An adapter keeps nothing on disk, so that it runs where nobody has a home.
        home: ctx.settings.home().unwrap_or_default(),
        kubeconfig: None,
        ca_file: None,
        cancel: ctx.cancel.token(),
        note: Note::new(move |note| ui.note(note)),
    };
    (ctx.roles.adapter)(args, context).await
}
