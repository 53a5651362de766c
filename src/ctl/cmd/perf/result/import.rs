//! `perf result import`.

use super::super::results;
use super::list::Row;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::perf::format::Format;

/// Store a result that was measured elsewhere; one of the same id is replaced.
///
/// Read is every format that `perf convert` reads; the content decides which it is. What a format of another program
/// lacks is told on stderr. A file of another program has an id that follows from its content, so that importing it twice
/// stores it once.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result import result.json
  mesheryctl perf result import fortio.json
  fortio load -quiet -json - http://shop.example/ | mesheryctl perf result import -
  mesheryctl perf result import percentiles.txt --from hgrm")]
pub struct Args {
    /// Result file, or - for standard input.
    #[arg(value_name = "RESULT", value_hint = clap::ValueHint::FilePath)]
    result: String,
    /// Format of the file, where its content does not say which it is.
    #[arg(long, value_name = "FORMAT", value_parser = results::formats(Format::is_readable))]
    from: Option<Format>,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let result = results::read_telling(ctx, &args.result, args.from).await?;
    let row = Row::from(ctx.client().await?.import_perf_result(&result).await?);
    let text = format!("result {} of {} stored", row.id, row.name);
    ctx.ui.print(&Rendered::one(&row, text)?.names([row.id.to_string()]))
}
