//! `system token list`.

use super::view::View;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};

/// List the token entries.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system token list
  mesheryctl system token list -o wide")]
pub struct Args {}

pub(crate) fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let tokens = &ctx.settings.config().tokens;
    let rows = tokens.iter().map(|token| View::of(ctx, token)).collect::<Result<Vec<View>>>()?;
    let columns = [
        Column::new("NAME", |view: &View| view.name.clone()),
        Column::new("LOCATION", |view: &View| view.location.clone()),
        Column::new("CONTEXTS", |view: &View| view.contexts.join(",")),
        Column::wide("STATE", |view: &View| view.state.word().to_owned()),
        Column::wide("PATH", |view: &View| view.path.display().to_string()),
    ];
    let names: Vec<String> = rows.iter().map(|view| view.name.clone()).collect();
    ctx.ui.print(&Rendered::list("token entries", &rows, &columns)?.names(names))
}
