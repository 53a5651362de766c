//! Rank 1: plain types of the domain. They are what the API, the store and the command line speak about; no I/O here.

pub mod account;
pub mod adapter;
pub mod check;
pub mod context;
pub mod event;
pub mod kubernetes;
pub mod operation;
pub mod pattern;
pub mod performance;
pub mod plane;
pub mod preference;
pub mod provider;
pub mod revision;
pub mod version;
