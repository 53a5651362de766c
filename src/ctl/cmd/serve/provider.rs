//! `serve provider`.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::{Code, Error, Result};
use crate::client::http::is_loopback;
use crate::ctl::Ctl;
use crate::ctl::cmd::provider::{DataArgs, lifetime};
use crate::model::provider::is_local;

/// Port of a provider that says nothing else.
const DEFAULT_PORT: u16 = 9086;

/// Run a remote provider for a team: users, their sessions, and what they keep.
///
/// Planes offer it when its address stands in their PROVIDER_BASE_URLS; `mesheryctl system login` then logs in there.
/// Users are made with `mesheryctl provider user add`, or stand in a file. Whoever logs in is sent back to their own
/// machine or to an allowed address, nowhere else. On other addresses than loopback it wants a certificate, or a proxy in
/// front of it that has one.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl serve provider --name Team
  mesheryctl serve provider --users users.yaml --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
  mesheryctl serve provider --public-url https://login.example.org --allow-callback https://plane.example.org")]
pub struct Args {
    /// Name by which planes and token files call it.
    #[arg(long, value_name = "NAME", default_value = "Team")]
    pub name: String,
    /// Address to listen on.
    #[arg(long, visible_alias = "bind", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,
    /// Where its database is.
    #[command(flatten)]
    pub data: DataArgs,
    /// File with users (`users: [{name, password-hash, first-name, last-name, email, disabled}]`), read at the start.
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Address under which browsers and planes reach it, where a proxy stands in front of it.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Address that tokens may be sent to besides the user's own machine: an origin, with a path or without; repeatable.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub allow_callback: Vec<String>,
    /// How long a token holds until it has to be renewed, which planes do by themselves.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    pub token_lifetime: Duration,
    /// How long a session can be renewed; after it users log in again.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = lifetime)]
    pub session_lifetime: Duration,
    /// PEM file of the certificate chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    check(&args)?;
    let _guard = ctx.cancel.guard();
    (ctx.roles.provider)(args, super::role_context(ctx)?).await
}

fn check(args: &Args) -> Result<()> {
    let name = args.name.as_str();
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if is_local(name) || name.len() > 64 || !name.chars().all(fine) {
        return Err(Error::new(Code::UsageError, format!("--name `{}` cannot be a provider's", name.escape_debug()))
            .because("it stands in cookies and commands: 1 to 64 letters, digits and . _ -, and not None or Local"));
    }
    if let Some(url) = &args.public_url
        && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    {
        return Err(Error::new(Code::UsageError, format!("--public-url `{url}` is not an http address")));
    }
    let here = url::Url::parse(&format!("http://{}/", bracketed(&args.host))).is_ok_and(|url| is_loopback(&url));
    if !here && args.tls_cert.is_none() && args.public_url.is_none() {
        return Err(Error::new(Code::UsageError, format!("passwords would go to {} without encryption", args.host))
            .remedy("Add --tls-cert and --tls-key, or say with --public-url where a proxy that has them reaches it."));
    }
    Ok(())
}

/// An address as it stands in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}
