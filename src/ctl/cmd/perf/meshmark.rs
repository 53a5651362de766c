//! `perf meshmark`.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::results;
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::ui::{Rendered, Tone};
use crate::perf::meshmark::{self, Inputs, MeshMark, Usage};
use crate::perf::units;

/// Compute the MeshMark of a mesh from runs with and without it.
///
/// A MeshMark is 0 to 100; 100 is a mesh that costs nothing. The definition is our own and has a version: --explain
/// prints it. Give several runs of each kind, separated by commas; the first with the mesh belongs to the first without.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf meshmark --with istio.json --without bare.json
  mesheryctl perf meshmark --with i1.json,i2.json,i3.json --without b1.json,b2.json,b3.json --function mtls
  mesheryctl perf meshmark --explain")]
pub struct Args {
    /// Results with the mesh.
    #[arg(long, value_name = "RESULT", value_delimiter = ',', required_unless_present = "explain",
          value_hint = clap::ValueHint::FilePath)]
    with: Vec<String>,
    /// Results without the mesh, as many.
    #[arg(long, value_name = "RESULT", value_delimiter = ',', required_unless_present = "explain",
          value_hint = clap::ValueHint::FilePath)]
    without: Vec<String>,
    /// Processors that the application and the mesh use, for example 1.5,0.3.
    #[arg(long, value_name = "APP,MESH")]
    cpu: Option<String>,
    /// Memory that the application and the mesh use, for example 512,180.
    #[arg(long, value_name = "APP,MESH")]
    memory: Option<String>,
    /// Function of the mesh that is in use; repeatable.
    #[arg(long = "function", value_name = "NAME", value_parser = names())]
    functions: Vec<String>,
    /// Print the definition.
    #[arg(long)]
    explain: bool,
    /// Seed of the bootstrap: the same seed gives the same interval.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, hide_short_help = true)]
    seed: u64,
}

/// A MeshMark, or the definition of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum View {
    /// A mark.
    Mark(Box<MeshMark>),
    /// The definition, with --explain.
    Definition {
        /// Name and version.
        definition: &'static str,
        /// The page, in Markdown.
        page: &'static str,
    },
}

fn names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(meshmark::FUNCTIONS.map(|(name, _)| name))
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    if args.explain {
        let view = View::Definition { definition: meshmark::VERSION, page: meshmark::DEFINITION };
        return ctx.ui.print(&Rendered::one(&view, meshmark::DEFINITION)?.names([meshmark::VERSION]));
    }
    if args.with.len() != args.without.len() {
        let message =
            format!("{} results with the mesh do not pair with {} without", args.with.len(), args.without.len());
        return Err(Error::new(Code::ComparisonInvalid, message).remedy("Give as many --with as --without."));
    }
    let (compute, memory) = (usage("--cpu", args.cpu.as_deref())?, usage("--memory", args.memory.as_deref())?);
    let (with, without) = (results::read_all(ctx, &args.with).await?, results::read_all(ctx, &args.without).await?);
    let inputs =
        Inputs { pairs: with.iter().zip(&without).collect(), compute, memory, functions: args.functions.clone() };
    let mark = meshmark::compute(&inputs, args.seed)?;
    let text = text(ctx, &mark);
    ctx.ui.print(&Rendered::one(&View::Mark(Box::new(mark)), text)?.names([meshmark::VERSION]))
}

fn usage(flag: &str, text: Option<&str>) -> Result<Option<Usage>> {
    let Some(text) = text else { return Ok(None) };
    let parse = || {
        let (application, mesh) = text.split_once(',')?;
        Some(Usage { application: application.trim().parse().ok()?, mesh: mesh.trim().parse().ok()? })
    };
    let usage = parse().ok_or_else(|| {
        Error::new(Code::UsageError, format!("{flag} `{text}` is not two numbers"))
            .remedy("Write what the application uses, a comma, and what the mesh adds, for example 1.5,0.3.")
    })?;
    Ok(Some(usage))
}

fn text(ctx: &Ctl, mark: &MeshMark) -> String {
    let paint = ctx.ui.paint();
    let interval = mark.interval.map(|bounds| format!("  (95 % interval {:.1} to {:.1})", bounds.low, bounds.high));
    let title = format!("MeshMark {:.1}", mark.score);
    let mut text = format!("{}{}\n", paint.apply(Tone::Heading, &title), interval.unwrap_or_default());
    let _ = writeln!(text, "{}; interval {}\n", mark.definition, mark.because);
    let heading = format!("{:<14}{:>8}{:>12}", "CLASS", "WEIGHT", "EFFICIENCY");
    let _ = writeln!(text, "{}", paint.apply(Tone::Heading, &heading));
    for class in &mark.classes {
        let efficiency = units::share(class.efficiency);
        let _ = writeln!(text, "{:<14}{:>8.2}{efficiency:>12}", class.class.name(), class.weight);
    }
    let _ = writeln!(text, "{:<14}{:>8}{:>12}", "in all", "", units::share(mark.efficiency));
    if !mark.functions.is_empty() {
        let worth = units::share(mark.value);
        let _ = writeln!(text, "functions in use, worth {worth} of the overhead: {}", mark.functions.join(", "));
    }
    for note in &mark.notes {
        let _ = writeln!(text, "{} {note}", paint.apply(Tone::Faint, ctx.ui.sign(Tone::Faint)));
    }
    text
}
