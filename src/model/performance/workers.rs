//! Who carries a distributed measurement out.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Code, Error, Result};
use crate::model::adapter::Location;

/// The most workers of one measurement.
pub const MOST: u32 = 1024;
/// Workers in a cluster when no number is given.
pub const IN_CLUSTER: u32 = 2;
/// Namespace of workers in a cluster.
pub const NAMESPACE: &str = "meshery";

/// Who carries a distributed measurement out. As text, `4`, `10.0.0.1:10100,10.0.0.2:10100` or `kubernetes:4`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "where", rename_all = "lowercase")]
pub enum Workers {
    /// Processes of this machine, which the measurement starts and ends.
    Local {
        /// How many.
        count: u32,
    },
    /// Workers that run already.
    At {
        /// Where they listen, `host:port` each.
        locations: Vec<String>,
    },
    /// Pods of a cluster, which the measurement starts and takes away again.
    Kubernetes {
        /// How many.
        replicas: u32,
        /// Context of the kubeconfig; its current one without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<String>,
        /// Namespace of the pods.
        #[serde(default = "namespace")]
        namespace: String,
        /// Image of this program; that of the plane in the namespace without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
    },
}

fn namespace() -> String {
    NAMESPACE.to_owned()
}

impl Workers {
    /// The first that is reached over a network without encryption: workers of a cluster are reached through its API server.
    pub fn in_clear(&self) -> Option<&str> {
        let Self::At { locations } = self else { return None };
        let is_elsewhere = |text: &&String| Location::parse(text).is_ok_and(|location| !location.is_loopback());
        locations.iter().find(is_elsewhere).map(String::as_str)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Local { count } | Self::Kubernetes { replicas: count, .. } => *count as usize,
            Self::At { locations } => locations.len(),
        }
    }

    /// Refuses what cannot be: none, too many, one that is named twice, an address that is none.
    ///
    /// # Errors
    /// [`Code::WorkersInvalid`], [`Code::AddressInvalid`].
    pub fn check(&self) -> Result<()> {
        if !(1..=MOST as usize).contains(&self.count()) {
            return Err(invalid(&self.to_string(), &format!("there have to be 1 to {MOST} workers")));
        }
        if let Self::At { locations } = self {
            let mut parsed = locations.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>>>()?;
            parsed.sort();
            if let Some(pair) = parsed.iter().zip(parsed.iter().skip(1)).find(|(one, next)| one == next) {
                return Err(invalid(&self.to_string(), &format!("{} is named twice", pair.0)));
            }
        }
        Ok(())
    }
}

fn invalid(text: &str, reason: &str) -> Error {
    Error::new(Code::WorkersInvalid, format!("`{text}` names no workers"))
        .because(reason)
        .remedy("Write a number, HOST:PORT,HOST:PORT, kubernetes or kubernetes:N.")
}

impl FromStr for Workers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let number = |digits: &str| digits.parse::<u32>().map_err(|error| invalid(text, &error.to_string()));
        let workers = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Local { count: number(text)? }
        } else if let Some(rest) =
            text.strip_prefix("kubernetes").filter(|rest| rest.is_empty() || rest.starts_with(':'))
        {
            let replicas = if rest.is_empty() { IN_CLUSTER } else { number(&rest[1..])? };
            Self::Kubernetes { replicas, context: None, namespace: namespace(), image: None }
        } else {
            let locations = text.split(',').map(|part| part.trim().to_owned()).collect();
            Self::At { locations }
        };
        workers.check()?;
        Ok(workers)
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { count } => write!(f, "{count}"),
            Self::At { locations } => f.write_str(&locations.join(",")),
            Self::Kubernetes { replicas, .. } => write!(f, "kubernetes:{replicas}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_as_it_is_written() {
        for (text, count) in [("4", 4), ("a:1,b:2", 2), ("[::1]:10100", 1), ("kubernetes:3", 3)] {
            let workers: Workers = text.parse().unwrap();
            assert_eq!((workers.to_string().as_str(), workers.count()), (text, count));
        }
        assert_eq!("kubernetes".parse::<Workers>().unwrap().count(), 2);
    }

    #[test]
    fn what_names_no_workers_is_refused_with_its_reason() {
        for (text, reason) in [
            ("0", "1 to 1024"),
            ("", "cannot parse"),
            ("5000", "1 to 1024"),
            ("99999999999", "number too large"),
            ("kubernetes:x", "invalid digit"),
            ("kubernetes:0", "1 to 1024"),
            ("a:1,a:1", "named twice"),
            ("a:1,b", "no port"),
        ] {
            let error = text.parse::<Workers>().unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }
}
