//! `system token create`.

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::context::check_name;
use crate::ctl::config::{self, Edit, Field, TokenEntry};

/// Add a token entry: a name for a token file.
///
/// The file itself is not created.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system token create ci --filepath /run/secrets/auth.json
  mesheryctl system token create ci -f auth-ci.json --set --context staging")]
pub struct Args {
    /// Name of the token entry.
    #[arg(value_name = "NAME")]
    name: String,
    /// Path of the token file; relative ones are below ~/.meshery.
    #[arg(short = 'f', long, value_name = "FILE", default_value = config::DEFAULT_LOCATION)]
    filepath: String,
    /// Let the context use it.
    #[arg(short = 's', long)]
    set: bool,
}

pub(crate) fn run(ctx: &Ctl, args: Args) -> Result<()> {
    check_name("token entry", &args.name)?;
    let context = args.set.then(|| ctx.settings.context_name().map(str::to_owned)).transpose()?;
    let entry = TokenEntry { name: args.name, location: args.filepath };
    config::update(&ctx.settings.config_path()?, |config| {
        if config.find_token(&entry.name).is_ok() {
            return Err(Error::new(Code::TokenExists, format!("token `{}` exists already", entry.name)));
        }
        let mut edits = vec![Edit::AddToken(entry.clone())];
        if let Some(context) = &context {
            config.find(context)?;
            edits.push(Edit::SetField(context.clone(), Field::Token, entry.name.clone()));
        }
        Ok((edits, ()))
    })?;
    let path = crate::ctl::settings::location(&ctx.settings.home()?, &entry.location);
    if !path.exists() {
        ctx.ui.note(&format!("The token file {} does not exist yet.", path.display()))?;
    }
    let change = Change::new("token", &entry.name, "created");
    match &context {
        Some(context) => change.value(format!("context {context} uses it now")).print(ctx),
        None => change.print(ctx),
    }
}
