//! `pattern search`.

use super::catalog::{self, CatalogArgs};
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::pattern::catalog::Entry;

/// Search folders of patterns and the bundled samples by name, description, kinds, category and file.
///
/// Every word must be found, in any case. Nothing is fetched over the network.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern search virtualservice
  mesheryctl pattern search traffic split --dir ~/patterns -o json")]
pub struct Args {
    /// Words to search for.
    #[arg(value_name = "TEXT", num_args = 1.., required = true)]
    text: Vec<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let wanted = args.text.join(" ");
    let entries: Vec<Entry> = args.catalog.entries(ctx)?.into_iter().filter(|entry| entry.fits(&wanted)).collect();
    catalog::show(ctx, &entries)
}
