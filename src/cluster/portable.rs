//! A kubeconfig that means the same on another machine: one context, and the content of files in place of their paths.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::kubeconfig::{self, Kubeconfig};
use crate::base::{Code, Error, Result, dirs, yaml};

/// Keys that hold the path of a file, and those that hold its content in Base64.
const FILES: &[(&str, &str)] = &[
    ("certificate-authority", "certificate-authority-data"),
    ("client-certificate", "client-certificate-data"),
    ("client-key", "client-key-data"),
];

/// The text of a kubeconfig with one context, which is its current one. It holds credentials. A program that makes them
/// (`exec`) is named as it was: it must exist where the text is used.
///
/// # Errors
/// [`Code::KubeContextNotFound`]; a file that cannot be read is named.
pub fn portable(kubeconfig: &Kubeconfig, context: &str) -> Result<String> {
    let name = kubeconfig::choose(kubeconfig, &[context.to_owned()], &[])?.remove(0);
    let mut only = kubeconfig.clone();
    only.contexts.retain(|named| named.name == name);
    let parts = only.contexts.first().and_then(|named| named.context.as_ref());
    let (cluster, user) = parts.map(|context| (context.cluster.clone(), context.user.clone())).unwrap_or_default();
    only.clusters.retain(|named| named.name == cluster);
    only.auth_infos.retain(|named| Some(&named.name) == user.as_ref());
    only.current_context = Some(name);
    let mut value = serde_json::to_value(&only)
        .map_err(|error| Error::internal("a kubeconfig cannot be written as JSON").because(error))?;
    for pointer in ["/clusters/0/cluster", "/users/0/user"] {
        if let Some(Value::Object(entry)) = value.pointer_mut(pointer) {
            inline(entry)?;
        }
    }
    yaml::write_kubernetes(&value)
}

fn inline(entry: &mut Map<String, Value>) -> Result<()> {
    for (path_key, data_key) in FILES {
        let Some(Value::String(path)) = entry.remove(*path_key) else { continue };
        let has_data = entry.get(*data_key).and_then(Value::as_str).is_some_and(|data| !data.is_empty());
        if !has_data {
            entry.insert((*data_key).to_owned(), STANDARD.encode(read(&path)?).into());
        }
    }
    if let Some(Value::String(path)) = entry.remove("tokenFile")
        && !entry.contains_key("token")
    {
        let token = String::from_utf8(read(&path)?)
            .map_err(|_| Error::new(Code::KubeconfigInvalid, format!("the token in {path} is not text")))?;
        entry.insert("token".to_owned(), token.trim().into());
    }
    Ok(())
}

fn read(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| dirs::read_error(path.as_ref(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::yaml;

    #[test]
    fn one_context_remains_with_the_content_of_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (authority, token) = (file("ca.pem", "authority"), file("token", "secret\n"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: b\n\
             clusters:\n- name: one\n  cluster: {{server: 'https://one:1', certificate-authority: {authority}}}\n\
             - name: two\n  cluster: {{server: 'https://two:1', certificate-authority: {authority}, certificate-authority-data: T1RIRVI=}}\n\
             users:\n- name: u\n  user: {{tokenFile: {token}}}\n- name: other\n  user: {{token: t}}\n\
             contexts:\n- name: a\n  context: {{cluster: one, user: u, namespace: shop}}\n- name: b\n  context: {{cluster: two, user: other}}\n"
        );
        let merged = kubeconfig::parse("test".as_ref(), &text).unwrap();
        let a = yaml::read_kubernetes(&portable(&merged, "a").unwrap()).unwrap();
        assert_eq!(a["current-context"], "a");
        assert_eq!(a["contexts"].as_array().unwrap().len(), 1);
        assert_eq!(a["contexts"][0]["context"]["namespace"], "shop");
        assert_eq!(a["clusters"][0]["cluster"]["certificate-authority-data"], STANDARD.encode("authority"));
        assert_eq!(a["clusters"][0]["cluster"].get("certificate-authority"), None);
        assert_eq!(a["users"][0]["user"]["token"], "secret");
        let b = yaml::read_kubernetes(&portable(&merged, "b").unwrap()).unwrap();
        assert_eq!(b["clusters"][0]["cluster"]["certificate-authority-data"], "T1RIRVI=", "data goes before a path");
        assert!(!portable(&merged, "b").unwrap().contains("secret"), "credentials of others stay here");
        kubeconfig::parse("again".as_ref(), &portable(&merged, "a").unwrap()).unwrap();
        assert_eq!(portable(&merged, "c").unwrap_err().code(), Code::KubeContextNotFound);
    }

    #[test]
    fn a_missing_file_is_named() {
        let text = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: 'https://c:1', certificate-authority: /nowhere/ca.pem}\n\
                    users: []\ncontexts:\n- name: a\n  context: {cluster: c, user: u}\n";
        let merged = kubeconfig::parse("test".as_ref(), text).unwrap();
        let error = portable(&merged, "a").unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
