//! `system channel view`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::Context;

/// Show the release channel and version of a context.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system channel view
  mesheryctl system channel view --all -o json")]
pub struct Args {
    /// Show every context's.
    #[arg(short = 'a', long)]
    all: bool,
}

/// A context's channel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Name of the context.
    pub context: String,
    /// Release channel.
    pub channel: String,
    /// Release.
    pub version: String,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    let contexts: Vec<&Context> =
        if args.all { config.contexts.iter().collect() } else { vec![config.find(ctx.settings.context_name()?)?] };
    let view = |context: &&Context| View {
        context: context.name.clone(),
        channel: context.channel.clone(),
        version: context.version.clone(),
    };
    let rows: Vec<View> = contexts.iter().map(view).collect();
    let columns = [
        Column::new("CONTEXT", |view: &View| view.context.clone()),
        Column::new("CHANNEL", |view: &View| view.channel.clone()),
        Column::new("VERSION", |view: &View| view.version.clone()),
    ];
    let names: Vec<String> = rows.iter().map(|view| view.channel.clone()).collect();
    ctx.ui.print(&Rendered::list("contexts", &rows, &columns)?.names(names))
}
