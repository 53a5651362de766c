//! Which patterns `apply` and `delete` mean, and how their requests are carried out one after the other.

use std::time::Duration;

use super::{objects, protect, view};
use crate::base::error::{Code, Error, Result};
use crate::ctl::source::{AssembleArgs, Assembled, SourceArgs};
use crate::ctl::{Ctl, complete, follow};
use crate::wire::rest::DeployRequest;

/// Time for the server to tell what kept a wait, and to take back what it did.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The patterns of one command: files, or some that the plane knows.
#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    assemble: AssembleArgs,
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
    Files(Vec<Assembled>),
}

/// What is done with the patterns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
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
            (true, false) => Ok(Target::Files(self.source.assembled(ctx, &self.assemble).await?)),
        }
    }

    /// The request of each pattern: of files with what `common` wants, of stored ones by their id, which are stored already.
    pub(super) async fn requests(&self, ctx: &Ctl, verb: &str, common: DeployRequest) -> Result<Vec<DeployRequest>> {
        match self.target(ctx, verb).await? {
            Target::Known(words) => {
                let records = view::each(&words, async |wanted: &str| view::find(ctx, wanted).await).await?;
                let of = |id: String| DeployRequest { pattern_id: Some(id), save: false, ..common.clone() };
                Ok(records.into_iter().map(|record| of(record.id.to_string())).collect())
            }
            Target::Files(files) => Ok(files.into_iter().map(|file| file.into_request(&common)).collect()),
        }
    }

    /// What every request of the command has in common.
    pub(super) async fn request(&self, ctx: &Ctl) -> Result<DeployRequest> {
        // A file's request brings its own values; those of a stored pattern are worked in by the plane.
        let is_known = !self.pattern.is_empty();
        let (values, set) =
            if is_known { self.assemble.values(ctx, &self.source).await? } else { (Vec::new(), Vec::new()) };
        let namespace = self.namespace.clone().or_else(|| ctx.settings.namespace().map(str::to_owned));
        Ok(DeployRequest { values, set, namespace, ..common(ctx) })
    }
}

/// What every request to change a cluster has in common.
pub(in crate::ctl::cmd) fn common(ctx: &Ctl) -> DeployRequest {
    DeployRequest {
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    }
}

/// Carries the requests out in order, until one is stopped, and shows what came of them.
pub(crate) async fn carry_out(ctx: &Ctl, verb: Verb, requests: Vec<DeployRequest>) -> Result<()> {
    protect::ask(ctx, verb.word()).await?;
    let mut ended = Vec::with_capacity(requests.len());
    for request in requests {
        let client = ctx.client().await?;
        let accepted = match verb {
            Verb::Apply | Verb::Rollback | Verb::Adopt => client.deploy(&request).await?,
            Verb::Delete => client.undeploy(&request).await?,
        };
        let (operation, stopped) = follow::follow(ctx, accepted.operation_id, limit(ctx, &request)).await?;
        let stops = stopped.is_some();
        ended.push((operation, stopped));
        if stops {
            break;
        }
    }
    objects::show(ctx, ended)
}

/// The server ends a wait itself when the time is over, and tells what kept it; it gets the time to say so.
pub(in crate::ctl::cmd) fn limit(ctx: &Ctl, request: &DeployRequest) -> Option<Duration> {
    let limit = ctx.settings.timeout()?;
    Some(if request.wait { limit + LAST_WORDS } else { limit })
}

fn nothing(verb: &str) -> Error {
    Error::new(Code::UsageError, format!("there is nothing to {verb}"))
        .remedy(format!("Name a file with -f, as in `mesheryctl pattern {verb} -f shop.yaml`, or a stored pattern."))
}
