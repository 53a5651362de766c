//! `--undecided`: what a limit does that cannot be decided.

use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::perf::threshold::{Outcome, Undecided};

/// What `--undecided` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnUndecided {
    /// Tell it and go on.
    Pass,
    /// Fail with exit code 1, for it was not shown to hold.
    Fail,
}

impl From<OnUndecided> for Undecided {
    fn from(said: OnUndecided) -> Self {
        match said {
            OnUndecided::Pass => Self::Pass,
            OnUndecided::Fail => Self::Fail,
        }
    }
}

impl OnUndecided {
    /// Tells what passes without having been decided.
    pub(super) fn tell<'a, T: std::fmt::Display + 'a>(
        self,
        ctx: &Ctl,
        judged: impl IntoIterator<Item = (Outcome, &'a T)>,
    ) -> Result<()> {
        let undecided = judged.into_iter().filter(|(outcome, _)| *outcome == Outcome::Undecided);
        for (_, limit) in undecided.filter(|_| self == Self::Pass) {
            ctx.ui.warn(&format!("{limit}; it passes, --undecided fail would not let it"))?;
        }
        Ok(())
    }
}
