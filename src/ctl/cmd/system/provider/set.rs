//! `system provider set`.

use crate::base::{Code, Error, Result, text};
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::complete;
use crate::ctl::config::{self, Edit, Field};
use crate::model::provider::{LOCAL, is_local};

/// Set the provider of a context.
///
/// The name is checked against what the plane offers; with --force, config.yaml is changed without asking the plane.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider set None
  mesheryctl system provider set Meshery --force --context staging")]
pub struct Args {
    /// Name of the provider; None is the local one.
    #[arg(value_name = "NAME", add = complete::providers())]
    name: String,
    /// Do not ask the plane whether it offers the provider.
    #[arg(short = 'f', long)]
    force: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let (name, context) = set(ctx, &args.name, args.force).await?;
    Change::new("provider", &name, "set").context(&context).print(ctx)
}

/// Sets the provider of the chosen context; its name as the plane spells it, and the context's.
pub(super) async fn set(ctx: &Ctl, wanted: &str, force: bool) -> Result<(String, String)> {
    if wanted.trim().is_empty() {
        return Err(Error::new(Code::UsageError, "the provider's name is empty")
            .remedy("Name a provider, or go back to the default with `mesheryctl system provider reset`."));
    }
    let name = if force { wanted.to_owned() } else { offered(ctx, wanted).await? };
    let context = ctx.settings.context_name()?.to_owned();
    config::update(&ctx.settings.config_path()?, |config| {
        config.find(&context)?;
        Ok((vec![Edit::SetField(context.clone(), Field::Provider, name.clone())], ()))
    })?;
    Ok((name, context))
}

/// The provider's name as the plane spells it.
async fn offered(ctx: &Ctl, name: &str) -> Result<String> {
    let without_asking = |error: Error| match error.code() {
        Code::ServerUnreachable => error.remedy("Start the plane, or set the provider without asking it: --force."),
        _ => error,
    };
    let client = ctx.client().await.map_err(without_asking)?;
    let providers = client.providers().await.map_err(without_asking)?;
    let same = |known: &&String| known.eq_ignore_ascii_case(name) || (is_local(name) && *known == LOCAL);
    if let Some(known) = providers.keys().find(same) {
        return Ok(known.clone());
    }
    let error = Error::new(Code::ProviderNotFound, format!("{} offers no provider `{name}`", client.name()));
    let names: Vec<&str> = providers.keys().map(String::as_str).collect();
    Err(match text::did_you_mean(name, names.iter().copied()) {
        Some(near) => error.detail(near),
        None => error.detail(format!("known: {}", names.join(", "))),
    })
}
