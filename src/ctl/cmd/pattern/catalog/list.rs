//! `pattern catalog list`.

use super::CatalogArgs;
use crate::base::error::Result;
use crate::ctl::Ctl;

/// List the patterns of the catalogue: folders named by --dir, else those of MESHERY_CATALOG and the bundled samples.
///
/// Folders are searched in depth; nothing is fetched over the network.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern catalog list
  mesheryctl pattern catalog list --dir ~/patterns -o wide
  mesheryctl pattern catalog list -o jsonpath='{[*].name}'")]
pub struct Args {
    #[command(flatten)]
    catalog: CatalogArgs,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    super::show(ctx, &args.catalog.entries(ctx)?)
}
