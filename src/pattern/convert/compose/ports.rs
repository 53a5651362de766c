//! `ports` and `expose`, in the short and the long form.

use serde_json::{Map, Value, json};

use super::{File, at, item, read};
use crate::base::error::Result;
use crate::pattern::locate::Step;

/// A port that a container listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    /// In the container.
    target: u16,
    /// On the machine, in Compose; here a second port of the Service.
    published: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    protocol: String,
}

/// Reads every port of a service.
pub(super) fn ports(file: &mut File<'_>, service: &Map<String, Value>, path: &[Step]) -> Result<Vec<Port>> {
    let mut found = Vec::new();
    for key in ["ports", "expose"] {
        let Some(Value::Array(items)) = service.get(key) else { continue };
        for (index, value) in items.iter().enumerate() {
            let here = item(&at(path, key), index);
            let more = match value {
                Value::Object(long) => vec![long_form(file, long, &here)?],
                other => {
                    short_form(&read::scalar(other).unwrap_or_default()).ok_or_else(|| no_port(file, other, &here))?
                }
            };
            for port in more {
                if !found.contains(&port) {
                    found.push(port);
                }
            }
        }
    }
    Ok(found)
}

fn no_port(file: &File<'_>, value: &Value, path: &[Step]) -> crate::base::Error {
    let text = read::scalar(value).unwrap_or_else(|| value.to_string());
    file.fault(path, &format!("{}: `{text}` is not a port", super::written(path)))
}

fn long_form(file: &mut File<'_>, long: &Map<String, Value>, path: &[Step]) -> Result<Port> {
    const KEYS: &[&str] = &["target", "published", "protocol", "mode", "name", "app_protocol"];
    file.warn_others(long, KEYS, path);
    let number = |key: &str| long.get(key).and_then(read::number).and_then(|number| u16::try_from(number).ok());
    let target = number("target").ok_or_else(|| no_port(file, &Value::Object(long.clone()), path))?;
    let protocol = long.get("protocol").and_then(Value::as_str).unwrap_or("tcp").to_uppercase();
    Ok(Port { target, published: number("published"), protocol })
}

/// `[[IP:]PUBLISHED:]TARGET[/PROTOCOL]`, where both may be ranges of one length.
fn short_form(text: &str) -> Option<Vec<Port>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let mut parts = ports.rsplitn(3, ':');
    let targets = range(parts.next()?)?;
    let published = match parts.next().filter(|part| !part.is_empty()) {
        Some(part) => Some(range(part)?),
        None => None,
    };
    let fits = |published: &Vec<u16>| published.len() == targets.len();
    let published = published.map(|published| fits(&published).then_some(published));
    let published = match published {
        Some(None) => return None,
        Some(Some(ports)) => ports.into_iter().map(Some).collect(),
        None => vec![None; targets.len()],
    };
    let protocol = protocol.to_uppercase();
    let port = |(target, published)| Port { target, published, protocol: protocol.clone() };
    Some(targets.into_iter().zip(published).map(port).collect())
}

fn range(text: &str) -> Option<Vec<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last && last - first < 1000).then(|| (first..=last).collect())
}

/// Ports of the container.
pub(super) fn of_container(ports: &[Port]) -> Vec<Value> {
    let mut found = Vec::new();
    for port in ports {
        let mut value = json!({"containerPort": port.target});
        if port.protocol != "TCP" {
            value["protocol"] = json!(port.protocol);
        }
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// Ports of the Service: the container's own, by which other services reach it in Compose, and the published ones.
pub(super) fn of_service(ports: &[Port]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for port in ports {
        for number in [Some(port.target), port.published].into_iter().flatten() {
            let name = format!("p{number}-{}", port.protocol.to_lowercase());
            if found.iter().any(|other| other["name"] == name.as_str()) {
                continue;
            }
            let mut value = json!({"name": name, "port": number, "targetPort": port.target});
            if port.protocol != "TCP" {
                value["protocol"] = json!(port.protocol);
            }
            found.push(value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_short(text: &str) -> Option<Vec<(u16, Option<u16>, String)>> {
        Some(short_form(text)?.into_iter().map(|port| (port.target, port.published, port.protocol)).collect())
    }

    #[test]
    fn every_short_form_is_read() {
        let tcp = |target, published| (target, published, "TCP".to_owned());
        assert_eq!(read_short("80").unwrap(), [tcp(80, None)]);
        assert_eq!(read_short("8080:80").unwrap(), [tcp(80, Some(8080))]);
        assert_eq!(read_short("127.0.0.1:8080:80").unwrap(), [tcp(80, Some(8080))]);
        assert_eq!(read_short("127.0.0.1::80").unwrap(), [tcp(80, None)]);
        assert_eq!(read_short("53:53/udp").unwrap(), [(53, Some(53), "UDP".to_owned())]);
        assert_eq!(read_short("9090-9091:8080-8081").unwrap(), [tcp(8080, Some(9090)), tcp(8081, Some(9091))]);
        assert_eq!(read_short("3000-3001").unwrap().len(), 2);
        for wrong in ["", "a", "80:x", "1-3:1-2", "0", "70000"] {
            assert_eq!(read_short(wrong), None, "{wrong}");
        }
    }
}
