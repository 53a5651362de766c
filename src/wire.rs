//! Rank 2: what crosses a process boundary, used by both ends.
//!
//! `health`, `meshops`, `nighthawk`, `smp` and `worker` are made from the `.proto` files beside them; `MESHERY_WRITE_DOCS=1 cargo test --test it proto`
//! writes them anew.

#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod health;
pub mod mesh;
#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod meshops;
#[rustfmt::skip]
#[allow(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    missing_docs,
    reason = "generated code"
)]
pub mod nighthawk;
pub mod protobuf;
pub mod provider;
pub mod rest;
pub mod session_token;
#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated code")]
pub mod smp;
#[rustfmt::skip]
#[allow(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    missing_docs,
    reason = "generated code"
)]
pub mod worker;
