//! One binary is the whole service mesh management plane: command line, REST server, pattern engine, practice cluster.
//!
//! Modules have ranks, and a module imports only modules of a lower rank; `tests/it/layers.rs` holds this law.
//!
//! | rank | modules | what lives there |
//! | --- | --- | --- |
//! | 0 | [`base`] | errors, exit codes, environment, files, YAML, TLS, HTTP client: nothing that knows the domain |
//! | 1 | [`model`] | plain types of the domain, no I/O |
//! | 2 | [`wire`] | what crosses a process boundary: REST paths and bodies |
//! | 3 | [`pattern`], [`plane`], [`perf`], [`schedule`] | engines: a pattern file becomes ordered Kubernetes objects; a plane becomes components; a plan becomes load and its result; when what repeats is due |
//! | 4 | [`store`], [`cluster`], [`client`], [`oci`], [`docker`], [`release`] | the outside world, one noun each |
//! | 5 | [`platform`], [`load`] | the life of a plane on Docker and on Kubernetes: joins `plane` with gateways; a measurement by any generator: joins `perf` with gateways |
//! | 6 | [`server`], [`adapter`], [`provider`], [`sample`] | long-running roles: the REST server, adapters, a remote provider, the practice cluster |
//! | 7 | [`ctl`] | the command line |
//! | 8 | [`app`] | the composition root: which role, which transport |
//!
//! `ARCHITECTURE.md` follows one `pattern apply` through these modules.

pub mod adapter;
pub mod app;
pub mod base;
pub mod client;
pub mod cluster;
pub mod ctl;
pub mod docker;
pub mod load;
pub mod model;
pub mod oci;
pub mod pattern;
pub mod perf;
pub mod plane;
pub mod platform;
pub mod provider;
pub mod release;
pub mod sample;
pub mod schedule;
pub mod server;
pub mod store;
pub mod wire;
