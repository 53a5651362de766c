//! `adapter add`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::model::adapter::AdapterState;

/// Let the plane know an adapter.
///
/// It must answer, unless --force is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl adapter add localhost:10000
  mesheryctl adapter add meshery-linkerd:10001 --force")]
pub struct Args {
    /// Where it listens, as the plane's server reaches it. `meshery-NAME` alone has its usual port.
    #[arg(value_name = "HOST:PORT")]
    pub location: String,
    /// Add it though it does not answer yet.
    #[arg(long)]
    pub force: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let client = ctx.client().await?;
    let before = client.adapters().await?;
    let after = client.add_adapter(&args.location, args.force).await?;
    let is_new = |location: &str| !before.iter().any(|adapter| adapter.location == location);
    let Some(added) = after.iter().find(|adapter| is_new(&adapter.location)) else {
        return Change::new("adapter", &args.location, "unchanged").value("the plane knows it already").print(ctx);
    };
    let change = Change::new("adapter", &added.location, "added");
    match added.state {
        AdapterState::Answers => change.value(format!("it answers as {} {}", added.name, added.version).trim_end()),
        AdapterState::Unreachable => change.value("it does not answer yet"),
        AdapterState::Foreign => change.value("what answers there is no adapter"),
    }
    .print(ctx)
}
