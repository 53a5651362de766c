//! `pattern view`, and how a pattern is found by name, id or the beginning of an id.

use crate::base::error::{Code, Error, Result};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::model::pattern::PatternRecord;

/// Show a stored pattern: the file as it was sent; the whole record with -o json or yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern view shop
  mesheryctl pattern view shop -o json
  mesheryctl pattern view --all -o yaml")]
pub struct Args {
    /// Name, id, or the beginning of an id that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 0.., required_unless_present = "all", add = complete::patterns())]
    pattern: Vec<String>,
    /// Show every stored pattern.
    #[arg(short = 'a', long, conflicts_with = "pattern")]
    all: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    if args.all {
        let records = ctx.client().await?.all_patterns("").await?;
        let files: Vec<&str> = records.iter().map(|record| record.pattern_file.trim_end()).collect();
        let names: Vec<String> = records.iter().map(|record| record.name.clone()).collect();
        return ctx.ui.print(&Rendered::one(&records, files.join("\n---\n"))?.names(names));
    }
    let record = find(ctx, &args.pattern.join(" ")).await?;
    ctx.ui.print(&Rendered::one(&record, record.pattern_file.clone())?.names([record.name.clone()]))
}

/// The stored pattern of that name, id or beginning of an id.
pub(super) async fn find(ctx: &Ctl, wanted: &str) -> Result<PatternRecord> {
    let client = ctx.client().await?;
    let missing = match client.pattern(wanted).await {
        Err(error) if error.code() == Code::PatternNotFound => error,
        other => return other,
    };
    let is_prefix = wanted.len() >= 4 && wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !is_prefix {
        return Err(missing);
    }
    let lower = wanted.to_lowercase();
    let mut fits: Vec<PatternRecord> =
        client.all_patterns("").await?.into_iter().filter(|record| record.id.to_string().starts_with(&lower)).collect();
    match fits.len() {
        0 => Err(missing),
        1 => Ok(fits.remove(0)),
        _ => Err(Error::new(Code::PatternNameAmbiguous, format!("`{wanted}` is the beginning of {} ids", fits.len()))
            .details(fits.iter().map(|record| format!("{} {}", record.id, record.name)))),
    }
}

/// What to call a pattern towards the server: one that is applied but not stored has its name only.
pub(super) async fn resolve(ctx: &Ctl, wanted: &str) -> Result<String> {
    match find(ctx, wanted).await {
        Ok(record) => Ok(record.name),
        Err(error) if error.code() == Code::PatternNotFound => {
            let applied = ctx.client().await?.applied().await?.applied;
            applied.into_iter().find(|set| set.pattern == wanted).map(|set| set.pattern).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
