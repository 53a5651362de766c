//! What a generator cannot do is refused by name, before anything is started.

use std::time::Duration;

use url::Url;

use crate::base::{Code, Error, Result};
use crate::model::performance::plan::{Plan, Target};
use crate::perf::redact;

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
        Error::new(Code::AddressInvalid, format!("`{}` is no URL", redact::url(&target.url))).because(error)
    })?;
    Ok((target, url))
}

/// Whole seconds, which is all that some programs take.
pub(super) fn whole_seconds(plan: &Plan, what: &str, length: Duration) -> Result<u64> {
    when(plan, length.subsec_nanos() != 0 || length.is_zero(), &format!("takes whole seconds as {what}"))?;
    Ok(length.as_secs())
}
