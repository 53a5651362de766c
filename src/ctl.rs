//! Rank 6: the command line. A verb turns arguments into a request, and the reply into something to show.
//!
//! How a verb is added: write `ctl/cmd/NOUN/VERB.rs` with an args struct (its doc comment is the help, with an
//! `EXAMPLES:` part in `after_help`) and `pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()>`; add one variant
//! and one match arm in `ctl/cmd/NOUN.rs`. The verb shows its one value through [`ui::Ui::print`], which gives it every
//! `-o` form, and registers that value's type in [`cmd::schema`]; exit codes follow from the error's kind. Environment
//! variables, completion, man pages and the reference in `docs/` come from the clap tree: run `mesheryctl generate-docs .` once.

mod browser;
pub mod cli;
mod cmd;
mod complete;
pub mod config;
mod context;
pub mod fault;
mod follow;
mod live;
mod notice;
mod parse;
mod paste;
mod run;
pub mod settings;
pub mod signal;
pub mod source;
pub mod ui;

pub use cmd::serve::{
    AdapterArgs as ServeAdapterArgs, ProviderArgs as ServeProviderArgs, SampleArgs as ServeSampleArgs,
    ServerArgs as ServeServerArgs, WorkerArgs as ServeWorkerArgs,
};
pub use context::{Accounts, ConnectFn, ConnectRequest, Ctl, OneTimeCode, Role, RoleContext, Roles, TokenSource};
pub use run::run;
