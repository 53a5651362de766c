//! The check list of `cli-ux.md` section 3: each test is named after its row.

mod completion;
mod exit;
mod files;
mod generated;
mod help;
mod output;
mod settings;
#[cfg(unix)]
mod terminal;
