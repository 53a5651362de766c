//! Kubeconfig files: which contexts there are, and which of them a request means.

mod flatten;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use kube::config::Kubeconfig;

use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env, id, text};
use crate::cluster::inside;
use crate::model::kubernetes::KubeContext;

pub use flatten::{flatten, needs, only, text as to_text};
pub(in crate::cluster) use flatten::{inline_cluster, inline_user};

/// The merged kubeconfig: the files of `explicit` (separated as in PATH), else of `KUBECONFIG`, else `~/.kube/config`;
/// then the plane's own `kubeconfig.yaml`, then the practice cluster's while it runs. Earlier files win, as in kubectl.
/// In a pod where none of them names a context, the pod's own cluster is the one context, `in-cluster`.
///
/// # Errors
/// [`Code::KubeconfigInvalid`] names the file that cannot be read, [`Code::KubeconfigMissing`] the one that was named
/// alone and is not there.
pub fn load(explicit: Option<&OsStr>, home: &Path) -> Result<Kubeconfig> {
    let practice = dirs::practice_kubeconfig(home);
    let own = home.join("kubeconfig.yaml");
    let files = explicit.map_or_else(user_files, split);
    let mut merged = match (explicit, files.as_slice()) {
        (Some(_), [only]) => read(only)?,
        _ => Kubeconfig::default(),
    };
    let skip = usize::from(explicit.is_some() && files.len() == 1);
    for path in files.into_iter().skip(skip).chain([own, practice]) {
        merged = merge(merged, optional(&path)?, &path)?;
    }
    if merged.contexts.is_empty()
        && skip == 0
        && let Some(own) = inside::kubeconfig()
    {
        return Ok(own);
    }
    Ok(merged)
}

fn split(list: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
}

fn user_files() -> Vec<PathBuf> {
    match env::get(env::KUBECONFIG) {
        Some(list) => split(OsStr::new(&list)),
        None => dirs::user_home().map(|home| home.join(".kube").join("config")).into_iter().collect(),
    }
}

fn optional(path: &Path) -> Result<Option<Kubeconfig>> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

fn read(path: &Path) -> Result<Kubeconfig> {
    if !path.exists() {
        return Err(Error::new(Code::KubeconfigMissing, format!("kubeconfig {} does not exist", path.display())));
    }
    Kubeconfig::read_from(path).map_err(|error| invalid(path, &error))
}

/// Reads a kubeconfig that is text; `name` is what to call it in messages.
///
/// # Errors
/// [`Code::KubeconfigInvalid`].
pub fn parse(name: &Path, text: &str) -> Result<Kubeconfig> {
    Kubeconfig::from_yaml(text).map_err(|error| invalid(name, &error))
}

fn merge(base: Kubeconfig, next: Option<Kubeconfig>, path: &Path) -> Result<Kubeconfig> {
    match next {
        Some(next) => base.merge(next).map_err(|error| invalid(path, &error)),
        None => Ok(base),
    }
}

fn invalid(path: &Path, error: &impl std::error::Error) -> Error {
    Error::new(Code::KubeconfigInvalid, format!("kubeconfig {} cannot be used", path.display()))
        .because(text::chain(error))
}

/// Every context, in file order.
pub fn contexts(kubeconfig: &Kubeconfig) -> Vec<KubeContext> {
    kubeconfig
        .contexts
        .iter()
        .filter_map(|named| {
            let context = named.context.as_ref()?;
            let server = kubeconfig
                .clusters
                .iter()
                .find(|cluster| cluster.name == context.cluster)
                .and_then(|cluster| cluster.cluster.as_ref()?.server.clone())
                .unwrap_or_default();
            let user = context.user.clone().unwrap_or_default();
            Some(KubeContext {
                id: id::stable("kube-context", &format!("{}\n{server}\n{user}", named.name)).simple().to_string(),
                name: named.name.clone(),
                cluster: context.cluster.clone(),
                server,
                user,
                namespace: context.namespace.clone(),
                current: kubeconfig.current_context.as_deref() == Some(&named.name),
            })
        })
        .collect()
}

/// The contexts a request means: those it names (by name or id; `all` means every one), else the preferred ones,
/// else the current one.
///
/// # Errors
/// [`Code::KubeContextNotFound`] for a name that is none, [`Code::KubeContextMissing`] when nothing is chosen.
pub fn choose(kubeconfig: &Kubeconfig, wanted: &[String], preferred: &[String]) -> Result<Vec<String>> {
    let known = contexts(kubeconfig);
    let asked = if wanted.is_empty() { preferred } else { wanted };
    if asked.iter().any(|name| name == "all") {
        return Ok(known.into_iter().map(|context| context.name).collect());
    }
    if asked.is_empty() {
        let current = known.iter().find(|context| context.current).map(|context| vec![context.name.clone()]);
        return current.ok_or_else(|| no_current(kubeconfig, &known));
    }
    let mut chosen: Vec<String> = Vec::with_capacity(asked.len());
    for name in asked {
        let found = known.iter().find(|context| context.name == *name || context.id == *name);
        let found = found.ok_or_else(|| not_found(name, &known))?;
        if !chosen.contains(&found.name) {
            chosen.push(found.name.clone());
        }
    }
    Ok(chosen)
}

fn no_current(kubeconfig: &Kubeconfig, known: &[KubeContext]) -> Error {
    match kubeconfig.current_context.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => {
            not_found(name, known).because("it is the kubeconfig's current-context, but no such entry exists")
        }
        None => Error::new(Code::KubeContextMissing, "no Kubernetes context is chosen").details(names(known)),
    }
}

fn not_found(name: &str, known: &[KubeContext]) -> Error {
    Error::new(Code::KubeContextNotFound, format!("no Kubernetes context `{name}`"))
        .details(text::did_you_mean(name, known.iter().map(|context| context.name.as_str())))
        .details(names(known))
}

fn names(known: &[KubeContext]) -> Option<String> {
    let names: Vec<&str> = known.iter().map(|context| context.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("contexts: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig() -> Kubeconfig {
        Kubeconfig::from_yaml(
            "apiVersion: v1\nkind: Config\ncurrent-context: b\nclusters: [{name: c, cluster: {server: 'https://h:1'}}]\nusers: [{name: u, user: {token: t}}]\n\
             contexts: [{name: alpha, context: {cluster: c, user: u, namespace: n}}, {name: b, context: {cluster: c, user: u}}]\n",
        )
        .unwrap()
    }

    #[test]
    fn a_request_chooses_by_name_preference_or_current() {
        let config = kubeconfig();
        let choose = |wanted: &[&str], preferred: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            choose(&config, &own(wanted), &own(preferred))
        };
        assert_eq!(choose(&[], &[]).unwrap(), ["b"]);
        assert_eq!(choose(&[], &["alpha"]).unwrap(), ["alpha"]);
        assert_eq!(choose(&["b", "alpha", "b"], &[]).unwrap(), ["b", "alpha"]);
        assert_eq!(choose(&["all"], &[]).unwrap(), ["alpha", "b"]);
        let error = choose(&["alpa"], &[]).unwrap_err();
        assert_eq!(error.code(), Code::KubeContextNotFound);
        assert_eq!(error.report().details, ["did you mean alpha?", "contexts: alpha, b"]);
    }

    #[test]
    fn earlier_files_win_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let broken = dir.path().join("broken");
        std::fs::write(&broken, "clusters: {").unwrap();
        let error = load(Some(broken.as_os_str()), dir.path()).unwrap_err();
        assert_eq!(error.code(), Code::KubeconfigInvalid);
        assert!(error.message().contains("broken"));
        let missing = load(Some(dir.path().join("none").as_os_str()), dir.path()).unwrap_err();
        assert!(missing.message().contains("none"));
    }

    #[test]
    fn without_any_context_the_error_says_so() {
        let error = choose(&Kubeconfig::default(), &[], &[]).unwrap_err();
        assert_eq!(error.code(), Code::KubeContextMissing);
    }
}
