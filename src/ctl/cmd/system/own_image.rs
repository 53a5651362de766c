//! This program's own image on the nodes of a cluster, for pods that are no plane's.

use super::managed;
use crate::base::Result;
use crate::ctl::Ctl;
use crate::plane::kubernetes::Load;
use crate::platform::kubernetes;

/// Brings the image to the nodes of the chosen cluster, where they lack it; its name.
///
/// # Errors
/// A cluster that cannot be reached, or whose nodes lack it and cannot be loaded into.
pub(in crate::ctl::cmd) async fn bring_image(ctx: &Ctl, load: &Load) -> Result<String> {
    let plane = managed::plane(ctx, ctx.settings.context()?)?;
    let steps = ctx.ui.progress();
    let progress = managed::Shown::new(&steps);
    kubernetes::bring_image(&plane, load, &progress).await
}
