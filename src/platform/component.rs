//! Names of components, as users write them.

use crate::base::text;
use crate::base::{Code, Error, Result};
use crate::plane::adapter;
use crate::plane::spec::SERVER;

/// The components that are meant: those that are named, else all that are known.
///
/// # Errors
/// [`Code::ComponentNotFound`] for a name that is none, with those that are.
pub(super) fn choose(wanted: &[String], known: &[String]) -> Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(known.to_vec());
    }
    wanted.iter().map(|name| find(name, known)).collect()
}

/// A component by its name, by its mesh, or as `server`.
fn find(name: &str, known: &[String]) -> Result<String> {
    let adapter = adapter::find(name).map(|adapter| adapter.name.to_owned()).ok();
    let plain = if name == "server" { SERVER } else { name };
    let found = known.iter().find(|one| *one == plain || Some(*one) == adapter.as_ref());
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
            assert_eq!(find(name, &known).unwrap(), found);
        }
        assert_eq!(choose(&[], &known).unwrap(), known);
        let error = find("meshery-isti", &known).unwrap_err();
        assert_eq!(error.code(), Code::ComponentNotFound);
        assert!(error.report().details[0].contains("meshery-istio"), "{error:?}");
        assert!(find("linkerd", &known).is_err(), "an adapter that is not there");
    }
}
