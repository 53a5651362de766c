//! Rank 3: the pattern engine. Pure thinking: text becomes ordered Kubernetes objects, stage by stage.
//!
//! | stage | module | in → out |
//! | --- | --- | --- |
//! | parse | [`parse`] | YAML or JSON text → [`Document`] |
//! | resolve | [`reference`] | `$(#ref…)` → values |
//! | identify | [`identify`] | service type → a kind the cluster serves |
//! | objects | [`object`] | service and kind → Kubernetes object |
//! | validate | [`validate`] | names, duplicates, unknown dependencies |
//! | order | [`order`] | `dependsOn` and what Kubernetes implies → waves |
//! | OAM | [`oam`] | the component and application configuration an adapter of the OAM era takes |
//!
//! [`convert`] makes patterns of other formats, [`export`] makes other formats of patterns, [`write`] writes a pattern file.
//! [`graph`] draws what they found.
//!
//! [`compile`] runs them in that order; [`walk`] is the state machine that carries the ordered objects out.

pub mod application;
pub mod builtin;
pub mod bundle;
pub mod catalog;
pub mod compile;
pub mod convert;
pub mod diff;
pub mod export;
pub mod graph;
pub mod identify;
pub mod import;
pub mod known;
pub mod locate;
pub mod mesh;
pub mod oam;
pub mod object;
pub mod order;
pub mod overlay;
pub mod parse;
pub mod reference;
pub mod render;
pub mod schema;
mod steps;
mod traits;
pub mod tree;
pub mod validate;
pub mod values;
pub mod walk;
pub mod write;

pub use bundle::{Bundle, assemble};
pub use compile::{Compiled, Planned, compile};
pub use parse::Document;
