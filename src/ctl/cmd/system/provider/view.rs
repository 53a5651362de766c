//! `system provider view`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result, clock};
use crate::client::credentials;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::Context;
use crate::wire::rest::TokenFile;
use crate::wire::session_token::SessionToken;

/// Show the provider of a context, as config.yaml says it, and who is logged in.
///
/// For a context with a session at a remote provider, the plane is asked who the user is; with --all nobody is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider view
  mesheryctl system provider view -o wide
  mesheryctl system provider view --all -o json")]
pub struct Args {
    /// Show every context's.
    #[arg(short = 'a', long)]
    all: bool,
}

/// A context's provider.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Name of the context.
    pub context: String,
    /// Name of the provider; null means the server's default.
    pub provider: Option<String>,
    /// The session at a remote provider, where the context's token file holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// A session at a remote provider.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Name of the provider.
    pub provider: String,
    /// Whether it holds.
    pub state: State,
    /// Name of the user, where the plane was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When its token ends or is to be renewed, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Changes that the provider does not have yet, where the plane was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<usize>,
    /// Why it does not hold, or why nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a session holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The plane and its provider say so.
    Active,
    /// It does not.
    Ended,
    /// Nobody was asked, or nobody could tell.
    Unknown,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Ended => "ended",
            State::Unknown => "unknown",
        }
    }
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    let mut rows: Vec<View> = if args.all {
        config.contexts.iter().map(|context| view(ctx, context)).collect()
    } else {
        vec![view(ctx, config.find(ctx.settings.context_name()?)?)]
    };
    if let [View { session: Some(session), .. }] = rows.as_mut_slice()
        && !args.all
    {
        ask(ctx, session).await?;
    }
    let of = |view: &View, cell: fn(&Session) -> String| view.session.as_ref().map_or_else(|| "-".to_owned(), cell);
    let columns = [
        Column::new("CONTEXT", |view: &View| view.context.clone()),
        Column::new("PROVIDER", |view: &View| shown(view).to_owned()),
        Column::wide("SESSION AT", move |view: &View| of(view, |session| session.provider.clone())),
        Column::wide("STATE", move |view: &View| of(view, |session| session.state.word().to_owned())),
        Column::wide("USER", move |view: &View| {
            of(view, |session| session.user.clone().unwrap_or_else(|| "-".to_owned()))
        }),
    ];
    let names: Vec<String> = rows.iter().map(|view| shown(view).to_owned()).collect();
    ctx.ui.print(&Rendered::list("contexts", &rows, &columns)?.names(names))?;
    let sessions = rows.iter().filter_map(|view| view.session.as_ref());
    for session in sessions.filter(|session| !args.all || session.state == State::Ended) {
        ctx.ui.note(&note(session))?;
    }
    Ok(())
}

fn shown(view: &View) -> &str {
    view.provider.as_deref().unwrap_or("(server's default)")
}

fn note(session: &Session) -> String {
    let reason = session.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match (session.state, &session.user) {
        (State::Active, Some(user)) => format!("Logged in at {} as {user}.", session.provider),
        (State::Ended, _) => format!("The session at {} does not hold{reason}", session.provider),
        _ => format!("There is a session at {}, which was not checked{reason}", session.provider),
    }
}

fn view(ctx: &Ctl, context: &Context) -> View {
    let file = ctx.settings.token_path(context).and_then(|path| credentials::read(&path).ok().flatten());
    let session = file.filter(credentials::is_session).map(|file| session(&file));
    let provider = Some(context.provider.clone()).filter(|name| !name.is_empty());
    View { context: context.name.clone(), provider, session }
}

/// What a token says of itself.
fn session(file: &TokenFile) -> Session {
    let token = SessionToken::parse(&file.token);
    let (state, reason) = match &token {
        Err(reason) => (State::Ended, Some(format!("the token is broken: {reason}"))),
        // One that can be renewed is not at its end.
        Ok(token) if token.is_expired(clock::now()) && !token.is_refreshable() => {
            (State::Ended, token.expires_at().map(|end| format!("the token expired at {end}")))
        }
        Ok(_) => (State::Unknown, None),
    };
    let expires_at = token.ok().and_then(|token| token.expires_at());
    Session { provider: file.provider.clone(), state, user: None, expires_at, waiting: None, reason }
}

/// What the plane and the provider say.
async fn ask(ctx: &Ctl, session: &mut Session) -> Result<()> {
    let asked = async {
        let client = ctx.client().await?;
        let user = client.user().await?;
        let waiting = client.provider_sync().await.map_or(None, |report| Some(report.waiting.len()));
        Ok::<_, Error>((user, waiting))
    };
    match asked.await {
        Ok((user, waiting)) if user.provider.eq_ignore_ascii_case(&session.provider) => {
            (session.state, session.user, session.waiting) = (State::Active, Some(user.user_id), waiting);
        }
        Ok(_) => session.reason = Some("the plane does not offer this provider".to_owned()),
        Err(error) if error.code() == Code::AuthSession => {
            session.state = State::Ended;
            session.reason = error.report().probable_cause.or(session.reason.take());
        }
        Err(error) => session.reason = Some(error.to_string()),
    }
    Ok(())
}
