//! `perf result export`.

use super::super::run::export::{self, Export};
use super::find;
use crate::base::error::Result;
use crate::ctl::Ctl;

/// Write a result in one of many formats: JSON, SMP, fortio, Nighthawk, HdrHistogram, CSV, JUnit, Prometheus, Markdown, HTML.
///
/// The end of a file's name says which; `FORMAT=FILE` says it plainly, and - is standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result export 01890a5d report.html
  mesheryctl perf result export 01890a5d fortio=shop.json
  mesheryctl perf result export 01890a5d csv=-")]
pub struct Args {
    /// Id of the result, or the beginning of it.
    #[arg(value_name = "ID", add = crate::ctl::complete::perf_results())]
    id: String,
    /// Where to write it, as [FORMAT=]FILE; $GITHUB_STEP_SUMMARY is appended to, any other file replaced.
    #[arg(value_name = "FILE", required = true)]
    file: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let exports = args.file.iter().map(|text| Export::parse(text)).collect::<Result<Vec<_>>>()?;
    export::distinct(&exports)?;
    exports.iter().try_for_each(Export::check)?;
    let stored = find(ctx, &args.id).await?;
    exports.iter().try_for_each(|export| export.write(ctx, &stored.result))
}
