//! Performance: profiles, runs, results, schedules, and what clients of earlier eras ask beside them.

mod defaults;
mod profiles;
mod query;
mod results;
mod run;
mod schedules;
mod stream;

use super::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [profiles::routes(), run::routes(), results::routes(), schedules::routes(), defaults::routes()]
        .into_iter()
        .flatten()
        .collect()
}
