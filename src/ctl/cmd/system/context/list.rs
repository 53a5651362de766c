//! `system context list`.

use super::view::View;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};

/// List the contexts.
///
/// The context that commands use, by --context, MESHERY_CONTEXT, project file or `switch`, is marked with `*`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context list
  mesheryctl system context list -o name
  mesheryctl system context list -o jsonpath='{.items[*].endpoint}'")]
pub struct Args {}

pub(crate) fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let config = ctx.settings.config();
    let rows: Vec<View> = config.contexts.iter().map(|context| View::of(ctx, context)).collect();
    let columns = [
        Column::new("NAME", |view: &View| view.name.clone()),
        Column::new("CURRENT", |view: &View| if view.current { "*" } else { "-" }.to_owned()),
        Column::new("PLATFORM", |view: &View| view.platform.to_string()),
        Column::new("ENDPOINT", |view: &View| view.endpoint.clone()),
        Column::wide("TOKEN", |view: &View| view.token.clone()),
        Column::wide("CHANNEL", |view: &View| view.channel.clone()),
        Column::wide("VERSION", |view: &View| view.version.clone()),
        Column::wide("PROVIDER", |view: &View| view.provider.clone()),
        Column::wide("COMPONENTS", |view: &View| view.components.join(",")),
    ];
    let names: Vec<String> = rows.iter().map(|view| view.name.clone()).collect();
    ctx.ui.print(&Rendered::list("contexts", &rows, &columns)?.names(names))
}
