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
    let location = config::update(&ctx.settings.config_path()?, |config| {
        let location = config.find_token(&args.name)?.location.clone();
        config.find(&context)?;
        Ok((vec![Edit::SetField(context.clone(), Field::Token, args.name.clone())], location))
    })?;
    let path = crate::ctl::settings::location(&ctx.settings.home()?, &location);
    if !path.exists() {
        ctx.ui.warn(&format!(
            "The token file {} does not exist; `mesheryctl system login --context {context}` writes it.",
            path.display()
        ))?;
    }
    Change::new("token", &args.name, "set").context(&context).print(ctx)
}
