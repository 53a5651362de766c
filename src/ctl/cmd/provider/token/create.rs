//! `provider token create`.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Error, Result, dirs};
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, desk, lifetime};
use crate::ctl::ui::Rendered;
use crate::model::account::AccountSession;
use crate::wire::rest::TokenFile;

/// Make a token for a program, such as a CI job.
///
/// It holds until its end and cannot be renewed. With --out it goes into a token file (mode 0600) that
/// `mesheryctl system login --token-file` takes; otherwise it is printed, once.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl provider token create ada --purpose ci --lifetime 90d --out ci.json
  mesheryctl provider token create ada -o jsonpath={.token}")]
pub struct Args {
    /// Name of the user it acts for.
    #[arg(value_name = "USER")]
    user: String,
    /// What it is for, as lists show it.
    #[arg(long, value_name = "TEXT", default_value = "token")]
    purpose: String,
    /// How long it holds, such as 12h or 90d.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = lifetime)]
    lifetime: Duration,
    /// Write it into this token file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Name of the provider in that file.
    #[arg(long, value_name = "NAME", default_value = "Team")]
    provider_name: String,
    /// Which provider.
    #[command(flatten)]
    data: DataArgs,
}

/// A token that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The session it stands for.
    #[serde(flatten)]
    pub session: AccountSession,
    /// The token; it is shown here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The token file it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let desk = desk(ctx, &args.data).await?;
    let (session, token) = desk.make_token(args.user, args.purpose, args.lifetime).await?;
    let view = match args.out {
        None => View { session, token: Some(token), token_file: None },
        Some(path) => {
            let file = TokenFile { provider: args.provider_name, token };
            let text = serde_json::to_vec_pretty(&file)
                .map_err(|error| Error::internal("a token file cannot be written as JSON").because(error))?;
            if let Err(error) = dirs::write_atomic(&path, &text, 0o600) {
                // A token that nobody has must not go on holding.
                desk.revoke(session.id.to_string()).await?;
                return Err(error);
            }
            View { session, token: None, token_file: Some(path) }
        }
    };
    let text = match (&view.token, &view.token_file) {
        (Some(token), _) => {
            ctx.ui.note("The token is shown once. Whoever has it acts for the user.")?;
            token.clone()
        }
        (_, Some(path)) => format!(
            "token {} of {} written to {}; it ends at {}",
            &view.session.id.to_string()[..8],
            view.session.user,
            path.display(),
            view.session.expires_at
        ),
        _ => String::new(),
    };
    ctx.ui.print(&Rendered::one(&view, text)?.names([view.session.id.to_string()]))
}
