//! `pattern validate`: without a server and without a cluster.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Code, Error, Kind, Report, Result};
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::source::{AssembleArgs, SourceArgs, Sourced, double};
use crate::ctl::ui::{Column, Rendered};
use crate::model::pattern::Pattern;
use crate::pattern::identify::Kinds;
use crate::pattern::schema::{self, Schemas};
use crate::pattern::{Compiled, compile, validate};

/// Check pattern files offline: grammar, references, dependencies, names, and the fields of Kubernetes' own kinds.
///
/// Fields are checked by the schemas of Kubernetes 1.36 and by those of CRDs in the pattern itself. Kinds of meshes and other CRDs are known to the cluster only; they are counted as open. Every file is checked, also
/// after one has faults; the exit code is 65 when one has.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern validate -f shop.yaml
  mesheryctl pattern validate -f patterns/ -R -o json
  cat shop.yaml | mesheryctl pattern validate -f -")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    assemble: AssembleArgs,
}

/// A file that was checked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// The file.
    pub file: String,
    /// The pattern's name, as far as the file can be read.
    pub pattern: Option<String>,
    /// Whether it has no faults.
    pub valid: bool,
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
    /// The first fault, the others in its details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Report>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    if args.source.files.is_empty() {
        return Err(Error::new(Code::UsageError, "there is nothing to validate")
            .remedy("Name a file with -f, as in `mesheryctl pattern validate -f shop.yaml`."));
    }
    let loaded = args.source.sourced(ctx, &args.assemble).await?;
    let namespace = ctx.settings.namespace().unwrap_or("default");
    let (mut rows, mut faults): (Vec<Checked>, Vec<Error>) = (Vec::with_capacity(loaded.len()), Vec::new());
    for source in loaded {
        let (row, fault) = check(ctx, source, &rows, namespace).await;
        rows.push(row);
        faults.extend(fault);
    }
    for (file, warning) in rows.iter().flat_map(|row| row.warnings.iter().map(|warning| (&row.file, warning))) {
        // Warnings about a key of the file come with their place.
        let placed = warning.starts_with(&format!("{file}:"));
        ctx.ui.warn(&if placed { warning.clone() } else { format!("{file}: {warning}") })?;
    }
    // The one fault of the one file is the command's error and needs no table.
    if let ([_], true) = (rows.as_slice(), ctx.ui.format().is_table())
        && let Some(fault) = faults.pop()
    {
        return Err(fault);
    }
    let names: Vec<String> = rows.iter().map(|row| row.file.clone()).collect();
    ctx.ui.print(&Rendered::list("patterns", &rows, &columns())?.names(names))?;
    tell_open(ctx, &rows)?;
    match overall(faults, rows.len()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn columns<'a>() -> [Column<'a, Checked>; 6] {
    [
        Column::new("FILE", |row: &Checked| row.file.clone()),
        Column::new("PATTERN", |row: &Checked| row.pattern.clone().unwrap_or_default()),
        Column::new("SERVICES", |row: &Checked| row.services.to_string()),
        Column::new("OPEN KINDS", |row: &Checked| row.open.len().to_string()),
        Column::new("RESULT", |row: &Checked| if row.valid { "valid" } else { "invalid" }.to_owned()),
        Column::wide("DRAWINGS", |row: &Checked| row.drawings.len().to_string()),
    ]
}

/// Names the services whose kind only a cluster knows.
fn tell_open(ctx: &Ctl, rows: &[Checked]) -> Result<()> {
    if !ctx.ui.format().is_table() {
        return Ok(());
    }
    for row in rows.iter().filter(|row| !row.open.is_empty()) {
        let place = if rows.len() > 1 { format!("{}: ", row.file) } else { String::new() };
        ctx.ui.note(&format!(
            "{place}{} of a kind that only a cluster knows: {}; apply asks it before anything is sent.",
            text::count(row.open.len(), "service"),
            row.open.join(", ")
        ))?;
    }
    Ok(())
}

/// Checks one file; `earlier` are the files before it, whose names it must not have.
async fn check(ctx: &Ctl, source: Sourced, earlier: &[Checked], namespace: &str) -> (Checked, Option<Error>) {
    let file = source.bundle.base.name.clone();
    let invalid = |pattern: Option<&Pattern>, fault: Error| {
        let row = Checked {
            file: file.clone(),
            pattern: pattern.map(|pattern| pattern.name.clone()),
            valid: false,
            services: pattern.map_or(0, |pattern| pattern.services.len()),
            objects: 0,
            open: Vec::new(),
            drawings: Vec::new(),
            warnings: Vec::new(),
            error: Some(fault.report()),
        };
        (row, Some(fault))
    };
    let document = match source.assemble(ctx).await {
        Ok(assembled) => assembled.document,
        Err(fault) => return invalid(None, fault),
    };
    let name = &document.pattern.name;
    if let Some(other) = earlier.iter().find(|row| row.pattern.as_ref() == Some(name)) {
        return invalid(Some(&document.pattern), double(&other.file, &file, name));
    }
    let compiled = match compile(&document, &Kinds::offline(), namespace) {
        Ok(compiled) => compiled,
        Err(fault) => return invalid(Some(&document.pattern), fault),
    };
    match validate::combine(schema::check(&document, &compiled, &Schemas::bundled())) {
        None => (valid(&file, compiled), None),
        Some(fault) => invalid(Some(&document.pattern), fault),
    }
}

fn valid(file: &str, compiled: Compiled) -> Checked {
    Checked {
        file: file.to_owned(),
        valid: true,
        services: compiled.pattern.services.len(),
        pattern: Some(compiled.pattern.name),
        objects: compiled.objects.len(),
        open: compiled.open,
        drawings: compiled.skipped,
        warnings: compiled.warnings,
        error: None,
    }
}

/// The fault of the only file stands for itself; faults of several are all told, each with its place.
fn overall(mut faults: Vec<Error>, files: usize) -> Option<Error> {
    if files == 1 {
        return faults.pop();
    }
    let code = faults.first()?.code();
    let told = faults.iter().flat_map(|fault| std::iter::once(fault.to_string()).chain(fault.report().details));
    let message = format!("{} of {} invalid", faults.len(), text::count(files, "file"));
    Some(Error::new(code, message).kind_of(Kind::Invalid).details(told.collect::<Vec<_>>()))
}
