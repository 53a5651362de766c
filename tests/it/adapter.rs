//! Adapters: the protocol, our own as a process, foreign ones as doubles, and what the server and the command line make
//! of them.

mod ctl;
mod double;
mod events;
mod operation;
mod probe;
mod process;
mod proto;
mod registry;
mod serve;
