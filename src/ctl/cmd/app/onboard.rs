//! `app onboard`.

use std::collections::BTreeMap;

use super::{MARK, view};
use crate::base::error::{Code, Error, Result};
use crate::ctl::cmd::pattern::carry::CarryArgs;
use crate::ctl::cmd::pattern::import::{self, gather::GatherArgs};
use crate::ctl::cmd::pattern::target::{self, Verb};
use crate::ctl::follow::FollowArgs;
use crate::ctl::{Ctl, complete};
use crate::wire::rest::DeployRequest;
use crate::wire::rest::exchange::ImportReply;

/// Import an application and apply it, or apply a stored one.
///
/// The application is stored under its name unless --skip-save says not to.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl app onboard -f manifests/ --name shop
  mesheryctl app onboard -f compose.yaml -s \"Docker Compose\" --kube-context staging
  mesheryctl app onboard shop")]
pub struct Args {
    /// Stored applications, by name or id, instead of -f.
    #[arg(value_name = "APP", num_args = 0.., conflicts_with = "files", add = complete::patterns())]
    app: Vec<String>,
    #[command(flatten)]
    gather: GatherArgs,
    /// Do not store the application.
    #[arg(long)]
    skip_save: bool,
    #[command(flatten)]
    carry: CarryArgs,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    args.follow.settle(ctx)?;
    let common = args.carry.put(request(ctx, &args.gather));
    let requests = if args.app.is_empty() {
        if args.gather.files.is_empty() {
            return Err(nothing("onboard"));
        }
        let reply = import::pattern(ctx, &args.gather, None).await?;
        vec![DeployRequest { save: !args.skip_save, ..of_import(reply, &common) }]
    } else {
        let mut requests = Vec::with_capacity(args.app.len());
        for record in view::find_all(ctx, &args.app).await? {
            requests.push(DeployRequest { pattern_id: Some(record.id.to_string()), ..common.clone() });
        }
        requests
    };
    target::carry_out(ctx, Verb::Apply, requests).await
}

/// What every request of the command has in common.
pub(super) fn request(ctx: &Ctl, gather: &GatherArgs) -> DeployRequest {
    let namespace = gather.namespace().or(ctx.settings.namespace()).map(str::to_owned);
    DeployRequest {
        namespace,
        contexts: ctx.settings.kube_contexts().to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    }
}

/// The request for an imported application.
pub(super) fn of_import(reply: ImportReply, common: &DeployRequest) -> DeployRequest {
    let own = [("type", "local"), ("source_type", reply.format.as_str()), MARK];
    let location: BTreeMap<String, String> =
        own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    DeployRequest { pattern_file: Some(reply.pattern_file), source_name: Some(reply.name), location, ..common.clone() }
}

/// Neither a name nor a source was given.
pub(super) fn nothing(verb: &str) -> Error {
    Error::new(Code::UsageError, format!("there is nothing to {verb}")).remedy(format!(
        "Name a source with -f, as in `mesheryctl app {verb} -f compose.yaml`, or a stored application."
    ))
}
