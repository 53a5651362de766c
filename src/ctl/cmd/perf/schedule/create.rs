//! `perf schedule create`.

use clap::ValueEnum;

use super::super::profile::find_profile;
use crate::base::error::{Code, Error, Result};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::model::performance::profile::Missed;
use crate::schedule::Rule;
use crate::wire::rest::performance::ScheduleBody;

/// Run a profile at its time.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf schedule create shop --cron '0 3 * * *'
  mesheryctl perf schedule create shop --cron '30 9 * * MON-FRI' --time-zone Europe/Berlin --missed once")]
pub struct Args {
    /// Whole name of the profile, its id, or the beginning of it.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    profile: String,
    /// Cron expression: five fields, or six with seconds first.
    #[arg(long, value_name = "EXPRESSION")]
    cron: String,
    /// IANA time zone that the expression is read in.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// What happens to runs that fell into a time when no server was there.
    #[arg(long, value_enum, value_name = "POLICY", default_value = "skip")]
    missed: Policy,
    /// Name of the schedule; without it, that of the profile.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// What happens to runs that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// They are left out, but for one whose time was less than a minute ago.
    Skip,
    /// One run makes up for all of them.
    Once,
}

pub(super) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    Rule::parse(&args.cron, &args.time_zone)?;
    let profile = find_profile(ctx, &args.profile).await?;
    let client = ctx.client().await?;
    let name = args.name.as_deref().unwrap_or(&profile.name);
    if client.schedules().await?.iter().any(|other| other.name == name) {
        return Err(Error::new(Code::PerfScheduleExists, format!("there is a schedule `{name}` already")));
    }
    let body = ScheduleBody {
        name: args.name,
        profile_id: Some(profile.id),
        cron_expression: Some(args.cron),
        time_zone: Some(args.time_zone),
        missed: Some(if args.missed == Policy::Once { Missed::Once } else { Missed::Skip }),
        ..ScheduleBody::default()
    };
    let schedule = client.save_schedule(&body).await?;
    let next = schedule.next_run.map(|next| format!("; next run at {next}")).unwrap_or_default();
    let text = format!("schedule {} of profile {} created{next}", schedule.name, profile.name);
    if client.is_in_process() {
        ctx.ui.warn(
            "no server is running, so that nothing will run by itself; start one with `mesheryctl system start`",
        )?;
    }
    ctx.ui.print(&Rendered::one(&schedule, text)?.names([schedule.id.to_string()]))
}
