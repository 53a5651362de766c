//! `pattern validate`: without a server and without a cluster.

use schemars::JsonSchema;
use serde::Serialize;

use super::target;
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::source::SourceArgs;
use crate::ctl::ui::{Column, Rendered};
use crate::pattern::identify::Kinds;
use crate::pattern::{Compiled, compile, parse};

/// Check pattern files offline: grammar, references, dependencies, names, and Kubernetes' own kinds.
///
/// Kinds of meshes and other CRDs are known to the cluster only; they are counted as open.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern validate -f shop.yaml
  mesheryctl pattern validate -f patterns/ -R -o json
  cat shop.yaml | mesheryctl pattern validate -f -")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

/// A file without faults.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// The file.
    pub file: String,
    /// The pattern's name.
    pub pattern: String,
    /// Services in it.
    pub services: usize,
    /// Objects whose kind Kubernetes itself has.
    pub objects: usize,
    /// Services whose kind only a cluster can tell.
    pub open: Vec<String>,
    /// Services that only draw.
    pub drawings: Vec<String>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    if args.source.files.is_empty() {
        return Err(target::nothing("validate"));
    }
    let loaded = args.source.load(ctx).await?;
    target::check(&loaded)?;
    let namespace = ctx.settings.namespace().unwrap_or("default");
    let mut rows = Vec::with_capacity(loaded.len());
    for source in &loaded {
        let document = parse::parse(&source.name, &source.text)?;
        rows.push(checked(&source.name, compile(&document, &Kinds::offline(), namespace)?));
    }
    for row in &rows {
        for warning in &row.warnings {
            ctx.ui.warn(&format!("{}: {warning}", row.file))?;
        }
    }
    let columns = [
        Column::new("FILE", |row: &Checked| row.file.clone()),
        Column::new("PATTERN", |row: &Checked| row.pattern.clone()),
        Column::new("SERVICES", |row: &Checked| row.services.to_string()),
        Column::new("OPEN KINDS", |row: &Checked| row.open.len().to_string()),
        Column::new("RESULT", |_: &Checked| "valid".to_owned()),
        Column::wide("DRAWINGS", |row: &Checked| row.drawings.len().to_string()),
    ];
    let names: Vec<String> = rows.iter().map(|row| row.file.clone()).collect();
    ctx.ui.print(&Rendered::list("patterns", &rows, &columns)?.names(names))?;
    let open: usize = rows.iter().map(|row| row.open.len()).sum();
    if open > 0 && ctx.ui.format().is_table() {
        ctx.ui.note(&format!(
            "{} of a kind that only a cluster knows; apply asks it before anything is sent.",
            text::count(open, "service")
        ))?;
    }
    Ok(())
}

fn checked(file: &str, compiled: Compiled) -> Checked {
    Checked {
        file: file.to_owned(),
        services: compiled.pattern.services.len(),
        pattern: compiled.pattern.name,
        objects: compiled.objects.len(),
        open: compiled.open,
        drawings: compiled.skipped,
        warnings: compiled.warnings,
    }
}
