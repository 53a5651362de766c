//! How a pattern is carried out: flags that apply and rollback share.

use crate::wire::rest::DeployRequest;

/// Flags of the verbs that apply objects.
#[derive(Debug, Clone, clap::Args)]
pub struct CarryArgs {
    /// Wait until every object is ready; a service waits for those it depends on. Limit: --timeout, default 5m.
    #[arg(long, help_heading = "Carrying out")]
    wait: bool,
    /// Take everything back when something fails or is not ready in time; implies --wait.
    #[arg(long, help_heading = "Carrying out")]
    atomic: bool,
    /// Leave objects in place that left the pattern; they would be deleted once the rest is applied.
    #[arg(long, help_heading = "Carrying out")]
    no_prune: bool,
    /// Delete objects and create them anew when a field has to change that cannot.
    #[arg(long, help_heading = "Carrying out")]
    recreate: bool,
    /// Take over fields and objects that others own.
    #[arg(long, help_heading = "Carrying out")]
    force_conflicts: bool,
}

impl CarryArgs {
    /// The request with these flags.
    pub(crate) fn put(&self, request: DeployRequest) -> DeployRequest {
        DeployRequest {
            wait: self.wait || self.atomic,
            atomic: self.atomic,
            prune: Some(!self.no_prune),
            recreate: self.recreate,
            force_conflicts: self.force_conflicts,
            ..request
        }
    }
}
