//! `version`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::version::Version;

/// Show the version of this program and of the context's plane.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl version\n  mesheryctl version --client -o json")]
pub struct Args {
    /// Show this program's version only, without looking for a server.
    #[arg(long)]
    pub client: bool,
}

/// Versions of both sides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Versions {
    /// This program.
    pub client: Version,
}

pub(crate) async fn run(ctx: &Ctl, _args: Args) -> Result<()> {
    let versions = Versions { client: Version::current() };
    let columns = [
        Column::new("SIDE", |_: &Version| "Client".to_owned()),
        Column::new("VERSION", |version: &Version| version.build.clone()),
        Column::new("COMMIT", |version: &Version| version.commitsha.clone()),
    ];
    let rendered = Rendered::table(&versions, std::slice::from_ref(&versions.client), &columns)?;
    ctx.ui.print(&rendered.names([versions.client.build.clone()]))
}
