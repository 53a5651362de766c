//! The kubeconfig that the plane keeps of its own: what clients sent, in the home's `kubeconfig.yaml`.

use std::path::{Path, PathBuf};

use super::{Settings, Shared};
use crate::base::{Code, Error, Result, dirs};
use crate::cluster::kubeconfig;
use crate::model::kubernetes::KubeContext;

fn file(settings: &Settings) -> PathBuf {
    settings.home.join("kubeconfig.yaml")
}

/// Keeps contexts of a kubeconfig that a client sent: those that are named, or all. Entries of the same names are
/// replaced; the kept contexts.
///
/// A file or a program in it belongs to the machine of whoever sent it, and would be opened or run on this one: only a
/// caller of this machine (`trusted`) may name them.
///
/// # Errors
/// [`Code::KubeconfigInvalid`], [`Code::KubeContextNotFound`], [`Code::RequestInvalid`] for what may not be named.
pub fn keep(state: &Shared, text: &str, wanted: &[String], trusted: bool) -> Result<Vec<KubeContext>> {
    let mut sent = kubeconfig::parse(Path::new("k8sfile"), text)?;
    if let [context] = wanted {
        sent = kubeconfig::only(&sent, context)?;
    }
    let needs = kubeconfig::needs(&sent)?;
    if !trusted && !needs.is_empty() {
        return Err(Error::new(Code::RequestInvalid, "the kubeconfig works on the machine it comes from only")
            .details(needs)
            .remedy(
                "Send one that needs no file or program, as of `kubectl config view --raw --flatten --minify`, with the \
                 token of a service account instead of a credentials program.",
            ));
    }
    let path = file(&state.settings);
    let kept = kubeconfig::contexts(&sent);
    if kept.is_empty() {
        return Err(Error::new(Code::KubeContextMissing, "the kubeconfig has no context to keep"));
    }
    dirs::locked(&path, || {
        let before = match dirs::read_optional(&path)? {
            Some(text) => kubeconfig::parse(&path, &text)?,
            None => kubeconfig::Kubeconfig::default(),
        };
        // What comes first wins.
        let merged = sent.merge(before).map_err(|error| {
            Error::new(Code::KubeconfigInvalid, format!("{} cannot be merged", path.display())).because(error)
        })?;
        dirs::write_atomic(&path, kubeconfig::to_text(&merged)?.as_bytes(), 0o600)
    })?;
    Ok(kept)
}

/// Forgets every context that clients sent; those that are gone.
///
/// # Errors
/// [`Code::ConfigWrite`] when the file cannot be removed.
pub fn forget(state: &Shared) -> Result<Vec<KubeContext>> {
    let path = file(&state.settings);
    dirs::locked(&path, || {
        let Some(text) = dirs::read_optional(&path)? else { return Ok(Vec::new()) };
        // One that cannot be read has nothing to tell, and goes as well.
        let known = kubeconfig::parse(&path, &text).map(|read| kubeconfig::contexts(&read)).unwrap_or_default();
        std::fs::remove_file(&path).map_err(|error| {
            Error::new(Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error)
        })?;
        Ok(known)
    })
}
