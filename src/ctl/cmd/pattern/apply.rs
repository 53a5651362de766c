//! `pattern apply`.

use super::objects;
use crate::base::error::{Code, Error, Result};
use crate::ctl::source::{Loaded, SourceArgs};
use crate::ctl::{Ctl, complete, follow};
use crate::pattern::parse;
use crate::wire::rest::DeployRequest;

/// Apply patterns: every object in order, idempotent, with a result of its own.
///
/// Objects are applied by server-side apply in the order of `dependsOn`, namespaces and CRDs before what needs them.
/// A second apply writes nothing and says `unchanged`. When some objects fail, those that depend on them are withheld,
/// the others are applied, and the exit code is 7.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern apply -f shop.yaml
  mesheryctl pattern apply -f base/ -R --kube-context staging
  cat shop.yaml | mesheryctl pattern apply -f - -o json
  mesheryctl pattern apply shop")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// A stored pattern, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", num_args = 0.., add = complete::patterns())]
    pattern: Vec<String>,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
    /// Do not store the pattern.
    #[arg(long)]
    skip_save: bool,
    /// Take over fields and objects that others own.
    #[arg(long)]
    force_conflicts: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let requests = requests(ctx, &args).await?;
    let mut ended = Vec::with_capacity(requests.len());
    for request in requests {
        let accepted = ctx.client().await?.deploy(&request).await?;
        let outcome = follow::follow(ctx, accepted.operation_id).await?;
        let stopped = outcome.1.is_some();
        ended.push(outcome);
        if stopped {
            break;
        }
    }
    objects::show(ctx, ended)
}

async fn requests(ctx: &Ctl, args: &Args) -> Result<Vec<DeployRequest>> {
    let base = DeployRequest {
        namespace: args.namespace.clone().or_else(|| ctx.settings.namespace().map(str::to_owned)),
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        force_conflicts: args.force_conflicts,
        save: !args.skip_save,
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    };
    match (args.pattern.is_empty(), args.source.files.is_empty()) {
        (true, true) => Err(nothing("apply")),
        (false, false) => Err(both()),
        (false, true) => {
            let id = super::view::find(ctx, &args.pattern.join(" ")).await?.id.to_string();
            Ok(vec![DeployRequest { pattern_id: Some(id), save: false, ..base }])
        }
        (true, false) => {
            let loaded = args.source.load(ctx).await?;
            check(&loaded)?;
            Ok(loaded.into_iter().map(|source| from_source(source, &base)).collect())
        }
    }
}

fn from_source(source: Loaded, base: &DeployRequest) -> DeployRequest {
    DeployRequest {
        pattern_file: Some(source.text),
        source_name: Some(source.name),
        location: source.location,
        ..base.clone()
    }
}

/// Every file must be a pattern, each of another name, before the first is applied.
pub(super) fn check(loaded: &[Loaded]) -> Result<()> {
    let mut names: Vec<(String, &str)> = Vec::with_capacity(loaded.len());
    for source in loaded {
        let name = parse::parse(&source.name, &source.text)?.pattern.name;
        if let Some((_, other)) = names.iter().find(|(known, _)| *known == name) {
            return Err(Error::new(
                Code::PatternDuplicate,
                format!("{other} and {} are both pattern `{name}`", source.name),
            )
            .remedy("Give each its own `name`: it names what is applied."));
        }
        names.push((name, &source.name));
    }
    Ok(())
}

pub(super) fn nothing(verb: &str) -> Error {
    Error::new(Code::UsageError, format!("there is nothing to {verb}"))
        .remedy(format!("Name a file with -f, as in `mesheryctl pattern {verb} -f shop.yaml`, or a stored pattern."))
}

pub(super) fn both() -> Error {
    Error::new(Code::UsageError, "a stored pattern and -f were both given").remedy("Use one of them.")
}
