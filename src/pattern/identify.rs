//! Stage identify: a service's type becomes a kind that the cluster serves or that a CRD of the same pattern defines.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::kubernetes::{GroupVersionKind, KindInfo};
use crate::model::pattern::{Pattern, Service};
use crate::pattern::builtin;
use crate::pattern::mesh::{self, Mesh};

/// The kinds a pattern may use, looked up by name whatever its case.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    by_name: HashMap<String, Vec<KindInfo>>,
    /// Whether they come from a cluster, so that what is missing is missing for sure.
    pub complete: bool,
    /// Whether an unknown kind is taken as its service writes it, when that names an `apiVersion`.
    guesses: bool,
}

impl Kinds {
    /// The kinds a cluster serves, from its discovery.
    pub fn of_cluster(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        let mut this = Kinds { complete: true, ..Kinds::default() };
        kinds.into_iter().for_each(|kind| this.add(kind));
        this
    }

    /// Kubernetes' own kinds, for work without a cluster; others are left open.
    pub fn offline() -> Self {
        Kinds { complete: false, ..Self::of_cluster(builtin::kinds()) }
    }

    /// Takes an unknown kind as its service writes it, when that names an `apiVersion`. Whether such an object lives in a
    /// namespace is as its service says. Enough to show the object, not to send it.
    pub fn guessing(mut self) -> Self {
        self.guesses = true;
        self
    }

    /// Whether a kind of that name is known.
    pub fn has(&self, kind: &str) -> bool {
        self.by_name.contains_key(&kind.to_lowercase())
    }

    /// Adds what the pattern's own CRDs define and the cluster does not serve yet.
    pub fn with_definitions_of(mut self, pattern: &Pattern) -> Self {
        for service in &pattern.services {
            for kind in definitions(service) {
                self.add(kind);
            }
        }
        self
    }

    fn add(&mut self, kind: KindInfo) {
        let known = self.by_name.entry(kind.gvk.kind.to_lowercase()).or_default();
        if !known.iter().any(|other| other.gvk == kind.gvk) {
            known.push(kind);
        }
    }

    fn named(&self, kind: &str) -> Vec<&KindInfo> {
        let all: Vec<&KindInfo> = self.by_name.get(&kind.to_lowercase()).into_iter().flatten().collect();
        let exact: Vec<&KindInfo> = all.iter().copied().filter(|info| info.gvk.kind == kind).collect();
        if exact.is_empty() { all } else { exact }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.values().flatten().map(|info| info.gvk.kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The kinds that a service of type CustomResourceDefinition brings; none for other services.
pub fn definitions(service: &Service) -> Vec<KindInfo> {
    let (name, _) = split_suffix(&service.kind);
    if !name.eq_ignore_ascii_case("CustomResourceDefinition") {
        return Vec::new();
    }
    let body = &service.settings;
    let spec = body.get("spec").and_then(Value::as_object).unwrap_or(body);
    definition(spec).unwrap_or_default()
}

fn definition(spec: &Map<String, Value>) -> Option<Vec<KindInfo>> {
    let group = spec.get("group")?.as_str()?;
    let names = spec.get("names")?;
    let (kind, plural) = (names.get("kind")?.as_str()?, names.get("plural")?.as_str()?);
    let namespaced = spec.get("scope").and_then(Value::as_str) != Some("Cluster");
    let versions = spec.get("versions")?.as_array()?;
    let served = versions.iter().filter(|version| version.get("served") != Some(&Value::Bool(false)));
    Some(
        served
            .filter_map(|version| {
                Some((version.get("name")?.as_str()?, version.get("storage") == Some(&Value::Bool(true))))
            })
            .map(|(version, preferred)| KindInfo {
                gvk: GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() },
                plural: plural.to_owned(),
                namespaced,
                preferred,
            })
            .collect(),
    )
}

/// Who a type says it belongs to.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Anyone,
    Kubernetes,
    Mesh(&'static Mesh),
}

/// `VirtualService.Istio` → (`VirtualService`, Istio). A suffix that names nobody stays part of the name.
fn split_suffix(kind: &str) -> (&str, Owner) {
    let Some((name, suffix)) = kind.split_once('.') else { return (kind, Owner::Anyone) };
    if mesh::KUBERNETES.contains(&suffix.to_lowercase().as_str()) {
        return (name, Owner::Kubernetes);
    }
    mesh::find(suffix).map_or((kind, Owner::Anyone), |mesh| (name, Owner::Mesh(mesh)))
}

/// `EnvoyFilterIstio` → (`EnvoyFilter`, Istio), the spelling of the first Istio types.
fn split_joined(kind: &str) -> Option<(&str, Owner)> {
    mesh::MESHES.iter().find_map(|mesh| {
        let (head, tail) = kind.split_at_checked(kind.len().checked_sub(mesh.spellings[0].len())?)?;
        (!head.is_empty() && tail.eq_ignore_ascii_case(mesh.spellings[0])).then_some((head, Owner::Mesh(mesh)))
    })
}

/// Finds the kind of a service. `Ok(None)` means that it cannot be known without a cluster.
///
/// # Errors
/// [`Code::PatternTypeUnknown`] with near names, [`Code::PatternTypeAmbiguous`] with the candidates.
pub fn identify(service: &Service, kinds: &Kinds) -> Result<Option<KindInfo>> {
    let (name, owner) = split_suffix(&service.kind);
    let owner = match (owner, service.model.as_deref()) {
        (Owner::Anyone, Some(model)) => model_owner(model),
        (owner, _) => owner,
    };
    let mut candidates = filter(kinds.named(name), owner, service);
    if candidates.is_empty()
        && let Some((name, owner)) = split_joined(&service.kind)
    {
        candidates = filter(kinds.named(name), owner, service);
    }
    match groups(&candidates).len() {
        0 if kinds.complete => Err(unknown(service, name, kinds)),
        0 if mesh::installer(&service.kind).is_some() => Err(unknown(service, name, kinds)),
        0 => Ok(kinds.guesses.then(|| guess(service, name)).flatten()),
        1 => Ok(candidates.iter().find(|info| info.preferred).or(candidates.first()).map(|info| (*info).clone())),
        _ => choose(service, &candidates).map(Some),
    }
}

fn guess(service: &Service, name: &str) -> Option<KindInfo> {
    let api_version =
        service.api_version.as_deref().or_else(|| service.settings.get("apiVersion").and_then(Value::as_str))?;
    let metadata = service.settings.get("metadata");
    let inner = [metadata.and_then(|metadata| metadata.get("namespace")), service.settings.get("namespace")];
    Some(KindInfo {
        gvk: GroupVersionKind::parse(api_version.trim_start_matches('/'), name),
        plural: String::new(),
        namespaced: service.namespace.is_some() || inner.iter().flatten().any(|namespace| namespace.is_string()),
        preferred: true,
    })
}

fn model_owner(model: &str) -> Owner {
    if mesh::KUBERNETES.contains(&model.to_lowercase().as_str()) {
        return Owner::Kubernetes;
    }
    mesh::find(model).map_or(Owner::Anyone, Owner::Mesh)
}

fn filter<'k>(candidates: Vec<&'k KindInfo>, owner: Owner, service: &Service) -> Vec<&'k KindInfo> {
    let api_version =
        service.api_version.as_deref().or_else(|| service.settings.get("apiVersion").and_then(Value::as_str));
    candidates
        .into_iter()
        .filter(|info| match owner {
            Owner::Anyone | Owner::Kubernetes => true,
            Owner::Mesh(mesh) => mesh.owns(&info.gvk.group),
        })
        .filter(|info| api_version.is_none_or(|wanted| info.gvk.api_version() == wanted.trim_start_matches('/')))
        .collect()
}

fn groups<'k>(candidates: &[&'k KindInfo]) -> Vec<&'k str> {
    let mut groups: Vec<&str> = candidates.iter().map(|info| info.gvk.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Among several groups Kubernetes' own kind wins over CRDs, and core over the other groups of Kubernetes.
fn choose(service: &Service, candidates: &[&KindInfo]) -> Result<KindInfo> {
    let own: Vec<&KindInfo> =
        candidates.iter().copied().filter(|info| builtin::is_builtin_group(&info.gvk.group)).collect();
    let core: Vec<&KindInfo> = own.iter().copied().filter(|info| info.gvk.group.is_empty()).collect();
    for narrowed in [core, own] {
        if groups(&narrowed).len() == 1 {
            return Ok(narrowed.iter().find(|info| info.preferred).unwrap_or(&narrowed[0]).to_owned().clone());
        }
    }
    let names = candidates.iter().map(|info| format!("{} (apiVersion: {})", info.gvk.kind, info.gvk.api_version()));
    Err(Error::new(
        Code::PatternTypeAmbiguous,
        format!("service `{}`: type {} fits {} kinds", service.key, service.kind, candidates.len()),
    )
    .details(names))
}

fn unknown(service: &Service, name: &str, kinds: &Kinds) -> Error {
    let kind = &service.kind;
    let error = Error::new(
        Code::PatternTypeUnknown,
        format!("service `{}`: the cluster has no kind for type {kind}", service.key),
    );
    if let Some(mesh) = mesh::installer(kind) {
        return error
            .because(format!("{kind} installs {mesh} through its adapter, which this version does not have"))
            .remedy(format!(
                "Install {mesh} with its own tool, take this service out of the pattern, and apply the rest."
            ));
    }
    if let Some(wanted) = &service.api_version {
        let served: Vec<String> = kinds.named(name).iter().map(|info| info.gvk.api_version()).collect();
        if !served.is_empty() {
            return error.because(format!("it is served as {}, not as {wanted}", served.join(", ")));
        }
    }
    error.details(text::did_you_mean(name, kinds.names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn kind(api_version: &str, kind: &str) -> KindInfo {
        KindInfo {
            gvk: GroupVersionKind::parse(api_version, kind),
            plural: kind.to_lowercase() + "s",
            namespaced: true,
            preferred: true,
        }
    }

    fn kinds() -> Kinds {
        let older = KindInfo { preferred: false, ..kind("networking.istio.io/v1beta1", "VirtualService") };
        Kinds::of_cluster(builtin::kinds().into_iter().chain([
            older,
            kind("networking.istio.io/v1", "VirtualService"),
            kind("networking.istio.io/v1alpha3", "EnvoyFilter"),
            kind("networking.istio.io/v1", "Gateway"),
            kind("gateway.networking.k8s.io/v1", "Gateway"),
            kind("serving.knative.dev/v1", "Service"),
            kind("split.smi-spec.io/v1alpha4", "TrafficSplit"),
        ]))
    }

    fn found(service: &Service) -> String {
        match identify(service, &kinds()) {
            Ok(info) => info.map_or("open".to_owned(), |info| info.gvk.to_string()),
            Err(error) => error.code().name().to_owned(),
        }
    }

    fn of(kind: &str) -> Service {
        Service { key: "s".into(), kind: kind.into(), ..Service::default() }
    }

    #[test]
    fn every_spelling_of_a_type_finds_its_kind() {
        for (written, expected) in [
            ("Deployment", "apps/v1/Deployment"),
            ("Deployment.K8s", "apps/v1/Deployment"),
            ("deployment.k8s", "apps/v1/Deployment"),
            ("VirtualService.Istio", "networking.istio.io/v1/VirtualService"),
            ("VirtualService", "networking.istio.io/v1/VirtualService"),
            ("EnvoyFilterIstio", "networking.istio.io/v1alpha3/EnvoyFilter"),
            ("TrafficSplit.Linkerd", "split.smi-spec.io/v1alpha4/TrafficSplit"),
            ("Service", "v1/Service"),
            ("Gateway.Istio", "networking.istio.io/v1/Gateway"),
            ("Gateway", "pattern-type-ambiguous"),
            ("Deploymnt", "pattern-type-unknown"),
            ("TrafficSplit.Consul", "pattern-type-unknown"),
            ("IstioMesh", "pattern-type-unknown"),
        ] {
            assert_eq!(found(&of(written)), expected, "{written}");
        }
    }

    #[test]
    fn api_version_and_model_choose() {
        let api = |version: &str| Service { api_version: Some(version.into()), ..of("Gateway") };
        assert_eq!(found(&api("gateway.networking.k8s.io/v1")), "gateway.networking.k8s.io/v1/Gateway");
        assert_eq!(found(&api("nope/v1")), "pattern-type-unknown");
        assert_eq!(found(&Service { model: Some("istio-base".into()), ..of("Service") }), "v1/Service");
        assert_eq!(found(&Service { model: Some("istio".into()), ..of("Gateway") }), "networking.istio.io/v1/Gateway");
        let older = Service { api_version: Some("networking.istio.io/v1beta1".into()), ..of("VirtualService.Istio") };
        assert_eq!(found(&older), "networking.istio.io/v1beta1/VirtualService");
    }

    #[test]
    fn a_crd_of_the_same_pattern_defines_its_kind() {
        let document = parse(
            "p.yaml",
            "name: p\nservices:\n  crd:\n    type: CustomResourceDefinition.K8s\n    settings:\n      spec:\n        group: x.io\n        scope: Cluster\n        \
             names: {kind: Thing, plural: things}\n        versions: [{name: v1, served: true, storage: true}]\n  t: {type: Thing}\n",
        )
        .unwrap();
        let kinds = Kinds::of_cluster([]).with_definitions_of(&document.pattern);
        let info = identify(&document.pattern.services[1], &kinds).unwrap().unwrap();
        assert_eq!((info.gvk.to_string().as_str(), info.namespaced), ("x.io/v1/Thing", false));
    }

    #[test]
    fn without_a_cluster_foreign_kinds_stay_open() {
        assert!(identify(&of("VirtualService.Istio"), &Kinds::offline()).unwrap().is_none());
        assert!(identify(&of("IstioMesh"), &Kinds::offline()).is_err());
    }
}
