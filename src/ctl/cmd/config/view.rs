//! `config view`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::settings::Entry;
use crate::ctl::ui::{Column, Rendered};

/// Show every setting of this run, and with --origin where it comes from.
///
/// The order of precedence is: flag, environment variable, project file .meshery.yaml (searched from the current folder
/// upwards), config.yaml, default. Secrets are never shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl config view
  mesheryctl config view --origin
  mesheryctl config view --origin -o json")]
pub struct Args {
    /// Show where each value comes from.
    #[arg(long)]
    origin: bool,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let rows = ctx.settings.entries();
    let mut columns = vec![
        Column::new("SETTING", |entry: &Entry| entry.setting.to_owned()),
        Column::new("VALUE", |entry: &Entry| entry.value.clone()),
    ];
    let origin = |entry: &Entry| entry.origin.clone();
    columns.push(if args.origin { Column::new("ORIGIN", origin) } else { Column::wide("ORIGIN", origin) });
    let names: Vec<&str> = rows.iter().map(|entry| entry.setting).collect();
    ctx.ui.print(&Rendered::list("settings", &rows, &columns)?.names(names))
}
