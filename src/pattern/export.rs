//! Patterns become other formats.
//!
//! | module | what it makes |
//! | --- | --- |
//! | [`objects`] | the objects in order of application, without a cluster |
//! | [`manifests`] | one YAML stream |
//! | [`chart`] | a Helm chart whose values are the pattern's `vars` |
//! | [`template`] | an object as a Helm template |

pub mod chart;
pub mod manifests;
pub mod objects;
pub mod template;

pub use objects::{Exported, objects};
