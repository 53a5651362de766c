//! The only place where a sort of failure becomes a process exit code.

use super::error::Kind;

/// Done, verdict good.
pub const OK: u8 = 0;
/// A check failed.
pub const FAILED: u8 = 1;
/// A `diff` verb found differences.
pub const DIFFERS: u8 = 1;

/// A threshold of a performance test is breached.
pub const BREACHED: u8 = 99;

/// The documented table: code and meaning, for help texts and the man page.
pub const TABLE: &[(u8, &str)] = &[
    (0, "done, verdict good"),
    (1, "failed"),
    (2, "usage error, or input missing off a terminal"),
    (3, "server or cluster unreachable"),
    (4, "authentication needed or refused"),
    (5, "named thing not found"),
    (6, "timed out waiting"),
    (7, "partly failed"),
    (65, "input cannot be parsed"),
    (70, "internal fault"),
    (79, "analysis found issues at or above --fail-on"),
    (98, "conformance failed"),
    (99, "performance threshold breached"),
    (130, "ended by SIGINT (Ctrl-C)"),
    (143, "ended by SIGTERM"),
];

/// The exit code of a kind of failure.
pub fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Failed | Kind::Conflict => 1,
        Kind::Usage => 2,
        Kind::Unreachable => 3,
        Kind::Auth => 4,
        Kind::NotFound => 5,
        Kind::Timeout => 6,
        Kind::Partial => 7,
        Kind::Invalid => 65,
        Kind::Breached => BREACHED,
        Kind::Internal => 70,
        Kind::Interrupted => 130,
        Kind::Terminated => 143,
    }
}
