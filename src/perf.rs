//! Rank 3: the performance engine. It makes load by a plan and says what came of it, and it thinks about results: whether
//! they hold a threshold, how two differ, how they are written in the formats of other tools. It knows no server, store or
//! cluster; the only outside it meets are the targets of a plan.

pub mod compare;
pub mod control;
pub mod engine;
pub mod external;
pub mod format;
pub mod meshmark;
pub mod optimise;
pub mod partial;
pub mod pem;
pub mod plan;
pub mod redact;
pub mod repeat;
#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures of tests are small"
)]
pub(crate) mod sample;
pub mod selftest;
pub mod share;
pub mod smp;
pub mod stats;
pub mod summary;
pub mod threshold;
pub mod timeline;
pub mod tune;
pub mod unanswered;
pub mod units;
pub mod warnings;
