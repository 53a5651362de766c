//! The kubeconfig of this shell, for planes that cannot read its files.

use std::ffi::OsStr;
use std::path::Path;

use crate::base::Result;
use crate::cluster::kubeconfig;
use crate::model::kubernetes::KubeContext;

/// Contexts of kubeconfig files, separated as in PATH; without any, those this shell means.
///
/// # Errors
/// A file that cannot be read.
pub fn contexts(files: Option<&str>, home: &Path) -> Result<Vec<KubeContext>> {
    Ok(kubeconfig::contexts(&kubeconfig::load(files.map(OsStr::new), home)?))
}

/// One context of the files as a kubeconfig that needs no other file.
///
/// # Errors
/// A file that cannot be read; a context that is not there.
pub fn flattened(files: Option<&str>, home: &Path, context: &str) -> Result<String> {
    let read = kubeconfig::load(files.map(OsStr::new), home)?;
    kubeconfig::to_text(&kubeconfig::flatten(&kubeconfig::only(&read, context)?)?)
}
