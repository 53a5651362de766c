//! `system provider reset`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::config::{self, Edit, Field};

/// Let a context use the server's default provider again.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider reset
  mesheryctl system provider reset --context staging")]
pub struct Args {}

pub(crate) fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let context = ctx.settings.context_name()?.to_owned();
    config::update(&ctx.settings.config_path()?, |config| {
        let is_default = config.find(&context)?.provider.is_empty();
        let edit = Edit::SetField(context.clone(), Field::Provider, String::new());
        Ok((if is_default { Vec::new() } else { vec![edit] }, ()))
    })?;
    Change::new("provider", "default", "reset").context(&context).print(ctx)
}
