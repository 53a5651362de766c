//! `system token set`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Edit, Field};

/// Give a context a token entry.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system token set ci
  mesheryctl system token set ci --context staging")]
pub struct Args {
    /// Name of the token entry.
    #[arg(value_name = "NAME", add = complete::tokens())]
    name: String,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = ctx.settings.context_name()?.to_owned();
    config::update(&ctx.settings.config_path()?, |config| {
        config.find_token(&args.name)?;
        config.find(&context)?;
        Ok((vec![Edit::SetField(context.clone(), Field::Token, args.name.clone())], ()))
    })?;
    Change::new("token", &args.name, "set").context(&context).print(ctx)
}
