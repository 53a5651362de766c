//! A measurement in which no request succeeded.

use crate::base::error::{Code, Error};
use crate::base::text;
use crate::model::performance::result::{Cause, PerfResult};

/// The error of a measurement in which no request succeeded, with the causes; none where one did.
pub fn nothing_succeeded(result: &PerfResult) -> Option<Error> {
    if result.requests.succeeded > 0 {
        return None;
    }
    let message = if result.requests.ended() == 0 {
        format!("`{}` sent no request", result.name)
    } else {
        let count = usize::try_from(result.requests.ended()).unwrap_or(usize::MAX);
        format!("none of the {} of `{}` succeeded", text::count(count, "request"), result.name)
    };
    let mut causes: Vec<_> = result.errors.iter().filter(|(_, count)| **count > 0).collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let statuses = result.statuses.iter().map(|(status, count)| format!("status {status}: {count}"));
    let lines = causes.iter().map(|(cause, count)| format!("{}: {count}", cause.name())).chain(statuses);
    let error = Error::new(Code::PerfFailed, message).details(lines.collect::<Vec<_>>());
    Some(match causes.first() {
        Some((cause, count)) => {
            let error = error.because(format!("{} ({count})", cause.name()));
            match remedy(**cause) {
                Some(remedy) => error.remedy(remedy),
                None => error,
            }
        }
        None => error,
    })
}

/// What helps against a cause, where that is something else than a target that is there.
fn remedy(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Certificate => {
            "Name who signed the certificate with --ca, or its name with --sni; --insecure takes every certificate."
        }
        Cause::Tls => "Look whether the target speaks TLS there, and wants a certificate of ours: --cert and --key.",
        Cause::Protocol => {
            "Look whether the target speaks this protocol there; --protocol and the URL's scheme choose it."
        }
        Cause::Redirect => "Name the URL that it leads to, or follow it with --redirects.",
        Cause::Status => "The target answers, but not well: look at its logs, and at --method, --header and the URL.",
        Cause::Resolve => "Look whether the host's name is right and known here.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::base::clock;
    use crate::model::performance::plan::Plan;
    use crate::model::performance::result::Cause;
    use crate::perf::partial;

    #[test]
    fn a_run_without_a_success_fails_with_its_causes_the_most_frequent_first() {
        let plan = Plan { name: "shop".into(), ..Plan::default() };
        let mut result = partial::assemble(Uuid::nil(), &plan, clock::now(), Vec::new());
        assert!(nothing_succeeded(&result).unwrap().message().contains("sent no request"));
        (result.requests.sent, result.requests.failed) = (5, 5);
        result.errors = [(Cause::Timeout, 1), (Cause::Refused, 4)].into();
        let error = nothing_succeeded(&result).unwrap();
        assert_eq!(error.report().details, ["refused: 4", "timeout: 1"]);
        assert!(error.to_string().contains("5 requests"), "{error}");
        result.requests.succeeded = 1;
        assert!(nothing_succeeded(&result).is_none());
    }
}
