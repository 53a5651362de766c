//! A kubeconfig that works away from this machine: one text, with what it names as files in it, with another name for
//! this machine, and without what only works here.

use std::net::IpAddr;

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use url::Url;

use super::kubeconfig::{inline_cluster, inline_user};
use crate::base::error::{Error, Result};
use crate::base::yaml;

/// A kubeconfig for elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// The kubeconfig.
    pub text: String,
    /// Its contexts.
    pub contexts: Vec<String>,
    /// Contexts that work only on this machine.
    pub left_out: Vec<LeftOut>,
    /// Contexts whose API server is on this machine.
    pub moved: Vec<Moved>,
}

/// A context that works only on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub context: String,
    /// Why, as the end of a sentence.
    pub reason: String,
    /// The next step.
    pub remedy: String,
}

/// A context whose API server is on this machine, so that it is addressed by another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Name of the context.
    pub context: String,
    /// Name of its cluster.
    pub cluster: String,
    /// The address as it was.
    pub server: String,
    /// Port of the API server.
    pub port: u16,
}

/// Ports of this machine that API servers of contexts listen on.
pub fn loopback_ports(kubeconfig: &Kubeconfig) -> Vec<u16> {
    let servers = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref()?.server.as_ref());
    let mut ports: Vec<u16> = servers.filter_map(|server| loopback(server).map(|(.., port)| port)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Makes a kubeconfig portable. `rename` gives the host and port under which an API server of this machine is reached
/// from elsewhere, by its port here.
///
/// # Errors
/// An internal fault, when it cannot be written as text.
pub fn portable(mut kubeconfig: Kubeconfig, rename: &dyn Fn(u16) -> (String, u16)) -> Result<Portable> {
    let (mut left_out, mut moved) = (Vec::new(), Vec::new());
    let mut failed = Vec::new();
    for named in &mut kubeconfig.auth_infos {
        if let Some(user) = &mut named.auth_info
            && let Err(fault) = settle_user(user)
        {
            failed.push((named.name.clone(), fault));
        }
    }
    let mut faulty = Vec::new();
    let mut here = Vec::new();
    for named in &mut kubeconfig.clusters {
        let Some(cluster) = &mut named.cluster else { continue };
        match settle_cluster(cluster, rename) {
            Ok(Some((server, port))) => here.push((named.name.clone(), server, port)),
            Ok(None) => {}
            Err(fault) => faulty.push((named.name.clone(), fault)),
        }
    }
    kubeconfig.contexts.retain(|named| {
        let Some(context) = &named.context else { return false };
        let user = failed.iter().find(|(name, _)| Some(name) == context.user.as_ref());
        let fault = user.or_else(|| faulty.iter().find(|(name, _)| *name == context.cluster));
        if let Some((_, Fault { reason, remedy })) = fault {
            let remedy = remedy.replace("CONTEXT", &named.name);
            left_out.push(LeftOut { context: named.name.clone(), reason: reason.clone(), remedy });
            return false;
        }
        if let Some((cluster, server, port)) = here.iter().find(|(name, ..)| *name == context.cluster) {
            let (context, cluster, server) = (named.name.clone(), cluster.clone(), server.clone());
            moved.push(Moved { context, cluster, server, port: *port });
        }
        true
    });
    forget_unused(&mut kubeconfig);
    let contexts = kubeconfig.contexts.iter().map(|named| named.name.clone()).collect();
    Ok(Portable { text: yaml::write_kubernetes(&kubeconfig)?, contexts, left_out, moved })
}

/// Why an entry works only here, and the next step.
struct Fault {
    reason: String,
    remedy: String,
}

/// Users and clusters that no context names stay at home, with their secrets.
fn forget_unused(kubeconfig: &mut Kubeconfig) {
    let contexts: Vec<_> = kubeconfig.contexts.iter().filter_map(|named| named.context.clone()).collect();
    kubeconfig.auth_infos.retain(|named| contexts.iter().any(|context| context.user.as_ref() == Some(&named.name)));
    kubeconfig.clusters.retain(|named| contexts.iter().any(|context| context.cluster == named.name));
    let names: Vec<&String> = kubeconfig.contexts.iter().map(|named| &named.name).collect();
    if kubeconfig.current_context.as_ref().is_some_and(|current| !names.contains(&current)) {
        kubeconfig.current_context = None;
    }
}

fn settle_user(user: &mut AuthInfo) -> Result<(), Fault> {
    let token = "Use a token instead: `kubectl --context CONTEXT create token NAME` for a service account with the rights that are needed.";
    if let Some(exec) = &user.exec {
        let program = exec.command.as_deref().unwrap_or_default();
        let reason = format!("its credentials come from the program `{program}` of this machine, which is not there");
        return Err(Fault { reason, remedy: token.to_owned() });
    }
    if let Some(provider) = &user.auth_provider {
        let reason = format!(
            "its credentials come from the auth provider `{}`, which works on this machine only",
            provider.name
        );
        return Err(Fault { reason, remedy: token.to_owned() });
    }
    inline_user(user).map_err(|error| unreadable(&error))
}

/// Puts the authority's file in, and gives the address another name when it is on this machine: then address and port
/// as they were.
fn settle_cluster(
    cluster: &mut Cluster,
    rename: &dyn Fn(u16) -> (String, u16),
) -> Result<Option<(String, u16)>, Fault> {
    inline_cluster(cluster).map_err(|error| unreadable(&error))?;
    if let Some((proxy, ..)) = cluster.proxy_url.as_ref().and_then(|proxy| renamed(proxy, rename)) {
        cluster.proxy_url = Some(proxy);
    }
    let Some(server) = cluster.server.clone() else { return Ok(None) };
    let Some((address, host, port)) = renamed(&server, rename) else { return Ok(None) };
    // The certificate is still that of the name the server had here.
    if address.starts_with("https:") && cluster.insecure_skip_tls_verify != Some(true) {
        cluster.tls_server_name.get_or_insert(host);
    }
    cluster.server = Some(address);
    Ok(Some((server, port)))
}

/// An address of this machine with its other name, and host and port as they were; `None` for those of others.
fn renamed(address: &str, rename: &dyn Fn(u16) -> (String, u16)) -> Option<(String, String, u16)> {
    let (mut url, host, port) = loopback(address)?;
    let (name, there) = rename(port);
    url.set_host(Some(&name)).ok()?;
    url.set_port(Some(there)).ok()?;
    Some((url.to_string().trim_end_matches('/').to_owned(), host, port))
}

/// An address of this machine, with its host as certificates name it, and its port.
fn loopback(address: &str) -> Option<(Url, String, u16)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default()?;
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Some((url, host, port)),
        // Certificates name addresses that can be called.
        Ok(address) if address.is_unspecified() => Some((url, "localhost".to_owned(), port)),
        Err(_) if host == "localhost" || host.ends_with(".localhost") => Some((url, host, port)),
        _ => None,
    }
}

fn unreadable(error: &Error) -> Fault {
    let reason = format!("a file that it names cannot be used: {error}");
    Fault { reason, remedy: "Correct the kubeconfig; `kubectl --context CONTEXT version` has to work.".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(clusters: &str, users: &str) -> Portable {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{clusters}]\nusers: [{users}]\n\
             contexts: [{{name: a, context: {{cluster: c, user: u}}}}, {{name: b, context: {{cluster: d, user: v}}}}]\n"
        );
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        portable(kubeconfig, &|port| ("host.docker.internal".to_owned(), port)).unwrap()
    }

    fn read(made: &Portable) -> serde_json::Value {
        yaml::read_kubernetes(&made.text).unwrap()
    }

    #[test]
    fn this_machine_gets_another_name_and_keeps_its_certificate() {
        for (server, wanted, name) in [
            ("https://127.0.0.1:6443", "https://host.docker.internal:6443", Some("127.0.0.1")),
            ("https://localhost:1/", "https://host.docker.internal:1", Some("localhost")),
            ("https://[::1]:1/k/c", "https://host.docker.internal:1/k/c", Some("::1")),
            ("https://0.0.0.0:1", "https://host.docker.internal:1", Some("localhost")),
            ("https://127.0.0.1", "https://host.docker.internal", Some("127.0.0.1")),
            ("http://localhost:8080", "http://host.docker.internal:8080", None),
            ("https://10.0.0.1:6443", "https://10.0.0.1:6443", None),
        ] {
            let made = make(
                &format!("{{name: c, cluster: {{server: '{server}'}}}}, {{name: d, cluster: {{server: 'https://h'}}}}"),
                "",
            );
            let cluster = &read(&made)["clusters"][0]["cluster"];
            assert_eq!(cluster["server"], wanted, "{server}");
            assert_eq!(cluster["tls-server-name"].as_str(), name, "{server}");
            assert_eq!(made.moved.len(), usize::from(wanted.contains("host.docker")), "{server}");
        }
        let own = make("{name: c, cluster: {server: 'https://127.0.0.1:1', tls-server-name: x}}", "");
        assert_eq!(read(&own)["clusters"][0]["cluster"]["tls-server-name"], "x");
    }

    #[test]
    fn files_are_put_in_and_what_no_context_names_stays_here() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "secret\n").unwrap();
        let path = path.display();
        let made = make(
            &format!(
                "{{name: c, cluster: {{server: 'https://h', certificate-authority: {path}}}}}, {{name: z, cluster: {{server: 'https://z'}}}}"
            ),
            &format!(
                "{{name: u, user: {{client-certificate: {path}, client-key: {path}}}}}, {{name: v, user: {{tokenFile: {path}}}}}, {{name: z, user: {{token: hidden}}}}"
            ),
        );
        let config = read(&made);
        assert_eq!(config["clusters"].as_array().unwrap().len(), 1);
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "c2VjcmV0Cg==");
        assert_eq!(config["users"][0]["user"]["client-key-data"], "c2VjcmV0Cg==");
        assert_eq!(config["users"][1]["user"]["token"], "secret");
        assert!(!made.text.contains("hidden") && !made.text.contains(&path.to_string()), "{}", made.text);
    }

    #[test]
    fn what_works_here_only_is_left_out_with_the_reason() {
        let made = make(
            "{name: c, cluster: {server: 'https://h'}}, {name: d, cluster: {server: 'https://h', certificate-authority: /none}}",
            "{name: u, user: {exec: {apiVersion: v1, command: aws, interactiveMode: Never}}}, {name: v, user: {token: t}}",
        );
        assert!(made.contexts.is_empty());
        assert_eq!(made.left_out[0].context, "a");
        assert!(made.left_out[0].reason.contains("`aws`") && made.left_out[0].remedy.contains("--context a "));
        assert!(made.left_out[1].reason.contains("/none"), "{:?}", made.left_out);
        assert_eq!(read(&made)["current-context"], serde_json::Value::Null);
    }

    #[test]
    fn an_empty_kubeconfig_stays_one() {
        let made = portable(Kubeconfig::default(), &|port| (String::new(), port)).unwrap();
        assert!(Kubeconfig::from_yaml(&made.text).is_ok(), "{}", made.text);
    }
}
