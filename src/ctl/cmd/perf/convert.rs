//! `perf convert`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::{outcome, results, show};
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::perf::format::{self, Format};
use crate::perf::threshold::Threshold;

/// Convert a result into another format, or show it.
///
/// With neither --to nor --output-file, the result is shown as `-o` says; the table is the summary of a measurement.
/// Read are this program's JSON, SMP as YAML, JSON and protobuf, fortio's JSON (also inside a record of Meshery),
/// Nighthawk's JSON, and HdrHistogram's .hgrm and .hlog; the content decides which it is. What a format cannot hold is
/// told on stderr. Only `json` keeps everything; csv, csv-intervals, junit, prometheus, markdown and html are written and not
/// read back.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf convert result.json
  mesheryctl perf convert result.json --to fortio > fortio.json
  mesheryctl perf convert fortio.json --output-file report.html
  mesheryctl perf convert result.json --to junit --threshold 'p99<20ms' --output-file junit.xml")]
pub struct Args {
    /// Result file, - for standard input, or id of `perf result list`.
    #[arg(value_name = "RESULT", value_hint = clap::ValueHint::FilePath)]
    result: String,
    /// Format to read, where the content does not say which it is.
    #[arg(long, value_name = "FORMAT", value_parser = results::formats(Format::is_readable))]
    from: Option<Format>,
    /// Format to write; without it the ending of --output-file says which.
    #[arg(long, value_name = "FORMAT", value_parser = results::formats(|_| true))]
    to: Option<Format>,
    /// File to write instead of standard output; its folder has to be there. $GITHUB_STEP_SUMMARY is appended to.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output_file: Option<PathBuf>,
    /// What the result has to hold, instead of what its run had to, where that is shown (table, json, junit, markdown,
    /// html); repeatable. It does not change the exit code here.
    #[arg(long = "threshold", value_name = "THRESHOLD")]
    thresholds: Vec<String>,
}

/// What was converted, when it was written to a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Converted {
    /// The result that was read.
    pub result: String,
    /// Format that was written.
    pub format: &'static str,
    /// File that was written.
    pub file: PathBuf,
    /// Bytes that were written.
    pub bytes: usize,
}

/// What this verb shows.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
pub enum View {
    /// The result, where it is not converted.
    Result(Box<outcome::Shown<'static>>),
    /// What was written, where it went to a file.
    Converted(Converted),
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let format = args.format()?;
    let thresholds = args.thresholds.iter().map(|text| Threshold::parse(text)).collect::<Result<Vec<_>>>()?;
    if let Some(path) = &args.output_file {
        results::check("--output-file", path)?;
    }
    let mut result = if format.is_some() {
        results::read_telling(ctx, &args.result, args.from).await?
    } else {
        results::read(ctx, &args.result, args.from).await?
    };
    if !thresholds.is_empty() {
        result.verdicts = thresholds.iter().map(|threshold| threshold.judge(&result)).collect();
    }
    let Some(format) = format else {
        let text = show::show(&ctx.ui, &result);
        return ctx.ui.print(&Rendered::one(&outcome::Shown::of(&result), text)?.names([result.id.to_string()]));
    };
    let content = format::write(&result, format)?;
    results::tell_limits(ctx, &result, format)?;
    results::write(ctx, &content, args.output_file.as_deref())?;
    match &args.output_file {
        Some(file) if !ctx.ui.format().is_table() => {
            let file = file.clone();
            let names = [file.display().to_string()];
            let converted =
                Converted { result: args.result.clone(), format: format.name(), file, bytes: content.len() };
            ctx.ui.print(&Rendered::one(&converted, "")?.names(names))
        }
        _ => Ok(()),
    }
}

impl Args {
    /// The format to write; none where the result is only shown.
    fn format(&self) -> Result<Option<Format>> {
        let Some(path) = self.output_file.as_deref().filter(|_| self.to.is_none()) else { return Ok(self.to) };
        let found = Format::of_file(&path.to_string_lossy());
        found.map(Some).ok_or_else(|| {
            Error::new(Code::UsageError, format!("the ending of {} stands for no format", path.display()))
                .detail(format!("known are {}", Format::ALL.map(Format::name).join(", ")))
                .remedy(
                    "Name the format with --to FORMAT, or give the file an ending that says it, such as report.html.",
                )
        })
    }
}
