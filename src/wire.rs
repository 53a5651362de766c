//! Rank 2: what crosses a process boundary, used by both ends.
//!
//! `meshops`, `health` and `smp` are made from the `.proto` files beside them; `MESHERY_WRITE_DOCS=1 cargo test --test it proto`
//! writes them anew.

#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod health;
#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod meshops;
pub mod protobuf;
pub mod provider;
pub mod rest;
pub mod session_token;
#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod smp;
