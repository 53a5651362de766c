//! `system provider view`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::Context;

/// Show the provider of a context, as config.yaml says it.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider view
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
    /// Name of the provider; empty means the server's default.
    pub provider: String,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    let contexts: Vec<&Context> =
        if args.all { config.contexts.iter().collect() } else { vec![config.find(ctx.settings.context_name()?)?] };
    let view = |context: &&Context| View { context: context.name.clone(), provider: context.provider.clone() };
    let rows: Vec<View> = contexts.iter().map(view).collect();
    let columns = [
        Column::new("CONTEXT", |view: &View| view.context.clone()),
        Column::new("PROVIDER", |view: &View| match view.provider.as_str() {
            "" => "(server's default)".to_owned(),
            name => name.to_owned(),
        }),
    ];
    let names: Vec<String> = rows.iter().map(|view| view.provider.clone()).collect();
    ctx.ui.print(&Rendered::list("contexts", &rows, &columns)?.names(names))
}
