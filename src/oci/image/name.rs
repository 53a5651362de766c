//! Names of images: `[host[:port]/]repository[:tag]`.

use crate::base::error::{Code, Error, Result};

/// Longest name without its tag (the distribution's grammar of references).
const LONGEST_NAME: usize = 255;
/// Longest tag.
const LONGEST_TAG: usize = 128;

/// The name with a tag; `latest` where none is given.
///
/// # Errors
/// [`Code::UsageError`] for what engines and registries would refuse.
pub fn checked(reference: &str) -> Result<String> {
    let (name, tag) = split(reference).unwrap_or((reference, "latest"));
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if is_host(first) => (Some(first), path),
        _ => (None, name),
    };
    let host_fits = host.is_none_or(|host| host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c)));
    let tag_fits = tag.len() <= LONGEST_TAG
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !host_fits || !tag_fits || name.len() > LONGEST_NAME || !path.split('/').all(is_part) {
        return Err(Error::new(Code::UsageError, format!("`{reference}` cannot be the name of an image"))
            .because(
                "a name is [HOST/]REPOSITORY[:TAG], the repository in lower-case letters and digits with . _ - between",
            )
            .remedy("Write it as in registry.example.org/meshery/mesheryctl:v1."));
    }
    Ok(format!("{name}:{tag}"))
}

/// Name and tag, where there is one: a colon in the host is that of its port.
pub fn split(reference: &str) -> Option<(&str, &str)> {
    reference.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
}

/// The name with its registry, as kubelets and containerd spell what has none.
pub fn full(reference: &str) -> String {
    match reference.split_once('/') {
        Some((first, _)) if is_host(first) => reference.to_owned(),
        Some(_) => format!("docker.io/{reference}"),
        None => format!("docker.io/library/{reference}"),
    }
}

fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

fn is_part(part: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(|c| is_end(c) || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_get_a_tag() {
        for (name, written) in [
            ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
            ("a/b:V1", "a/b:V1"),
            ("[::1]:5000/a:x", "[::1]:5000/a:x"),
            ("Registry.example.org/a", "Registry.example.org/a:latest"),
            ("mesheryctl", "mesheryctl:latest"),
        ] {
            assert_eq!(checked(name).unwrap(), written);
        }
        for wrong in ["", "A/b", "a b", "a:b:c/", "a//b", "a/", "-a", "a:", "a:-x", "a@sha256:0", "a/b?:1"] {
            assert_eq!(checked(wrong).unwrap_err().code(), Code::UsageError, "{wrong}");
        }
        assert!(checked(&format!("a:{}", "x".repeat(129))).is_err() && checked(&"a".repeat(256)).is_err());
    }

    #[test]
    fn names_without_a_registry_get_the_usual_one() {
        assert_eq!(full("meshery/mesheryctl:1"), "docker.io/meshery/mesheryctl:1");
        assert_eq!(full("nats:2"), "docker.io/library/nats:2");
        assert_eq!(full("localhost:5000/a:1"), "localhost:5000/a:1");
        assert_eq!(full("ghcr.io/a/b"), "ghcr.io/a/b");
    }
}
