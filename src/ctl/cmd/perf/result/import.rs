//! `perf result import`.

use super::list::Row;
use crate::base::dirs;
use crate::base::error::{Code, Error, Place, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::model::performance::result::PerfResult;

/// Store a result that was measured elsewhere; one of the same id is replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf result import result.json")]
pub struct Args {
    /// Result as JSON, as `perf result export` writes it.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: std::path::PathBuf,
}

pub(super) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| dirs::read_error(&args.file, &error))?;
    let result: PerfResult = serde_json::from_str(&text).map_err(|problem| {
        let place =
            Place { file: args.file.display().to_string(), line: Some(problem.line()), column: Some(problem.column()) };
        Error::new(Code::PerfResultInvalid, "the file is not a result").at(place).because(problem)
    })?;
    let row = Row::from(ctx.client().await?.import_perf_result(&result).await?);
    let text = format!("result {} of {} stored", row.id, row.name);
    ctx.ui.print(&Rendered::one(&row, text)?.names([row.id.to_string()]))
}
