//! `system logout`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::login::token_file;
use crate::base::{Result, env};
use crate::client::credentials;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, TokenSource};
use crate::model::context::Platform;
use crate::model::provider::{LOCAL, is_local};
use crate::wire::rest::TokenFile;

/// End the session at the provider, and use the plane's own token again.
///
/// The provider is asked to revoke the session; the token is removed from this machine whether it does or not. Without a
/// session, nothing changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system logout
  mesheryctl system logout --context staging")]
pub struct Args {}

/// What a logout came to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Name of the context.
    pub context: String,
    /// Name of the provider whose session ended; the local one when there was none.
    pub provider: String,
    /// Whether there was a session.
    pub logged_out: bool,
    /// Whether the provider revoked it.
    pub revoked: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the plane's own token is now; absent when this machine does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

pub(crate) async fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let context = ctx.settings.context()?;
    let path = token_file(ctx, &context)?;
    let held = credentials::read(&path).ok().flatten().filter(credentials::is_session);
    let revoked = match &held {
        Some(session) => revoke(ctx, session).await,
        None => Err(String::new()),
    };
    credentials::log_out(&path)?;
    if held.is_some() && context.platform == Platform::Local {
        credentials::ensure_in(&path)?;
    }
    let own = credentials::read(&path)?.filter(|own| is_local(&own.provider) && !own.token.is_empty());
    let view = View {
        context: context.name,
        provider: held.as_ref().map_or_else(|| LOCAL.to_owned(), |session| session.provider.clone()),
        logged_out: held.is_some(),
        revoked: revoked.is_ok(),
        reason: revoked.err().filter(|reason| !reason.is_empty()),
        token_file: own.map(|_| path),
    };
    if let Some(reason) = &view.reason {
        ctx.ui
            .warn(&format!("The session was not revoked at {}: {reason}. It ends there by itself.", view.provider))?;
    }
    if env::is_set(env::MESHERY_TOKEN) {
        ctx.ui.warn("MESHERY_TOKEN is set and goes before every token file.")?;
    }
    ctx.ui.print(&Rendered::one(&view, text(&view))?.names([view.provider.clone()]))
}

fn text(view: &View) -> String {
    let now = match &view.token_file {
        Some(path) => format!("context {} uses the plane's own token, in {}", view.context, path.display()),
        None => format!("context {} has no token on this machine", view.context),
    };
    if view.logged_out {
        format!("Logged out of {}; {now}.", view.provider)
    } else {
        format!("Nobody was logged in; {now}.")
    }
}

/// Lets the plane end the session; what kept it from it otherwise.
async fn revoke(ctx: &Ctl, session: &TokenFile) -> Result<(), String> {
    let given = TokenSource::Given { file: session.clone(), origin: "the token file".to_owned() };
    let ended = async { ctx.client_with(given).await?.logout().await };
    match ended.await {
        Ok(ended) if ended.revoked => Ok(()),
        Ok(ended) if is_local(&ended.provider) => {
            Err(format!("the plane does not offer the provider {}", session.provider))
        }
        Ok(ended) => Err(ended.reason.unwrap_or_else(|| "the provider did not say that it did".to_owned())),
        Err(error) => Err(error.to_string()),
    }
}
