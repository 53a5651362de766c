//! What callers of other machines may ask for. Files are opened on this machine, and the secret of workers goes to
//! wherever they are said to be: both are named by the plane's owner, never by who comes from elsewhere.

use super::certificates;
use crate::base::{Code, Error, Result, env};
use crate::model::adapter::Location;
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::workers::Workers;
use crate::server::Caller;

/// Whether the caller may have this plan carried out or kept. What the stored plan of the same profile names was named
/// by somebody who may, and is no question of the caller's any more.
///
/// Called before anything in the plan is looked at, so that no error tells what is on this machine.
///
/// # Errors
/// [`Code::RequestInvalid`] for the first file or service that is named from elsewhere.
pub(super) fn plan(caller: Caller, plan: &Plan, stored: Option<&Plan>) -> Result<()> {
    if caller == Caller::Here {
        return Ok(());
    }
    let default = Plan::default();
    let stored = stored.unwrap_or(&default);
    let (asked, known) = (&plan.tls, &stored.tls);
    for (path, known) in [(&asked.ca, &known.ca), (&asked.cert, &known.cert), (&asked.key, &known.key)] {
        if let Some(path) = path.as_deref().filter(|path| !certificates::is_content(path))
            && known.as_deref() != Some(path)
        {
            return Err(refused(format!("file `{path}` cannot be chosen from another machine")).remedy(
                "Send the certificates of the authority themselves, as PEM text, or have the plane's owner keep a profile that names the file.",
            ));
        }
    }
    // The options of the others are harmless ones; Nighthawk's say which service is to be spoken to.
    let names_service = plan.generator == Generator::Nighthawk && plan.generator_options.is_some();
    if names_service && (plan.generator, &plan.generator_options) != (stored.generator, &stored.generator_options) {
        return Err(refused("options of nighthawk cannot be given from another machine".to_owned())
            .remedy("Leave them out, or have the plane's owner keep a profile that has them."));
    }
    Ok(())
}

/// Whether the caller may have these workers measure.
///
/// # Errors
/// [`Code::RequestInvalid`] for the first address that is named from elsewhere, and not in `MESHERY_WORKERS`.
pub(super) fn workers(caller: Caller, workers: Option<&Workers>) -> Result<()> {
    let (Caller::Elsewhere, Some(Workers::At { locations })) = (caller, workers) else { return Ok(()) };
    let allowed = env::get(env::MESHERY_WORKERS).unwrap_or_default();
    let allowed: Vec<Location> = Location::list(&allowed).into_iter().filter_map(Result::ok).collect();
    let stranger = locations.iter().find(|text| Location::parse(text).is_ok_and(|one| !allowed.contains(&one)));
    let Some(stranger) = stranger else { return Ok(()) };
    Err(refused(format!("the worker at `{stranger}` cannot be chosen from another machine"))
        .because("the plane sends its secret of workers there")
        .remedy(
            "Use a number of workers or `kubernetes`, or have the plane's owner list the address in MESHERY_WORKERS.",
        ))
}

fn refused(message: String) -> Error {
    Error::new(Code::RequestInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Tls;

    fn with_ca(ca: &str) -> Plan {
        Plan { tls: Tls { ca: Some(ca.to_owned()), ..Tls::default() }, ..Plan::default() }
    }

    #[test]
    fn files_are_named_here_or_by_what_is_stored() {
        let asked = with_ca("/etc/shadow");
        plan(Caller::Here, &asked, None).unwrap();
        plan(Caller::Elsewhere, &asked, Some(&with_ca("/etc/shadow"))).unwrap();
        for stored in [None, Some(&with_ca("/etc/passwd"))] {
            let error = plan(Caller::Elsewhere, &asked, stored).unwrap_err();
            assert!(error.message().contains("`/etc/shadow`"), "{error}");
        }
        plan(Caller::Elsewhere, &with_ca("-----BEGIN CERTIFICATE-----\n"), None).unwrap();
        // A key where a certificate was stored is another choice.
        let key = Plan { tls: Tls { key: Some("/k".into()), ..Tls::default() }, ..Plan::default() };
        assert!(plan(Caller::Elsewhere, &key, Some(&with_ca("/k"))).is_err());
    }

    #[test]
    fn only_options_that_name_a_service_are_refused() {
        let with = |generator, options: &str| Plan {
            generator,
            generator_options: Some(options.to_owned()),
            ..Plan::default()
        };
        let service = with(Generator::Nighthawk, "address=10.0.0.1:1");
        assert!(plan(Caller::Elsewhere, &service, None).is_err());
        assert!(plan(Caller::Elsewhere, &service, Some(&with(Generator::Fortio, "address=10.0.0.1:1"))).is_err());
        plan(Caller::Elsewhere, &service, Some(&service)).unwrap();
        plan(Caller::Elsewhere, &with(Generator::Fortio, "-uniform"), None).unwrap();
    }

    #[test]
    fn addresses_of_workers_are_named_here() {
        let at = Workers::At { locations: vec!["10.0.0.1:10100".to_owned()] };
        workers(Caller::Here, Some(&at)).unwrap();
        assert!(workers(Caller::Elsewhere, Some(&at)).unwrap_err().message().contains("10.0.0.1:10100"));
        workers(Caller::Elsewhere, Some(&Workers::Local { count: 2 })).unwrap();
        workers(Caller::Elsewhere, None).unwrap();
    }
}
