//! `app list`.

use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::cmd::pattern::list;

/// List the applications that are stored, and where they are applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl app list
  mesheryctl app list -o wide
  mesheryctl app list --search shop -o json")]
pub struct Args {
    /// Only applications whose name holds this text.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let search = args.search.unwrap_or_default();
    let client = ctx.client().await?;
    let (mut records, mut applied) =
        futures_util::future::try_join(client.all_patterns(&search), client.applied()).await?;
    records.retain(crate::model::pattern::PatternRecord::is_application);
    applied.applied.retain(|set| records.iter().any(|record| record.name == set.pattern));
    list::show(ctx, &list::rows(records, &applied.applied, &search), "application")
}
