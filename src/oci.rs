//! Rank 4: OCI artefacts that hold a pattern, in layouts on disk and in registries, and the image of this program.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`artifact`] | a pattern file as manifest and blobs, and back |
//! | [`image`] | this program as a container image |
//! | [`layout`] | an artefact as an OCI image layout |
//! | [`reference`] | `oci://host/repository:tag` |
//! | [`credentials`] | what `docker login` left |
//! | [`registry`] | push and pull by the distribution specification |

pub mod artifact;
pub mod credentials;
pub mod image;
pub mod layout;
pub mod reference;
pub mod registry;

pub use artifact::Artifact;
pub use image::Image;
pub use reference::Reference;
