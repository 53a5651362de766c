//! `system token delete`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Config, Edit};
use crate::ctl::ui::Question;

/// Remove a token entry; the token file stays.
///
/// An entry that a context uses is removed only after a question, or with --yes; the context then falls back to the
/// file auth.json.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system token delete ci
  mesheryctl system token delete ci --yes")]
pub struct Args {
    /// Name of the token entry.
    #[arg(value_name = "NAME", add = complete::tokens())]
    name: String,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let path = ctx.settings.config_path()?;
    let config = Config::load(&path)?;
    config.find_token(&args.name)?;
    let users: Vec<&str> = config
        .contexts
        .iter()
        .filter(|context| context.token == args.name)
        .map(|context| context.name.as_str())
        .collect();
    if !users.is_empty() {
        let text = format!("Delete token `{}`, which {} uses?", args.name, users.join(", "));
        ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
    }
    config::update(&path, |config| {
        config.find_token(&args.name)?;
        Ok((vec![Edit::RemoveToken(args.name.clone())], ()))
    })?;
    let change = Change::new("token", &args.name, "deleted");
    if users.is_empty() {
        return change.print(ctx);
    }
    let (noun, verb) = if users.len() == 1 { ("context", "refers") } else { ("contexts", "refer") };
    change.value(format!("{noun} {} still {verb} to it", users.join(", "))).print(ctx)
}
