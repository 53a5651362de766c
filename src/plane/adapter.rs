//! The adapters a context can name, and the gRPC ports that clients of every era expect them on.

use crate::base::error::{Code, Error, Result};
use crate::base::text;

/// One adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adapter {
    /// Name in a context and of its container: `meshery-istio`.
    pub name: &'static str,
    /// The mesh in the words of the service mesh performance specification, by which adapters call themselves: `ISTIO`.
    pub smp_name: &'static str,
    /// Port of its gRPC service.
    pub port: u16,
}

impl Adapter {
    /// The mesh alone: `istio`.
    pub fn mesh(&self) -> &'static str {
        self.name.trim_start_matches("meshery-")
    }
}

/// Every adapter that any era knew.
pub const ALL: &[Adapter] = &[
    Adapter { name: "meshery-istio", smp_name: "ISTIO", port: 10000 },
    Adapter { name: "meshery-linkerd", smp_name: "LINKERD", port: 10001 },
    Adapter { name: "meshery-consul", smp_name: "CONSUL", port: 10002 },
    Adapter { name: "meshery-octarine", smp_name: "OCTARINE", port: 10003 },
    Adapter { name: "meshery-nsm", smp_name: "NETWORK_SERVICE_MESH", port: 10004 },
    Adapter { name: "meshery-app-mesh", smp_name: "APP_MESH", port: 10005 },
    Adapter { name: "meshery-traefik-mesh", smp_name: "TRAEFIK_MESH", port: 10006 },
    Adapter { name: "meshery-kuma", smp_name: "KUMA", port: 10007 },
    Adapter { name: "meshery-cpx", smp_name: "CITRIX_SERVICE_MESH", port: 10008 },
    Adapter { name: "meshery-osm", smp_name: "OPEN_SERVICE_MESH", port: 10009 },
    Adapter { name: "meshery-nginx-sm", smp_name: "NGINX_SERVICE_MESH", port: 10010 },
    Adapter { name: "meshery-tanzu-sm", smp_name: "TANZU", port: 10011 },
    Adapter { name: "meshery-cilium", smp_name: "CILIUM_SERVICE_MESH", port: 10012 },
];

/// The adapter of a name, with or without `meshery-` in front, or of the mesh's name in the service mesh performance
/// specification, in any case, and with a port behind it or not.
///
/// # Errors
/// [`Code::AdapterUnknown`] for a name that is none, with the one that is near.
pub fn find(name: &str) -> Result<Adapter> {
    let plain = name.split(':').next().unwrap_or(name).to_ascii_lowercase().replace('_', "-");
    let is_smp = |adapter: &Adapter| adapter.smp_name.to_ascii_lowercase().replace('_', "-") == plain;
    let same = |adapter: &&Adapter| adapter.name == plain || adapter.mesh() == plain || is_smp(adapter);
    ALL.iter().find(same).copied().ok_or_else(|| {
        let error = Error::new(Code::AdapterUnknown, format!("there is no adapter `{name}`"));
        let names = ALL.iter().map(|adapter| adapter.name).collect::<Vec<_>>();
        let mesh = plain.trim_start_matches("meshery-");
        match text::did_you_mean(mesh, ALL.iter().map(Adapter::mesh)) {
            Some(near) => error.detail(near),
            None => error.detail(format!("known: {}", names.join(", "))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_found_by_every_spelling() {
        for name in ["meshery-istio", "istio", "Istio", "ISTIO", "meshery-istio:10000", "istio:10000"] {
            assert_eq!(find(name).unwrap().port, 10000, "{name}");
        }
        assert_eq!(find("traefik_mesh").unwrap().name, "meshery-traefik-mesh");
        assert_eq!(find("OPEN_SERVICE_MESH").unwrap().name, "meshery-osm");
        let error = find("meshery-isto").unwrap_err();
        assert_eq!(error.report().details, ["did you mean istio?"]);
    }

    #[test]
    fn every_adapter_is_found_by_its_own_names_and_has_a_port_of_its_own() {
        let mut ports = std::collections::HashSet::new();
        for adapter in ALL {
            assert!(ports.insert(adapter.port), "{}", adapter.name);
            for name in [adapter.name, adapter.mesh(), adapter.smp_name] {
                assert_eq!(find(name).unwrap(), *adapter, "{name}");
            }
        }
    }
}
