//! What a generator cannot do is refused by name, before anything is started.

use url::Url;

use crate::base::{Code, Error, Result};
use crate::model::performance::plan::{Plan, Target};

/// The error for what `plan`'s generator cannot do. `what` is a clause whose subject is the generator.
pub(super) fn cannot(plan: &Plan, what: &str) -> Error {
    let name = plan.generator.name();
    Error::new(Code::GeneratorOption, format!("{name} {what}"))
        .remedy(format!("Change the plan, or use --load-generator native instead of {name}."))
}

/// Fails with `what` when the condition holds.
pub(super) fn when(plan: &Plan, condition: bool, what: &str) -> Result<()> {
    if condition { Err(cannot(plan, what)) } else { Ok(()) }
}

/// The one target, and its URL.
pub(super) fn one_target(plan: &Plan) -> Result<(&Target, Url)> {
    let [target] = plan.targets.as_slice() else {
        return Err(cannot(plan, &format!("sends to one URL, and the plan names {}", plan.targets.len())));
    };
    let url = Url::parse(&target.url).map_err(|error| {
        Error::new(Code::AddressInvalid, format!("`{}` is no URL", shown(&target.url))).because(error)
    })?;
    Ok((target, url))
}

/// A URL without what authorises in it.
fn shown(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}…{}", &text[..scheme + 3], &text[at..]),
        _ => text.to_owned(),
    }
}

/// Whole seconds, which is all that some programs take.
pub(super) fn whole_seconds(plan: &Plan, what: &str, length: std::time::Duration) -> Result<u64> {
    when(plan, length.subsec_nanos() != 0 || length.is_zero(), &format!("takes whole seconds as {what}"))?;
    Ok(length.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::redact;

    #[test]
    fn what_authorises_is_recognised() {
        let secret = redact::authorises;
        assert!(["Authorization", "COOKIE", "X-Api-Key", "x-auth-token"].into_iter().all(secret));
        assert!(!["Accept", "Host", "X-Request-Id"].into_iter().any(secret));
        assert_eq!(shown("http://u:p@h/x"), "http://…@h/x");
    }
}
