//! Which patterns `apply` and `delete` mean, and how their requests are carried out one after the other.

use super::{objects, protect};
use crate::base::error::{Code, Error, Result};
use crate::ctl::source::{Loaded, SourceArgs};
use crate::ctl::{Ctl, complete, follow};
use crate::pattern::parse;
use crate::wire::rest::DeployRequest;

/// The patterns of one command: files, or some that the plane knows.
#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Patterns the plane knows, by name or id, instead of -f.
    #[arg(value_name = "PATTERN", num_args = 0.., add = complete::patterns())]
    pattern: Vec<String>,
    /// Namespace for services that name none.
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,
}

/// What the arguments mean.
pub(super) enum Target {
    /// Patterns the plane knows, as the user called them.
    Known(Vec<String>),
    /// Files, each a pattern of another name.
    Files(Vec<Loaded>),
}

/// What is done with the patterns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Apply,
    Delete,
    Rollback,
    Adopt,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Verb::Apply => "Apply",
            Verb::Delete => "Delete",
            Verb::Rollback => "Roll back",
            Verb::Adopt => "Adopt",
        }
    }
}

impl TargetArgs {
    /// Reads and checks the sources.
    pub(super) async fn target(&self, ctx: &Ctl, verb: &str) -> Result<Target> {
        match (self.pattern.is_empty(), self.source.files.is_empty()) {
            (true, true) => Err(nothing(verb)),
            (false, false) => {
                Err(Error::new(Code::UsageError, "a stored pattern and -f were both given").remedy("Use one of them."))
            }
            (false, true) => Ok(Target::Known(self.pattern.clone())),
            (true, false) => {
                let loaded = self.source.load(ctx).await?;
                check(&loaded)?;
                Ok(Target::Files(loaded))
            }
        }
    }

    /// What every request of the command has in common.
    pub(super) fn request(&self, ctx: &Ctl) -> DeployRequest {
        let namespace = self.namespace.clone().or_else(|| ctx.settings.namespace().map(str::to_owned));
        DeployRequest { namespace, ..common(ctx) }
    }
}

/// What every request to change a cluster has in common.
pub(super) fn common(ctx: &Ctl) -> DeployRequest {
    DeployRequest {
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    }
}

/// The request for one file.
pub(super) fn of_file(source: Loaded, common: &DeployRequest) -> DeployRequest {
    DeployRequest {
        pattern_file: Some(source.text),
        source_name: Some(source.name),
        location: source.location,
        ..common.clone()
    }
}

/// Carries the requests out in order, until one is stopped, and shows what came of them.
pub(super) async fn carry_out(ctx: &Ctl, verb: Verb, requests: Vec<DeployRequest>) -> Result<()> {
    protect::ask(ctx, verb.word()).await?;
    let mut ended = Vec::with_capacity(requests.len());
    for request in requests {
        let client = ctx.client().await?;
        let accepted = match verb {
            Verb::Apply | Verb::Rollback | Verb::Adopt => client.deploy(&request).await?,
            Verb::Delete => client.undeploy(&request).await?,
        };
        let (operation, stopped) = follow::follow(ctx, accepted.operation_id).await?;
        let stops = stopped.is_some();
        ended.push((operation, stopped));
        if stops {
            break;
        }
    }
    objects::show(ctx, ended)
}

/// Every file must be a pattern, each of another name, before the first is sent.
pub(super) fn check(loaded: &[Loaded]) -> Result<()> {
    let mut names: Vec<(String, &str)> = Vec::with_capacity(loaded.len());
    for source in loaded {
        let name = parse::parse(&source.name, &source.text)?.pattern.name;
        if let Some((_, other)) = names.iter().find(|(known, _)| *known == name) {
            return Err(double(other, &source.name, &name));
        }
        names.push((name, &source.name));
    }
    Ok(())
}

/// Two files are patterns of one name.
pub(super) fn double(one: &str, other: &str, name: &str) -> Error {
    Error::new(Code::PatternDuplicate, format!("{one} and {other} are both pattern `{name}`"))
        .remedy("Give each its own `name`: it names what is applied.")
}

fn nothing(verb: &str) -> Error {
    Error::new(Code::UsageError, format!("there is nothing to {verb}"))
        .remedy(format!("Name a file with -f, as in `mesheryctl pattern {verb} -f shop.yaml`, or a stored pattern."))
}
