//! `provider`: the users and tokens of a provider that this machine serves. Works on its database, running or not.

pub mod token;
pub mod user;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;

use crate::base::Result;
use crate::ctl::{Accounts, Ctl, settings};

/// Users and tokens of a provider.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl provider user add ada
  mesheryctl provider token create ada --purpose ci --out ci.json"
)]
pub enum Command {
    /// Add, list, reset and delete users.
    #[command(subcommand)]
    User(user::Command),
    /// Make tokens for programs, list and revoke tokens.
    #[command(subcommand)]
    Token(token::Command),
}

impl Command {
    pub(crate) async fn run(self, ctx: &Ctl) -> Result<()> {
        match self {
            Command::User(command) => command.run(ctx).await,
            Command::Token(command) => command.run(ctx).await,
        }
    }
}

/// Which provider of this machine.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DataArgs {
    /// Folder of the provider's database, instead of ~/.meshery/provider.
    #[arg(long = "data", value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// The folder.
    pub fn folder(&self, home: &Path) -> PathBuf {
        self.data.clone().unwrap_or_else(|| home.join("provider"))
    }
}

/// The desk for a provider's users and tokens.
async fn desk(ctx: &Ctl, data: &DataArgs) -> Result<Box<dyn Accounts>> {
    (ctx.roles.accounts)(data.folder(&ctx.settings.home()?)).await
}

/// A time, also in days.
pub fn lifetime(text: &str) -> Result<Duration, String> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        return Ok(Duration::from_hours(24) * days);
    }
    settings::duration(text, "a lifetime").map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_in_days_too() {
        assert_eq!(lifetime("30d").unwrap(), Duration::from_hours(720));
        assert_eq!(lifetime("90s").unwrap(), Duration::from_secs(90));
        assert!(lifetime("-1d").is_err() && lifetime("d").is_err() && lifetime("soon").is_err());
    }
}
