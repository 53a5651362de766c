//! Where the engine is. The order is docker's own: DOCKER_HOST, else the context that DOCKER_CONTEXT or docker's
//! config.json names, else the default socket.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env, id, text};

/// The context that stands for DOCKER_HOST and the default socket.
const DEFAULT: &str = "default";
/// Where an engine listens that was not told otherwise.
#[cfg(not(windows))]
const DEFAULT_URL: &str = "unix:///var/run/docker.sock";
/// Where an engine listens that was not told otherwise.
#[cfg(windows)]
const DEFAULT_URL: &str = "npipe:////./pipe/docker_engine";
/// Port of an engine without TLS.
const PORT: u16 = 2375;
/// Port of an engine with TLS.
const TLS_PORT: u16 = 2376;

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address in docker's own words, such as `unix:///var/run/docker.sock`.
    pub url: String,
    /// Who says so, such as `DOCKER_HOST`.
    pub origin: String,
    /// The way there.
    pub way: Way,
}

/// The way to an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A named pipe of this machine (Windows).
    Pipe(String),
    /// A host and port, unencrypted.
    Tcp(String, u16),
    /// A host and port, with certificates of both sides.
    Tls(String, u16, Certificates),
}

/// Files that docker keeps for an engine with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The authority that signed the engine's certificate.
    pub ca: PathBuf,
    /// The certificate of this client.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.url, self.origin)
    }
}

impl Address {
    /// The engine that this shell means.
    ///
    /// # Errors
    /// [`Code::DockerAddress`] for a context that does not exist, and for addresses that cannot be used, with the reason.
    pub fn find() -> Result<Self> {
        let variables = Variables {
            host: env::get(env::DOCKER_HOST),
            context: env::get(env::DOCKER_CONTEXT),
            verify: env::is_set(env::DOCKER_TLS_VERIFY),
            certificates: env::get(env::DOCKER_CERT_PATH).map(PathBuf::from),
        };
        let config = env::get(env::DOCKER_CONFIG).map(PathBuf::from);
        let config = config.or_else(|| Some(dirs::user_home()?.join(".docker")));
        find(&variables, config.as_deref())
    }

    /// Whether the engine runs on this machine, so that its loopback ports are those of this machine.
    pub fn is_local(&self) -> bool {
        match &self.way {
            Way::Unix(_) | Way::Pipe(_) => true,
            Way::Tcp(host, _) | Way::Tls(host, ..) => {
                let plain = host.trim_matches(['[', ']']);
                plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// What of the environment says where the engine is.
#[derive(Debug, Default)]
struct Variables {
    host: Option<String>,
    context: Option<String>,
    verify: bool,
    certificates: Option<PathBuf>,
}

fn find(variables: &Variables, config: Option<&Path>) -> Result<Address> {
    if let Some(host) = &variables.host {
        return of_variables(host, env::DOCKER_HOST, variables, config);
    }
    let (name, origin) = match (&variables.context, config) {
        (Some(name), _) => (name.clone(), env::DOCKER_CONTEXT.to_owned()),
        (None, Some(folder)) => (current_context(folder)?, format!("{}", folder.join("config.json").display())),
        (None, None) => (DEFAULT.to_owned(), String::new()),
    };
    match config {
        Some(folder) if name != DEFAULT => of_context(&name, &origin, folder),
        _ => of_variables(DEFAULT_URL, "docker's default", variables, config),
    }
}

fn of_variables(url: &str, origin: &str, variables: &Variables, config: Option<&Path>) -> Result<Address> {
    let folder = variables.certificates.as_deref().or(config).filter(|_| variables.verify);
    let way = way(url, origin, folder)?;
    Ok(Address { url: url.to_owned(), origin: origin.to_owned(), way })
}

/// The context that docker's config.json chooses.
fn current_context(folder: &Path) -> Result<String> {
    let path = folder.join("config.json");
    let Some(text) = dirs::read_optional(&path)? else { return Ok(DEFAULT.to_owned()) };
    let config: Value = serde_json::from_str(&text).map_err(|error| {
        Error::new(Code::DockerAddress, format!("{} is not JSON", path.display()))
            .because(error)
            .remedy("Correct the file, or say where the engine is with DOCKER_HOST.")
    })?;
    Ok(config["currentContext"].as_str().filter(|name| !name.is_empty()).unwrap_or(DEFAULT).to_owned())
}

/// The engine of one of docker's contexts, which are folders named by the digest of their name.
fn of_context(name: &str, origin: &str, folder: &Path) -> Result<Address> {
    let digest = id::hex(&Sha256::digest(name.as_bytes()));
    let path = folder.join("contexts").join("meta").join(&digest).join("meta.json");
    let fault = |text: String| {
        Error::new(Code::DockerAddress, text)
            .because(format!("{origin} chooses it"))
            .remedy("Choose another with `docker context use NAME`, or say where the engine is with DOCKER_HOST.")
    };
    let Some(text) = dirs::read_optional(&path)? else {
        let known = context_names(folder);
        let near = text::did_you_mean(name, known.iter().map(String::as_str));
        let names = format!("contexts: {}", [&[DEFAULT.to_owned()], known.as_slice()].concat().join(", "));
        return Err(fault(format!("there is no docker context `{name}`")).details(near).detail(names));
    };
    let meta: Value = serde_json::from_str(&text)
        .map_err(|error| fault(format!("docker context `{name}` cannot be read: {}: {error}", path.display())))?;
    let endpoint = &meta["Endpoints"]["docker"];
    let Some(url) = endpoint["Host"].as_str().filter(|url| !url.is_empty()) else {
        return Err(fault(format!("docker context `{name}` names no engine: {}", path.display())));
    };
    if endpoint["SkipTLSVerify"].as_bool() == Some(true) {
        return Err(fault(format!("docker context `{name}` does not check who answers at {url}")));
    }
    let certificates = folder.join("contexts").join("tls").join(&digest).join("docker");
    let origin = format!("docker context `{name}` by {origin}");
    let way = way(url, &origin, certificates.is_dir().then_some(certificates.as_path()))?;
    Ok(Address { url: url.to_owned(), origin, way })
}

fn context_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.join("contexts").join("meta")) else { return Vec::new() };
    let metas = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("meta.json")).ok());
    let mut names: Vec<String> = metas
        .filter_map(|text| serde_json::from_str::<Value>(&text).ok()?["Name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The way of an address; `certificates` is the folder of certificates where TLS is wanted.
fn way(url: &str, origin: &str, certificates: Option<&Path>) -> Result<Way> {
    let fault = |because: &str, remedy: &str| {
        Error::new(Code::DockerAddress, format!("the Docker engine at {url} ({origin}) cannot be used"))
            .because(because)
            .remedy(remedy)
    };
    let form = "Write it as unix:///PATH or tcp://HOST:PORT.";
    let (scheme, rest) = url.split_once("://").ok_or_else(|| fault("it is not an address", form))?;
    match scheme {
        "unix" if cfg!(unix) && rest.starts_with('/') => Ok(Way::Unix(PathBuf::from(rest))),
        "unix" if cfg!(unix) => Err(fault("the path of the socket is not absolute", form)),
        "npipe" if cfg!(windows) => Ok(Way::Pipe(url.to_owned())),
        "unix" | "npipe" => Err(fault("this system has no such sockets", form)),
        "tcp" | "http" | "https" => {
            let parsed = Url::parse(&format!("http://{rest}")).map_err(|error| fault(&error.to_string(), form))?;
            let host = parsed.host_str().ok_or_else(|| fault("it names no host", form))?.to_owned();
            if scheme == "https" || certificates.is_some() {
                let certificates =
                    certificates.ok_or_else(|| fault("it wants TLS and no certificates are named", TLS))?;
                return Ok(Way::Tls(host, parsed.port().unwrap_or(TLS_PORT), in_folder(certificates, &fault)?));
            }
            Ok(Way::Tcp(host, parsed.port().unwrap_or(PORT)))
        }
        "ssh" => Err(fault("this program does not speak to engines over SSH itself", &tunnel(rest))),
        _ => Err(fault(&format!("`{scheme}` is no way to an engine"), form)),
    }
}

/// How to use an engine with TLS.
const TLS: &str = "Set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem.";

/// How to reach an engine that is behind SSH: its socket, and its loopback ports, where the plane listens.
fn tunnel(host: &str) -> String {
    let host = host.split('/').next().unwrap_or(host);
    format!(
        "Forward its socket and the plane's port: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock \
         -L 9081:localhost:9081 {host}`, then set DOCKER_HOST=unix:///tmp/docker.sock."
    )
}

fn in_folder(folder: &Path, fault: &dyn Fn(&str, &str) -> Error) -> Result<Certificates> {
    let file = |name: &str| {
        let path = folder.join(name);
        match std::fs::File::open(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(fault(&format!("{} cannot be read: {error}", path.display()), TLS)),
        }
    };
    Ok(Certificates { ca: file("ca.pem")?, certificate: file("cert.pem")?, key: file("key.pem")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(contexts: &[(&str, &str)], config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, endpoint) in contexts {
            let meta = folder.path().join("contexts/meta").join(id::hex(&Sha256::digest(name.as_bytes())));
            std::fs::create_dir_all(&meta).unwrap();
            let text = format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#);
            std::fs::write(meta.join("meta.json"), text).unwrap();
        }
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        folder
    }

    #[test]
    fn docker_host_goes_before_contexts_and_those_before_the_default() {
        let folder = folder_with(
            &[("work", r#"{"Host":"unix:///work.sock"}"#), ("other", r#"{"Host":"tcp://127.0.0.1"}"#)],
            r#"{"currentContext":"work"}"#,
        );
        let find = |host: Option<&str>, context: Option<&str>, config: Option<&Path>| {
            let variables =
                Variables { host: host.map(Into::into), context: context.map(Into::into), ..Variables::default() };
            let found = find(&variables, config).unwrap();
            (found.url, found.origin)
        };
        let config = Some(folder.path());
        assert_eq!(find(Some("tcp://h:1"), Some("work"), config), ("tcp://h:1".into(), "DOCKER_HOST".into()));
        let (url, origin) = find(None, Some("other"), config);
        assert_eq!((url.as_str(), origin.as_str()), ("tcp://127.0.0.1", "docker context `other` by DOCKER_CONTEXT"));
        let (url, origin) = find(None, None, config);
        assert_eq!(url, "unix:///work.sock");
        assert!(origin.contains("`work`") && origin.contains("config.json"), "{origin}");
        assert_eq!(find(None, Some("default"), config).0, DEFAULT_URL);
        assert_eq!(find(None, None, None), (DEFAULT_URL.into(), "docker's default".into()));
    }

    #[test]
    fn a_context_that_is_none_is_told_with_those_there_are() {
        let folder = folder_with(&[("work", r#"{"Host":"unix:///work.sock"}"#)], "{}");
        let variables = Variables { context: Some("wrok".into()), ..Variables::default() };
        let error = find(&variables, Some(folder.path())).unwrap_err();
        assert_eq!(error.code(), Code::DockerAddress);
        assert_eq!(error.report().details, ["did you mean work?", "contexts: default, work"]);
        let folder = folder_with(&[("x", r#"{"Host":"tcp://h:1","SkipTLSVerify":true}"#)], r#"{"currentContext":"x"}"#);
        let error = find(&Variables::default(), Some(folder.path())).unwrap_err();
        assert!(error.message().contains("does not check who answers"), "{error}");
        std::fs::write(folder.path().join("config.json"), "{").unwrap();
        assert!(find(&Variables::default(), Some(folder.path())).unwrap_err().message().contains("is not JSON"));
    }

    #[test]
    fn addresses_are_read_with_dockers_default_ports_and_strange_ones_say_why() {
        assert_eq!(way("unix:///a.sock", "t", None).unwrap(), Way::Unix("/a.sock".into()));
        assert_eq!(way("tcp://h", "t", None).unwrap(), Way::Tcp("h".into(), 2375));
        assert_eq!(way("tcp://[::1]:99", "t", None).unwrap(), Way::Tcp("[::1]".into(), 99));
        for (url, word) in [
            ("/var/run/docker.sock", "not an address"),
            ("unix://docker.sock", "not absolute"),
            ("npipe:////./pipe/x", "no such sockets"),
            ("ssh://me@far", "over SSH"),
            ("fd://3", "no way to an engine"),
            ("tcp://", "host"),
            ("https://h", "no certificates"),
        ] {
            let error = way(url, "t", None).unwrap_err();
            assert!(error.to_string().contains(word), "{url}: {error}");
        }
        let ssh = way("ssh://me@far/x", "t", None).unwrap_err().report().suggested_remediation.unwrap();
        assert!(ssh.contains("9081:localhost:9081 me@far`"), "{ssh}");
    }

    #[test]
    fn tls_wants_its_three_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ca.pem", "cert.pem"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let error = way("tcp://h", "t", Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
        std::fs::write(folder.path().join("key.pem"), "").unwrap();
        assert!(matches!(way("tcp://h", "t", Some(folder.path())).unwrap(), Way::Tls(_, 2376, _)));
    }

    #[test]
    fn loopback_is_this_machine() {
        for (url, local) in
            [("unix:///s", true), ("tcp://localhost:1", true), ("tcp://[::1]:1", true), ("tcp://h", false)]
        {
            let address = Address { url: url.into(), origin: "t".into(), way: way(url, "t", None).unwrap() };
            assert_eq!(address.is_local(), local, "{url}");
        }
    }
}
