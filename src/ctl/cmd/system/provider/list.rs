//! `system provider list`.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::provider::Provider;

/// List the providers that the plane offers.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system provider list
  mesheryctl system provider list -o wide")]
pub struct Args {}

pub(crate) async fn run(ctx: &Ctl, _args: &Args) -> Result<()> {
    let rows: Vec<Provider> = ctx.client().await?.providers().await?.into_values().collect();
    let columns = [
        Column::new("NAME", |provider: &Provider| provider.provider_name.clone()),
        Column::new("TYPE", |provider: &Provider| provider.provider_type.clone()),
        Column::wide("URL", |provider: &Provider| provider.provider_url.clone()),
        Column::wide("DESCRIPTION", |provider: &Provider| provider.provider_description.join(" ")),
    ];
    let names: Vec<String> = rows.iter().map(|provider| provider.provider_name.clone()).collect();
    ctx.ui.print(&Rendered::list("providers", &rows, &columns)?.names(names))
}
