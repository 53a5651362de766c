//! `probe http`.

use url::Url;

use crate::base::{Code, Error, Result};
use crate::client::health;
use crate::ctl::Ctl;

/// Ask a service by HTTP GET.
///
/// The exit code is 0 for a status from 200 to 399, as for Kubernetes, and 3 otherwise. Limit: --timeout, default 5s.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl probe http http://localhost:9081/healthz/ready")]
pub struct Args {
    /// Address to ask.
    #[arg(value_name = "URL")]
    pub target: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let status = health::http(&parse(&args.target)?, super::limit(ctx)).await?;
    super::print(ctx, args.target.clone(), status.to_string())
}

fn parse(text: &str) -> Result<Url> {
    let wrong = |reason: String| {
        Error::new(Code::UsageError, format!("`{text}` is not an http address"))
            .because(reason)
            .remedy("Write it like http://localhost:9081/healthz/ready.")
    };
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(wrong(format!("the scheme is `{scheme}`"))),
    }
}
