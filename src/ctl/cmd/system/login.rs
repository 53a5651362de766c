//! `system login`.

mod choose;
mod given;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result};
use crate::client::callback::Callback;
use crate::client::provider::login_url;
use crate::client::refused::does_not_hold;
use crate::client::{Client, credentials};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, TokenSource, browser, complete};
use crate::model::context::{Context, Platform};
use crate::model::provider::{LOCAL, is_local};
use crate::wire::rest::TokenFile;
use crate::wire::rest::session::User;
use crate::wire::session_token::SessionToken;

use choose::Choice;
use given::Given;

/// How long the browser is waited for.
const BROWSER: Duration = Duration::from_mins(5);

/// Log in at a provider that the plane offers.
///
/// The local provider None needs no account: the token file gets the plane's own token. At a remote provider, the login
/// page opens in a browser and comes back to this command; on a machine without one, pass a token from elsewhere with
/// --token-file, --token-stdin or MESHERY_TOKEN. The token is checked before it is stored.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system login --provider None
  mesheryctl system login --provider Team
  mesheryctl system login --provider Team --skip-browser
  mesheryctl system login --provider Team --token-stdin < token
  mesheryctl system login --token-file ci.json")]
pub struct Args {
    /// Name of the provider; without it the context's, the only one, or the one you choose.
    #[arg(short = 'p', long, value_name = "NAME", add = complete::providers())]
    provider: Option<String>,
    /// File with a token to log in with: a token file, or the token alone.
    #[arg(long, value_name = "FILE", conflicts_with = "token_stdin")]
    token_file: Option<PathBuf>,
    /// Read the token to log in with from standard input.
    #[arg(long)]
    token_stdin: bool,
    /// Print the address of the login page without opening it.
    #[arg(long)]
    skip_browser: bool,
}

/// What a login came to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Name of the context.
    pub context: String,
    /// Name of the provider.
    pub provider: String,
    /// The user's name there; absent for the local provider, and when nobody could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's full name, where the provider tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Where the token is.
    pub token_file: PathBuf,
    /// Whether the plane took the token.
    pub verified: bool,
    /// When the token ends or is to be renewed, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = ctx.settings.context()?;
    let path = token_file(ctx, &context)?;
    let given = Given::read(ctx, args.token_file.as_deref(), args.token_stdin)?;
    let named = args.provider.as_deref().or(given.as_ref().and_then(|given| given.provider.as_deref()));
    let (plane, choice) = choose::provider(ctx, &context, named).await?;
    let view = match choice {
        Choice::Local => local(ctx, &context, &path, (plane, given)).await?,
        Choice::Remote { name, address } => remote(ctx, (&context, &path), (name, address, given), args).await?,
    };
    if !view.verified {
        ctx.ui.warn("The plane does not run, so that the token was stored without being checked.")?;
    }
    ctx.ui.print(&Rendered::one(&view, text(&view))?.names([view.provider.clone()]))
}

/// The file that the context's token is in.
pub(super) fn token_file(ctx: &Ctl, context: &Context) -> Result<PathBuf> {
    let request = ctx.settings.connect_request()?;
    let named = request.token.path().cloned().filter(|_| request.token.is_chosen());
    named.or_else(|| ctx.settings.token_path(context)).ok_or_else(|| {
        Error::new(Code::ConfigValue, "there is no place for the token").remedy("Name one with --token FILE.")
    })
}

fn text(view: &View) -> String {
    let file = view.token_file.display();
    if is_local(&view.provider) {
        return format!("Context {} uses the plane's own token, in {file}.", view.context);
    }
    let who = match (&view.user, &view.full_name) {
        (Some(user), Some(name)) => format!(" as {user} ({name})"),
        (Some(user), None) => format!(" as {user}"),
        (None, _) => String::new(),
    };
    format!("Logged in at {}{who}; the token is in {file}.", view.provider)
}

/// The plane's own token: brought back, made, or as it was given.
async fn local(
    ctx: &Ctl,
    context: &Context,
    path: &Path,
    (plane, given): (Option<Client>, Option<Given>),
) -> Result<View> {
    let view = |verified| View {
        context: context.name.clone(),
        provider: LOCAL.to_owned(),
        user: None,
        full_name: None,
        token_file: path.to_owned(),
        verified,
        expires_at: None,
    };
    if context.platform == Platform::Local && given.is_none() {
        credentials::log_out(path)?;
        credentials::ensure_in(path)?;
        return Ok(view(true));
    }
    let origin = given.as_ref().map_or_else(|| path.display().to_string(), |given| given.origin.clone());
    let kept = credentials::read(&credentials::plane_file(path)?)?.filter(|own| !own.token.is_empty());
    let token = given.map(|given| given.token).or(kept.map(|own| own.token)).ok_or_else(|| {
        Error::new(
            Code::TokenFile,
            format!("the token of the plane of context `{}` is not on this machine", context.name),
        )
        .because(format!("{} does not hold it", path.display()))
        .remedy("Start the plane with `mesheryctl system start`, or pass its token with --token-stdin.")
    })?;
    let own = TokenFile { provider: LOCAL.to_owned(), token };
    let verified = match plane {
        None => false,
        // Nothing stands between this process and the data of its home: only the file can tell the right token.
        Some(plane) if plane.is_in_process() => holds(ctx, &own, &origin).map(|()| true)?,
        Some(_) => {
            let given = TokenSource::Given { file: own.clone(), origin };
            ctx.client_with(given).await?.user().await.map(|_| true)?
        }
    };
    credentials::put_own(path, &own)?;
    Ok(view(verified))
}

/// Fails when a token is not that of the plane of this home.
fn holds(ctx: &Ctl, given: &TokenFile, origin: &str) -> Result<()> {
    let own = credentials::ensure(&ctx.settings.home()?)?;
    if own.token == given.token {
        return Ok(());
    }
    let context = ctx.settings.context_name()?;
    Err(Error::new(Code::AuthRequired, format!("the plane of context `{context}` refused the token"))
        .because(format!("the token from {origin} is not the plane's own"))
        .remedy("Leave the token away: `mesheryctl system login` brings the plane's own token back."))
}

async fn remote(
    ctx: &Ctl,
    (context, path): (&Context, &Path),
    (name, address, given): (String, Option<String>, Option<Given>),
    args: &Args,
) -> Result<View> {
    let (token, origin) = match (given, &address) {
        (Some(given), _) => (given.token, given.origin),
        (None, Some(address)) => {
            (by_browser(ctx, &name, address, args.skip_browser).await?, "the login page".to_owned())
        }
        (None, None) => return Err(not_running(context)),
    };
    let parsed = SessionToken::parse(&token)
        .map_err(|reason| {
            Error::new(Code::AuthSession, does_not_hold(&name))
                .because(format!("the token from {origin} is broken: {reason}"))
        })
        .map_err(|error| error.remedy(format!("Log in again with `mesheryctl system login --provider {name}`.")))?;
    let file = TokenFile { provider: name, token: parsed.raw().to_owned() };
    let (file, user) = if address.is_some() {
        let (file, user) = verify(ctx, file, origin).await?;
        (file, Some(user))
    } else {
        (file, None)
    };
    credentials::log_in(path, &file)?;
    let full_name = user.as_ref().map(|user| format!("{} {}", user.first_name, user.last_name).trim().to_owned());
    Ok(View {
        context: context.name.clone(),
        verified: user.is_some(),
        user: user.map(|user| user.user_id),
        full_name: full_name.filter(|name| !name.is_empty()),
        token_file: path.to_owned(),
        expires_at: SessionToken::parse(&file.token).ok().and_then(|token| token.expires_at()),
        provider: file.provider,
    })
}

/// Shows the token to the plane; the user, and the token file as the plane gives it, with a newer token where there is one.
async fn verify(ctx: &Ctl, file: TokenFile, origin: String) -> Result<(TokenFile, User)> {
    let client = ctx.client_with(TokenSource::Given { file, origin }).await?;
    let user = client.user().await?;
    let now = client.token().await?;
    Ok((now, user))
}

async fn by_browser(ctx: &Ctl, name: &str, address: &str, skip: bool) -> Result<String> {
    let callback = Callback::open().await?;
    let page = login_url(address, &callback.address());
    // Whoever is to log in needs the address, whatever --quiet says.
    ctx.ui.warn_line(&format!("Log in at {name}: {page}"))?;
    if !skip && browser::is_likely(&ctx.ui) && !browser::open(&page) {
        ctx.ui.note("No browser could be opened; open the address yourself.")?;
    }
    callback.token(ctx.settings.timeout().unwrap_or(BROWSER)).await
}

fn not_running(context: &Context) -> Error {
    Error::new(
        Code::ServerUnreachable,
        format!(
            "no server answers at {} (context `{}`), so that the login page is not known",
            context.endpoint, context.name
        ),
    )
    .remedy("Start the plane with `mesheryctl system start`, or pass a token with --token-file or --token-stdin.")
}
