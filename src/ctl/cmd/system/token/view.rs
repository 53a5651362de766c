//! `system token view`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Result, yaml};
use crate::ctl::Ctl;
use crate::ctl::complete;
use crate::ctl::config::TokenEntry;
use crate::ctl::settings::location;
use crate::ctl::ui::Rendered;
use crate::wire::rest::TokenFile;

/// Show a token entry and whether its file can be used; never the token itself.
///
/// Without a name, the entry of the context that commands use.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system token view
  mesheryctl system token view ci -o json
  mesheryctl system token view --all")]
pub struct Args {
    /// Name of the token entry.
    #[arg(value_name = "NAME", conflicts_with = "all", add = complete::tokens())]
    name: Option<String>,
    /// Show every entry.
    #[arg(long)]
    all: bool,
}

/// A token entry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    /// Name.
    pub name: String,
    /// Location as config.yaml says it.
    pub location: String,
    /// The path that is meant.
    pub path: PathBuf,
    /// Whether the file can be used.
    pub state: State,
    /// Provider the file names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Contexts that use the entry.
    pub contexts: Vec<String>,
}

/// Whether a token file can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It holds a provider and a token.
    Usable,
    /// It does not exist.
    Missing,
    /// It exists but is not a token file, or cannot be read.
    Unusable,
}

impl State {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            State::Usable => "usable",
            State::Missing => "missing",
            State::Unusable => "unusable",
        }
    }
}

impl View {
    pub(super) fn of(ctx: &Ctl, token: &TokenEntry) -> Result<Self> {
        let path = location(&ctx.settings.home()?, &token.location);
        let (state, provider) = look(&path);
        let config = ctx.settings.config();
        let uses = |context: &&crate::model::context::Context| {
            config.token_of(context).is_some_and(|entry| entry.name == token.name)
        };
        let contexts = config.contexts.iter().filter(uses).map(|context| context.name.clone()).collect();
        Ok(Self { name: token.name.clone(), location: token.location.clone(), path, state, provider, contexts })
    }
}

fn look(path: &Path) -> (State, Option<String>) {
    match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice::<TokenFile>(&bytes) {
            Ok(file) => (State::Usable, Some(file.provider)),
            Err(_) => (State::Unusable, None),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (State::Missing, None),
        Err(_) => (State::Unusable, None),
    }
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    if args.all {
        let views = config.tokens.iter().map(|token| View::of(ctx, token)).collect::<Result<Vec<View>>>()?;
        let names: Vec<String> = views.iter().map(|view| view.name.clone()).collect();
        return ctx.ui.print(&Rendered::one(&views, yaml::write(&views)?)?.names(names));
    }
    let token = if let Some(name) = &args.name {
        config.find_token(name)?
    } else {
        let context = config.find(ctx.settings.context_name()?)?;
        config.token_of(context).map_or_else(|| config.find_token(&context.token), Ok)?
    };
    let view = View::of(ctx, token)?;
    ctx.ui.print(&Rendered::one(&view, yaml::write(&view)?)?.names([view.name.clone()]))
}
