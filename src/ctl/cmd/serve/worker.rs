//! `serve worker`.

use std::path::PathBuf;

use crate::base::Result;
use crate::client::worker::PORT;
use crate::ctl::context::Note;
use crate::ctl::ui::Ui;
use crate::ctl::{Ctl, RoleContext};

/// Run a worker of distributed measurements until it is stopped.
///
/// It makes its share of the load of `perf run --workers HOST:PORT,…`. Every call has to bring the token that worker and
/// controller share: MESHERY_WORKER_TOKEN, else --token-file, else the file worker-token in the folder of config.yaml, which
/// is made when it is not there. The connection is not encrypted, and the plan comes on it with its headers, its body and
/// the client's key: let it listen beyond this machine in trusted networks only.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl serve worker
  mesheryctl serve worker --listen 10.0.0.7:10100 --token-file ./token")]
pub struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value_t = format!("127.0.0.1:{PORT}"))]
    pub listen: String,
    /// File whose only line is the token.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// End when standard input is closed, so that no worker outlives who started it.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let _guard = ctx.cancel.guard();
    let ui = Ui::new(ctx.settings.ui());
    let context = RoleContext {
        // With its token in the environment a worker needs nothing of the disk.
        home: ctx.settings.home().unwrap_or_default(),
        kubeconfig: None,
        ca_file: None,
        cancel: ctx.cancel.token(),
        note: Note::new(move |note| ui.note(note)),
    };
    (ctx.roles.worker)(args, context).await
}
