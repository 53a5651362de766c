//! A kubeconfig that needs no other file: certificates and tokens of files stand in it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Kubeconfig, contexts, not_found};
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};

/// Keys of a cluster or user that name a file, the key for its content, and whether that is in Base64.
const FILES: &[(&str, &str, bool)] = &[
    ("certificate-authority", "certificate-authority-data", true),
    ("client-certificate", "client-certificate-data", true),
    ("client-key", "client-key-data", true),
    ("tokenFile", "token", false),
];

/// The kubeconfig with the content of every file it names; content that stands in it already goes first, as in kubectl.
///
/// # Errors
/// A file that cannot be read.
pub fn flatten(kubeconfig: &Kubeconfig) -> Result<Kubeconfig> {
    let mut value = to_value(kubeconfig)?;
    for (list, entry) in [("clusters", "cluster"), ("users", "user")] {
        for named in value[list].as_array_mut().into_iter().flatten() {
            let Some(entry) = named[entry].as_object_mut() else { continue };
            for (file, data, encoded) in FILES {
                let Some(path) = entry.remove(*file) else { continue };
                let is_there = entry.get(*data).is_some_and(|data| data.as_str().is_some_and(|text| !text.is_empty()));
                let Some(path) = path.as_str().filter(|path| !is_there && !path.is_empty()) else { continue };
                let content = std::fs::read(path).map_err(|error| dirs::read_error(Path::new(path), &error))?;
                let text = if *encoded {
                    STANDARD.encode(content)
                } else {
                    String::from_utf8_lossy(&content).trim().to_owned()
                };
                entry.insert((*data).to_owned(), text.into());
            }
        }
    }
    from_value(value)
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
            found.extend(
                FILES.iter().filter_map(|(key, ..)| Some(format!("{key} of `{name}` is the file {}", path(key)?))),
            );
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
    serde_saphyr::to_string(&to_value(kubeconfig)?)
        .map_err(|error| Error::internal("a kubeconfig cannot be written as YAML").because(error))
}

fn to_value(kubeconfig: &Kubeconfig) -> Result<Value> {
    serde_json::to_value(kubeconfig)
        .map_err(|error| Error::internal("a kubeconfig cannot be written as JSON").because(error))
}

fn from_value(value: Value) -> Result<Kubeconfig> {
    serde_json::from_value(value)
        .map_err(|error| Error::new(Code::KubeconfigInvalid, "the kubeconfig cannot be used").because(error))
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
