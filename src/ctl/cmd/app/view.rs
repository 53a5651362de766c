//! `app view`.

use crate::base::error::{Code, Error, Result};
use crate::ctl::cmd::pattern::view;
use crate::ctl::{Ctl, complete};
use crate::model::pattern::PatternRecord;

/// Show stored applications: the pattern file; the whole record with -o json or yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl app view shop
  mesheryctl app view shop -o json
  mesheryctl app view --all -o yaml")]
pub struct Args {
    /// Names, ids, or beginnings of ids that only one application has.
    #[arg(value_name = "APP", num_args = 0.., required_unless_present = "all", add = complete::patterns())]
    app: Vec<String>,
    /// Show every stored application.
    #[arg(short = 'a', long, conflicts_with = "app")]
    all: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    if args.all {
        let mut records = ctx.client().await?.all_patterns("").await?;
        records.retain(PatternRecord::is_application);
        return view::show(ctx, &records);
    }
    match find_all(ctx, &args.app).await?.as_slice() {
        [record] => view::show_one(ctx, record),
        records => view::show(ctx, records),
    }
}

/// The stored applications of those names or ids.
pub(super) async fn find_all(ctx: &Ctl, words: &[String]) -> Result<Vec<PatternRecord>> {
    view::each(words, async |wanted: &str| {
        let record = view::find(ctx, wanted).await.map_err(|error| match error.code() {
            Code::PatternNotFound => missing(wanted),
            _ => error,
        })?;
        if record.is_application() {
            Ok(record)
        } else {
            Err(missing(wanted)
                .because(format!("`{}` is a pattern, not an application", record.name))
                .remedy("Use the verbs of `mesheryctl pattern` for it."))
        }
    })
    .await
}

fn missing(wanted: &str) -> Error {
    Error::new(Code::PatternNotFound, format!("there is no application `{wanted}`"))
        .remedy("List applications with `mesheryctl app list`, or store one with `mesheryctl app import -f SOURCE`.")
}
