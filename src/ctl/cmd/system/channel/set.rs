//! `system channel set`.

use super::{Choice, check_known, note_release};
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;

/// Set the release channel and version of a context.
///
/// Only config.yaml is changed; `mesheryctl system channel switch` brings a running plane to it as well. The words are checked
/// without network, unless MESHERY_RELEASES_URL names a release feed: then that feed must have the version.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system channel set edge
  mesheryctl system channel set stable-v0.6.0
  mesheryctl system channel set v0.6.0 --context staging")]
pub struct Args {
    /// stable, edge, edge-latest, a tag such as v0.6.0, or stable-v0.6.0.
    #[arg(value_name = "CHANNEL", add = complete::channels())]
    channel: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let choice = Choice::parse(&args.channel)?;
    check_known(ctx, &choice).await?;
    let context = choice.set(ctx)?;
    note_release(ctx, &context, &choice)?;
    Change::new("channel", &choice.to_string(), "set").context(&context).print(ctx)
}
