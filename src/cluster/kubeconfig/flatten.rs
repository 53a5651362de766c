//! A kubeconfig that needs no other file: certificates and tokens of files stand in it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster};
use serde_json::Value;

use super::{Kubeconfig, contexts, not_found};
use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, yaml};

/// The kubeconfig with the content of every file it names; content that stands in it already goes first, as in kubectl.
///
/// # Errors
/// A file that cannot be read.
pub fn flatten(kubeconfig: &Kubeconfig) -> Result<Kubeconfig> {
    let mut flat = kubeconfig.clone();
    for user in flat.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        inline_user(user)?;
    }
    for cluster in flat.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        inline_cluster(cluster)?;
    }
    Ok(flat)
}

/// Puts the files of a user into the entry.
pub(in crate::cluster) fn inline_user(user: &mut AuthInfo) -> Result<()> {
    if let Some(path) = user.token_file.take()
        && user.token.is_none()
    {
        let text = String::from_utf8(bytes_of(&path)?)
            .map_err(|_| Error::new(Code::KubeconfigInvalid, format!("the token in {path} is not text")))?;
        user.token = Some(text.trim().to_owned().into());
    }
    if let Some(path) = user.client_certificate.take()
        && user.client_certificate_data.is_none()
    {
        user.client_certificate_data = Some(data_of(&path)?);
    }
    if let Some(path) = user.client_key.take()
        && user.client_key_data.is_none()
    {
        user.client_key_data = Some(data_of(&path)?.into());
    }
    Ok(())
}

/// Puts the files of a cluster into the entry.
pub(in crate::cluster) fn inline_cluster(cluster: &mut Cluster) -> Result<()> {
    if let Some(path) = cluster.certificate_authority.take()
        && cluster.certificate_authority_data.is_none()
    {
        cluster.certificate_authority_data = Some(data_of(&path)?);
    }
    Ok(())
}

fn data_of(path: &str) -> Result<String> {
    bytes_of(path).map(|bytes| STANDARD.encode(bytes))
}

fn bytes_of(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| dirs::read_error(Path::new(path), &error))
}

/// The kubeconfig with one context only, with its cluster and user, as the current one.
///
/// # Errors
/// [`Code::KubeContextNotFound`].
pub fn only(kubeconfig: &Kubeconfig, context: &str) -> Result<Kubeconfig> {
    let known = contexts(kubeconfig);
    let chosen = known.iter().find(|known| known.name == context).ok_or_else(|| not_found(context, &known))?;
    let mut one = kubeconfig.clone();
    one.contexts.retain(|named| named.name == chosen.name);
    one.clusters.retain(|named| named.name == chosen.cluster);
    one.auth_infos.retain(|named| named.name == chosen.user);
    one.current_context = Some(chosen.name.clone());
    Ok(one)
}

/// Keys of a cluster or user that name a file.
const FILES: &[&str] = &["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/// What a kubeconfig needs of the machine it is used on: files, and programs that give credentials. Empty for one that
/// works everywhere.
///
/// # Errors
/// [`Code::Internal`] when it cannot be written as JSON.
pub fn needs(kubeconfig: &Kubeconfig) -> Result<Vec<String>> {
    let value = to_value(kubeconfig)?;
    let mut found = Vec::new();
    for (list, entry) in [("clusters", "cluster"), ("users", "user")] {
        for named in value[list].as_array().into_iter().flatten() {
            let (name, entry) = (named["name"].as_str().unwrap_or_default(), &named[entry]);
            let path = |key: &str| entry[key].as_str().filter(|path| !path.is_empty()).map(str::to_owned);
            found.extend(FILES.iter().filter_map(|key| Some(format!("{key} of `{name}` is the file {}", path(key)?))));
            if let Some(program) = entry["exec"]["command"].as_str() {
                found.push(format!("user `{name}` gets credentials of the program {program}"));
            }
            if let Some(provider) = entry["auth-provider"]["name"].as_str() {
                found.push(format!("user `{name}` gets credentials of the plugin {provider}"));
            }
        }
    }
    Ok(found)
}

/// The text of a kubeconfig, with its secrets.
///
/// # Errors
/// [`Code::Internal`] when it cannot be written.
pub fn text(kubeconfig: &Kubeconfig) -> Result<String> {
    yaml::write_kubernetes(kubeconfig)
}

fn to_value(kubeconfig: &Kubeconfig) -> Result<Value> {
    serde_json::to_value(kubeconfig)
        .map_err(|error| Error::internal("a kubeconfig cannot be written as JSON").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_content_and_one_context_is_left() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.crt"), "CA").unwrap();
        std::fs::write(dir.path().join("token"), "secret\n").unwrap();
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: b\nclusters:\n- {name: c, cluster: {server: 'https://h:1', \
                    certificate-authority: ca.crt}}\n- {name: d, cluster: {server: 'https://d:1'}}\nusers:\n- {name: u, user: \
                    {tokenFile: token}}\n- {name: v, user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}}}\ncontexts:\n\
                    - {name: a, context: {cluster: c, user: u}}\n- {name: b, context: {cluster: d, user: v}}\n";
        let path = dir.path().join("config");
        std::fs::write(&path, text).unwrap();
        let read = super::super::load(Some(path.as_os_str()), dir.path()).unwrap();
        assert_eq!(needs(&read).unwrap().len(), 3, "two files and a program");
        let flat = flatten(&only(&read, "a").unwrap()).unwrap();
        assert!(needs(&flat).unwrap().is_empty());
        let back: Value = serde_saphyr::from_str(&super::text(&flat).unwrap()).unwrap();
        assert_eq!(back["clusters"][0]["cluster"]["certificate-authority-data"], "Q0E=");
        assert_eq!(back["users"][0]["user"]["token"], "secret");
        assert_eq!((&back["current-context"], back["contexts"].as_array().unwrap().len()), (&"a".into(), 1));
        assert_eq!(only(&read, "z").unwrap_err().code(), Code::KubeContextNotFound);
        std::fs::remove_file(dir.path().join("ca.crt")).unwrap();
        assert!(flatten(&read).unwrap_err().message().contains("ca.crt"));
    }
}
