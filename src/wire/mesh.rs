//! Names of meshes, as the Service Mesh Performance specification has them.

use super::smp::service_mesh::Type;

/// Every name in the order of its number, that for none first.
pub fn names() -> Vec<&'static str> {
    (0..).map_while(|number| Type::try_from(number).ok()).map(|kind| kind.as_str_name()).collect()
}

/// The specification's name of a mesh, from that name, its number or a word in use for it; none where it has no such mesh.
pub fn known(word: &str) -> Option<&'static str> {
    let word = word.trim();
    let kind = match word.parse::<i32>() {
        Ok(number) => Type::try_from(number).ok()?,
        Err(_) => by_word(&capitals(word))?,
    };
    (kind != Type::InvalidMesh).then(|| kind.as_str_name())
}

/// A mesh as plans name it: as the specification does where it has such a mesh, else in capitals with underscores. What
/// stands for none is none.
pub fn named(word: &str) -> Option<String> {
    let name = capitals(word.trim());
    let is_none = matches!(name.as_str(), "" | "NONE" | "NO_MESH" | "INVALID_MESH" | "0");
    (!is_none).then(|| known(&name).map_or(name, str::to_owned))
}

fn capitals(word: &str) -> String {
    word.to_uppercase().replace(['-', ' '], "_")
}

fn by_word(word: &str) -> Option<Type> {
    Type::from_str_name(word).or_else(|| {
        Some(match word {
            "OSM" => Type::OpenServiceMesh,
            "NSM" => Type::NetworkServiceMesh,
            "TRAEFIK" | "MAESH" => Type::TraefikMesh,
            "NGINX" => Type::NginxServiceMesh,
            "CILIUM" => Type::CiliumServiceMesh,
            "APPMESH" | "AWS_APP_MESH" => Type::AppMesh,
            _ => return None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meshes_have_names_numbers_and_nicknames() {
        assert_eq!(known("3"), Some("ISTIO"));
        assert_eq!(known("istio"), Some("ISTIO"));
        assert_eq!(known("open-service-mesh"), Some("OPEN_SERVICE_MESH"));
        assert_eq!(known("osm"), Some("OPEN_SERVICE_MESH"));
        assert_eq!([known("0"), known("13"), known("INVALID_MESH"), known("mess")], [None; 4]);
        let names = names();
        assert_eq!((names.len(), names[3], names[5], names[12]), (13, "ISTIO", "LINKERD", "CILIUM_SERVICE_MESH"));
    }

    #[test]
    fn plans_name_a_mesh_in_one_way() {
        for (word, name) in [
            ("None", None),
            ("", None),
            ("osm", Some("OPEN_SERVICE_MESH")),
            ("3", Some("ISTIO")),
            ("open-service mesh", Some("OPEN_SERVICE_MESH")),
            ("my mesh", Some("MY_MESH")),
        ] {
            assert_eq!(named(word).as_deref(), name, "{word}");
        }
    }
}
