//! `system context create`.

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::{channel, context::check_name};
use crate::ctl::config::{self, Config, Edit};
use crate::model::context::{Context, Platform};
use crate::plane::adapter;

/// Add a context to config.yaml.
///
/// Nothing is started and no network is used. The first file written has the built-in context `local` in it too.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context create dev
  mesheryctl system context create staging --url https://meshery.example.org --platform kubernetes --set
  mesheryctl system context create mesh --adapters meshery-istio,meshery-linkerd --platform docker")]
pub struct Args {
    /// Name of the context.
    #[arg(value_name = "NAME")]
    name: String,
    /// Address of the plane's server.
    #[arg(short = 'u', long, value_name = "URL")]
    url: Option<String>,
    /// Make it the current context.
    #[arg(short = 's', long)]
    set: bool,
    /// Adapters to run, repeatable or separated by commas.
    #[arg(short = 'a', long, visible_alias = "adapters", value_name = "NAME", value_delimiter = ',')]
    components: Vec<String>,
    /// Where the plane runs: local, docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM", default_value_t = Platform::Local,
          value_parser = crate::ctl::cli::platform_parser())]
    platform: Platform,
    /// Release channel: stable or edge.
    #[arg(long, value_name = "CHANNEL", default_value = "stable", value_parser = ["stable", "edge"])]
    channel: String,
    /// Release: latest, or a tag such as v0.6.0.
    #[arg(long = "version", id = "release", value_name = "VERSION", default_value = "latest")]
    release: String,
    /// Provider; empty means the server's default.
    #[arg(long, value_name = "NAME", default_value = "")]
    provider: String,
}

pub(crate) fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let set = args.set;
    let context = checked(args)?;
    config::update(&ctx.settings.config_path()?, |config| {
        refuse_double(config, &context.name)?;
        let mut edits = vec![Edit::AddContext(context.clone())];
        if set {
            edits.push(Edit::SetCurrent(context.name.clone()));
        }
        Ok((edits, ()))
    })?;
    let change = Change::new("context", &context.name, "created");
    if set { change.value("it is the current context now").print(ctx) } else { change.print(ctx) }
}

fn checked(args: Args) -> Result<Context> {
    check_name("context", &args.name)?;
    if let Some(url) = &args.url {
        check_url(url)?;
    }
    for name in args.components.iter().filter(|name| !name.is_empty()) {
        adapter::find(name)?;
    }
    channel::check_release(&args.channel, &args.release)?;
    let defaults = config::context(&args.name);
    Ok(Context {
        endpoint: args.url.map_or(defaults.endpoint.clone(), |url| url.trim_end_matches('/').to_owned()),
        platform: args.platform,
        components: args.components,
        channel: args.channel,
        version: args.release,
        provider: args.provider,
        ..defaults
    })
}

fn check_url(text: &str) -> Result<()> {
    let wrong = |reason: String| {
        Error::new(Code::UsageError, format!("`{text}` is not the address of a server"))
            .because(reason)
            .remedy("Write it with its scheme, such as http://localhost:9081.")
    };
    let url = url::Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(()),
        (scheme, _) => Err(wrong(format!("the scheme is {scheme}, not http or https"))),
    }
}

fn refuse_double(config: &Config, name: &str) -> Result<()> {
    if config.find(name).is_err() {
        return Ok(());
    }
    Err(Error::new(Code::ContextExists, format!("context `{name}` exists already")))
}
