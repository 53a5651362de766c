//! The REST server over real HTTP.

mod access;
mod errors;
mod events;
mod exchange;
mod kubeconfig;
mod openapi;
mod patterns;
pub mod plane;
mod session;
mod spellings;
mod writers;
