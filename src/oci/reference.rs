//! Addresses of artefacts: `oci://host[:port]/repository[:tag|@digest]`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::base::error::{Code, Error};

/// Scheme of every address.
pub const SCHEME: &str = "oci://";

/// An artefact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, with its port where one is named.
    pub host: String,
    /// Repository.
    pub repository: String,
    /// Tag, or digest.
    pub version: String,
}

impl Reference {
    /// Whether the registry is on this machine, where plain HTTP is the custom.
    pub fn is_loopback(&self) -> bool {
        let host = match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => self.host.split(':').next().unwrap_or(&self.host),
        };
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.version.contains(':') { '@' } else { ':' };
        write!(f, "{SCHEME}{}/{}{mark}{}", self.host, self.repository, self.version)
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fault = |because: &str| {
            Error::new(Code::UsageError, format!("`{text}` is not the address of an artefact"))
                .because(because)
                .remedy("Write it as oci://HOST/REPOSITORY:TAG.")
        };
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let Some((host, path)) = rest.split_once('/') else { return Err(fault("it has no repository")) };
        let (repository, version) = match path.split_once('@') {
            Some((repository, digest)) => (repository, digest),
            None => path.rsplit_once(':').unwrap_or((path, "latest")),
        };
        let host_fits = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
        let part_fits = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let version_fits = version.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && version.len() <= 136
            && version.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c));
        match (host_fits, repository.split('/').all(part_fits), version_fits) {
            (false, ..) => Err(fault("its host is not one")),
            (_, false, _) => {
                Err(fault("a repository is lower-case letters, digits and `.`, `_`, `-`, in parts divided by `/`"))
            }
            (.., false) => Err(fault("its tag or digest is not one")),
            _ => Ok(Self { host: host.to_owned(), repository: repository.to_owned(), version: version.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written, loopback) in [
            ("oci://ghcr.io/a/b:1.0", "oci://ghcr.io/a/b:1.0", false),
            ("oci://localhost:5000/shop", "oci://localhost:5000/shop:latest", true),
            ("127.0.0.1:5000/shop:x", "oci://127.0.0.1:5000/shop:x", true),
            ("oci://[::1]:5000/shop@sha256:ab", "oci://[::1]:5000/shop@sha256:ab", true),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!((reference.to_string().as_str(), reference.is_loopback()), (written, loopback));
        }
        for wrong in ["oci://host", "oci:///a", "oci://h/A", "oci://h/../x", "oci://h/a:b/c d", "oci://h?x/a"] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
    }
}
