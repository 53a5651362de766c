//! `system channel set`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Edit, Field};

/// Set the release channel and version of a context.
///
/// The words are checked without network: whether a tag was ever released shows when the plane starts.
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

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let (channel, release) = super::parse(&args.channel)?;
    let context = ctx.settings.context_name()?.to_owned();
    config::update(&ctx.settings.config_path()?, |config| {
        config.find(&context)?;
        let set = |field, value: &str| Edit::SetField(context.clone(), field, value.to_owned());
        Ok((vec![set(Field::Channel, &channel), set(Field::Version, &release)], ()))
    })?;
    Change::new("channel", &format!("{channel}-{release}"), "set").context(&context).print(ctx)
}
