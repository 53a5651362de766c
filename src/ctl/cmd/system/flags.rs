//! Flags that mean something on some platforms only. One that means nothing where it was given is told, in the same way by
//! every verb, and the work goes on: flags come from environment variables too, and old scripts pass more than is needed.

use crate::base::Result;
use crate::ctl::Ctl;
use crate::model::context::Platform;

/// Platforms with containers of an image.
pub(super) const OF_IMAGES: &[Platform] = &[Platform::Docker, Platform::Kubernetes];

/// A flag, whether it was given, and where it means something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    name: &'static str,
    is_given: bool,
    on: &'static [Platform],
}

/// A flag for `on` alone.
pub(super) fn flag(name: &'static str, is_given: bool, on: &'static [Platform]) -> Flag {
    Flag { name, is_given, on }
}

/// Warns about each flag that does nothing on a platform.
pub(super) fn warn_idle(ctx: &Ctl, platform: Platform, flags: &[Flag]) -> Result<()> {
    for flag in flags.iter().filter(|flag| flag.is_given && !flag.on.contains(&platform)) {
        ctx.ui.warn(&idle(flag, platform))?;
    }
    Ok(())
}

fn idle(flag: &Flag, platform: Platform) -> String {
    let on: Vec<&str> = flag.on.iter().map(|platform| platform.name()).collect();
    format!("{} does nothing on platform {platform}; it is for {}.", flag.name, on.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_flag_is_told_with_the_platforms_it_is_for() {
        let text = idle(&flag("--image", true, OF_IMAGES), Platform::Local);
        assert_eq!(text, "--image does nothing on platform local; it is for docker and kubernetes.");
    }
}
