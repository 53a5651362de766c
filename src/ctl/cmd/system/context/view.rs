//! `system context view`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Result, yaml};
use crate::ctl::Ctl;
use crate::ctl::complete;
use crate::ctl::ui::Rendered;
use crate::model::context::{Context, Platform};
use crate::plane::kubernetes::Options;
use crate::platform::kubernetes;

/// Show a context with its defaults filled in; without a name, the one that commands use.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context view
  mesheryctl system context view staging -o json
  mesheryctl system context view --all")]
pub struct Args {
    /// Name of the context.
    #[arg(value_name = "NAME", conflicts_with = "all", add = complete::contexts())]
    name: Option<String>,
    /// Show every context.
    #[arg(long)]
    all: bool,
}

/// A context.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    /// Name.
    pub name: String,
    /// Whether commands use it.
    pub current: bool,
    /// Address of the plane's server.
    pub endpoint: String,
    /// Where the plane runs.
    pub platform: Platform,
    /// Name of the token entry.
    pub token: String,
    /// Path of the token file; absent when the user has no home folder.
    pub token_location: Option<PathBuf>,
    /// Adapters.
    pub components: Vec<String>,
    /// Release channel.
    pub channel: String,
    /// Release.
    pub version: String,
    /// Provider; empty means the server's default.
    pub provider: String,
    /// How its plane is wanted on Kubernetes; absent on other platforms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Kubernetes>,
}

/// What the last start chose about a plane on Kubernetes, with defaults filled in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kubernetes {
    /// Namespace.
    pub namespace: String,
    /// Where the data lives: `claim`, `ephemeral` or `hostpath=FOLDER[@NODE]`.
    pub storage: String,
    /// The way in: `forward`, `node-port[=PORT]`, `load-balancer` or `ingress=HOST[,CLASS]`.
    pub expose: String,
    /// What the plane may do.
    pub grant: Vec<String>,
}

impl Kubernetes {
    /// `None` for a context of another platform, and where the record of the last start cannot be read.
    fn of(ctx: &Ctl, context: &Context) -> Option<Self> {
        if context.platform != Platform::Kubernetes {
            return None;
        }
        let wishes = kubernetes::remembered(&ctx.settings.home().ok()?, &context.name).ok()?;
        let options = Options::of(&wishes);
        Some(Self {
            namespace: options.namespace,
            storage: options.storage.to_string(),
            expose: options.expose.to_string(),
            grant: options.grants.iter().map(ToString::to_string).collect(),
        })
    }
}

impl View {
    pub(super) fn of(ctx: &Ctl, context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            current: ctx.settings.context_name().is_ok_and(|current| current == context.name),
            endpoint: context.endpoint.clone(),
            platform: context.platform,
            token: context.token.clone(),
            token_location: ctx.settings.token_path(context),
            components: context.components.clone(),
            channel: context.channel.clone(),
            version: context.version.clone(),
            provider: context.provider.clone(),
            kubernetes: Kubernetes::of(ctx, context),
        }
    }
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    if args.all {
        let views: Vec<View> = config.contexts.iter().map(|context| View::of(ctx, context)).collect();
        let names: Vec<String> = views.iter().map(|view| view.name.clone()).collect();
        return ctx.ui.print(&Rendered::one(&views, yaml::write(&views)?)?.names(names));
    }
    let name = match &args.name {
        Some(name) => name.as_str(),
        None => ctx.settings.context_name()?,
    };
    let context = config.find(name)?;
    if config.token_of(context).is_none() {
        ctx.ui.warn(&format!("context `{name}` names the token `{}`, which does not exist", context.token))?;
    }
    let view = View::of(ctx, context);
    ctx.ui.print(&Rendered::one(&view, yaml::write(&view)?)?.names([name]))
}
