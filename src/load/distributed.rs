//! One measurement by several workers: the plan shared out, a start at one moment, counts merged without loss.
//!
//! | module | what it does |
//! | --- | --- |
//! | `local`, `pods` | workers that the measurement starts and takes away again |
//! | `split` | a plan becomes shares |
//! | `offset` | clocks of workers against ours |
//! | `controller`, `follow` | from the first word to the last result |
//! | [`wire`] | intervals on the way |
//! | `merge` | parts become one result |

mod controller;
mod follow;
mod local;
mod merge;
mod offset;
mod pods;
mod split;
pub mod wire;

use std::path::PathBuf;

use controller::{Seat, conduct};

use crate::base::Result;
use crate::client::worker;
use crate::model::adapter::Location;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::PerfResult;
use crate::model::performance::workers::Workers;
use crate::perf::control::Control;
use crate::perf::plan::check_shares;

/// What the machine of the controller gives.
#[derive(Debug, Clone)]
pub struct Site {
    /// Folder of config.yaml, which holds the workers' token.
    pub home: PathBuf,
    /// Kubeconfig files, separated as in PATH, where some are named.
    pub kubeconfig: Option<String>,
}

/// Carries a plan out with several workers. Workers that are lost on the way are part of the result, which is then made
/// of what arrived; it ends with [`crate::model::performance::result::Ending::WorkersLost`] when none is left.
///
/// # Errors
/// Before anything is sent to the targets: workers that cannot be started or reached, or that refuse; a plan that cannot
/// be shared.
pub async fn run(plan: Plan, workers: &Workers, site: &Site, control: Control) -> Result<PerfResult> {
    // What cannot be shared is found before anything is started.
    check_shares(&plan, workers)?;
    match workers {
        Workers::At { locations } => {
            let token = worker::token(&site.home, None)?;
            let seats = locations.iter().map(|text| seat(text)).collect::<Result<Vec<_>>>()?;
            conduct(plan, &seats, &token, &control).await
        }
        Workers::Local { count } => {
            let crew = local::start(*count).await?;
            let outcome = conduct(plan, &crew.seats, &crew.token, &control).await;
            crew.end().await;
            outcome
        }
        Workers::Kubernetes { replicas, context, namespace, image } => {
            let wanted =
                pods::Wanted { replicas: *replicas, context: context.as_deref(), namespace, image: image.as_deref() };
            let crew = pods::start(wanted, &plan, site, &control).await?;
            let outcome = conduct(plan, &crew.seats, &crew.token, &control).await;
            let warning = crew.end().await;
            outcome.map(|mut result| {
                result.warnings.extend(warning);
                result
            })
        }
    }
}

fn seat(text: &str) -> Result<Seat> {
    Location::parse(text).map(|location| Seat { name: location.to_string(), location })
}
