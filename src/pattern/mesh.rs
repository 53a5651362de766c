//! The meshes whose names stand as suffix or `model` in service types, with the API groups they bring.

/// A mesh as the pattern grammar names it.
#[derive(Debug)]
pub struct Mesh {
    /// Shown name.
    pub name: &'static str,
    /// Spellings seen in patterns, lower case.
    pub spellings: &'static [&'static str],
    /// API groups, or parents of groups, that hold its kinds.
    pub groups: &'static [&'static str],
}

impl Mesh {
    /// Whether kinds of `group` belong to this mesh.
    pub fn owns(&self, group: &str) -> bool {
        self.groups.iter().any(|own| group == *own || group.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
    }
}

const SMI: &str = "smi-spec.io";

/// Every mesh with a suffix of its own.
pub const MESHES: &[Mesh] = &[
    Mesh { name: "Istio", spellings: &["istio"], groups: &["istio.io"] },
    Mesh { name: "Linkerd", spellings: &["linkerd"], groups: &["linkerd.io", SMI] },
    Mesh { name: "Consul", spellings: &["consul"], groups: &["consul.hashicorp.com"] },
    Mesh { name: "Kuma", spellings: &["kuma"], groups: &["kuma.io"] },
    Mesh {
        name: "Open Service Mesh",
        spellings: &["osm", "open_service_mesh", "open-service-mesh"],
        groups: &["openservicemesh.io", SMI],
    },
    Mesh {
        name: "NGINX Service Mesh",
        spellings: &["nginx-sm", "nginx_sm", "nginx", "nginx-service-mesh", "nginx_service_mesh"],
        groups: &["nsm.nginx.com", "smi.nginx.com", "nginx.com", "spiffeid.spiffe.io", SMI],
    },
    Mesh {
        name: "Traefik Mesh",
        spellings: &["traefik", "traefik-mesh", "traefik_mesh"],
        groups: &["traefik.io", "traefik.containo.us", SMI],
    },
    Mesh { name: "AWS App Mesh", spellings: &["app_mesh", "app-mesh", "appmesh"], groups: &["appmesh.k8s.aws"] },
    Mesh { name: "Cilium", spellings: &["cilium", "cilium_service_mesh"], groups: &["cilium.io"] },
    Mesh { name: "Service Mesh Interface", spellings: &["smi"], groups: &[SMI] },
];

/// Spellings that mean Kubernetes itself.
pub const KUBERNETES: &[&str] = &["k8s", "kubernetes"];

/// The mesh of that spelling, whatever its case.
pub fn find(spelling: &str) -> Option<&'static Mesh> {
    let lower = spelling.to_lowercase();
    MESHES.iter().find(|mesh| mesh.spellings.contains(&lower.as_str()))
}

/// Types that stand for installing something, not for one object: the mesh that owns them and what to do instead.
pub fn installer(kind: &str) -> Option<&'static str> {
    let lower = kind.to_lowercase();
    let stem = lower.strip_suffix("mesh").or_else(|| lower.strip_suffix("addon"))?;
    MESHES
        .iter()
        .find(|mesh| {
            mesh.spellings
                .iter()
                .any(|spelling| stem == *spelling || (lower.ends_with("addon") && stem.ends_with(spelling)))
        })
        .map(|mesh| mesh.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_belong_to_their_mesh_and_not_by_accident() {
        let istio = find("Istio").unwrap();
        assert!(istio.owns("networking.istio.io") && istio.owns("istio.io"));
        assert!(!istio.owns("notistio.io"));
        assert!(find("KUMA").unwrap().owns("kuma.io"));
        assert!(find("Linkerd").unwrap().owns("split.smi-spec.io"));
    }

    #[test]
    fn installers_are_told_from_kinds() {
        assert_eq!(installer("IstioMesh"), Some("Istio"));
        assert_eq!(installer("GrafanaIstioAddon"), Some("Istio"));
        assert_eq!(installer("Mesh"), None);
        assert_eq!(installer("VirtualService"), None);
    }
}
