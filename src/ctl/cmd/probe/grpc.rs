//! `probe grpc`.

use crate::base::Result;
use crate::client::health;
use crate::ctl::Ctl;
use crate::model::adapter::Location;

/// Ask a service by gRPC's health protocol (grpc.health.v1.Health/Check, in plain HTTP/2).
///
/// The exit code is 0 when it says SERVING and 3 otherwise. Limit: --timeout, default 5s.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl probe grpc localhost:10000
  mesheryctl probe grpc localhost:10000 --service meshes.MeshService --timeout 2s")]
pub struct Args {
    /// Where it listens.
    #[arg(value_name = "HOST:PORT")]
    pub target: String,
    /// Full name of a service; without it the whole server.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub service: String,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let location = Location::parse(&args.target)?;
    health::grpc(&location, &args.service, super::limit(ctx)).await?;
    super::print(ctx, location.to_string(), "SERVING".to_owned())
}
