//! The logs of components.

use super::status::running;
use super::target::Target;
use crate::base::{Code, Error, Result, text};
use crate::cluster::Cluster;
use crate::cluster::logs::Source;
use crate::plane::adapter;
use crate::plane::kubernetes::marks;
use crate::plane::spec::SERVER;
use crate::platform::{LogLine, Logs, Plane, TakeLine};

/// See [`crate::platform::logs`].
pub(super) async fn logs(plane: &Plane, which: &Logs, take: &mut TakeLine<'_>) -> Result<()> {
    let target = Target::find(plane, None).await?;
    let sources: Vec<Source> = components(plane, &target, &which.components)
        .await?
        .into_iter()
        .map(|name| Source {
            namespace: target.namespace.clone(),
            selector: marks::pods(&target.instance, &name),
            name,
        })
        .collect();
    if which.follow {
        let cluster = Cluster::connect_for_streams(&target.kubeconfig, &target.cluster.context).await?;
        let mut lines = cluster.follow_logs(&sources, which.tail).await?;
        while let Some((component, text)) = lines.recv().await {
            take(LogLine { component, text })?;
        }
        return Ok(());
    }
    for source in &sources {
        for text in target.cluster.logs(source, which.tail).await? {
            take(LogLine { component: source.name.clone(), text })?;
        }
    }
    Ok(())
}

/// Components that are meant: those that are named, else all that are there.
///
/// # Errors
/// [`Code::PlaneNotStarted`] when none is there; [`Code::ComponentNotFound`] for a name that is none.
pub(super) async fn components(plane: &Plane, target: &Target, wanted: &[String]) -> Result<Vec<String>> {
    let known = running(target).await?;
    if known.is_empty() {
        return Err(absent(plane, target));
    }
    if wanted.is_empty() {
        return Ok(known);
    }
    wanted.iter().map(|name| component(name, &known)).collect()
}

/// There is no plane where it is looked for.
pub(super) fn absent(plane: &Plane, target: &Target) -> Error {
    Error::new(
        Code::PlaneNotStarted,
        format!(
            "the plane of context `{}` is not in namespace {} of cluster `{}`",
            plane.context.name, target.namespace, target.cluster.context
        ),
    )
}

/// A component by its name, by its mesh, or as `server`.
fn component(name: &str, known: &[String]) -> Result<String> {
    let adapter = adapter::find(name).map(|adapter| adapter.name.to_owned()).ok();
    let plain = if name == "server" { SERVER.to_owned() } else { name.to_owned() };
    let found = known.iter().find(|one| **one == plain || Some(*one) == adapter.as_ref());
    found.cloned().ok_or_else(|| {
        let error = Error::new(Code::ComponentNotFound, format!("the plane has no component `{name}`"));
        let near = text::did_you_mean(name, known.iter().map(String::as_str));
        error.details(near).detail(format!("components: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_have_several_names() {
        let known = ["meshery".to_owned(), "meshery-istio".to_owned()];
        for (name, found) in [("meshery", "meshery"), ("server", "meshery"), ("istio", "meshery-istio")] {
            assert_eq!(component(name, &known).unwrap(), found);
        }
        let error = component("meshery-isti", &known).unwrap_err();
        assert_eq!(error.code(), Code::ComponentNotFound);
        assert!(error.report().details[0].contains("meshery-istio"), "{error:?}");
        assert!(component("linkerd", &known).is_err(), "an adapter that is not there");
    }
}
