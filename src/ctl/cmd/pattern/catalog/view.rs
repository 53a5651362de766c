//! `pattern catalog view`.

use super::CatalogArgs;
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::pattern::catalog::Entry;

/// Show patterns of the catalogue: the file; what it says about itself with -o json or yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern catalog view shop
  mesheryctl pattern catalog view shop | mesheryctl pattern apply -f -
  mesheryctl pattern catalog view shop -o yaml")]
pub struct Args {
    /// Names of patterns, or their files.
    #[arg(value_name = "NAME", num_args = 1.., required = true)]
    names: Vec<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let entries = args.catalog.entries(ctx)?;
    let mut found: Vec<&Entry> = Vec::with_capacity(args.names.len());
    for name in &args.names {
        found.push(find(&entries, name)?);
    }
    let names: Vec<String> = found.iter().map(|entry| entry.name.clone()).collect();
    let files: Vec<&str> = found.iter().map(|entry| entry.text.trim_end()).collect();
    let text = files.join("\n---\n");
    let rendered = match found.as_slice() {
        [only] => Rendered::one(only, only.text.clone())?,
        all => Rendered::one(&all, text)?,
    };
    ctx.ui.print(&rendered.names(names))
}

fn find<'e>(entries: &'e [Entry], wanted: &str) -> Result<&'e Entry> {
    if let Some(entry) = entries.iter().find(|entry| entry.file == wanted) {
        return Ok(entry);
    }
    let named: Vec<&Entry> = entries.iter().filter(|entry| entry.name == wanted).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => {
            let near = text::did_you_mean(wanted, entries.iter().map(|entry| entry.name.as_str()));
            Err(Error::new(Code::CatalogNotFound, format!("the catalogue has no pattern `{wanted}`")).details(near))
        }
        several => Err(Error::new(
            Code::PatternNameAmbiguous,
            format!("{} patterns of the catalogue are called `{wanted}`", several.len()),
        )
        .details(several.iter().map(|entry| entry.file.clone()))
        .remedy("Name the file instead.")),
    }
}
