//! `perf selftest --serve`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Shown;
use crate::base::{Code, Error, Result, text};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::model::adapter::Location;
use crate::perf::selftest::{self, Account, Law};

/// Where the server listens, and what it does.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// What generators call.
    pub url: String,
    /// What tells how long answers really took.
    pub account_url: String,
    /// Its law.
    pub law: Law,
    /// What that means.
    pub what: String,
    /// Seed of its random delays.
    pub seed: u64,
    /// Its process.
    pub pid: u32,
}

pub(super) async fn run(ctx: &Ctl, address: &str, laws: &[Law], seed: u64) -> Result<()> {
    let _guard = ctx.cancel.guard();
    let law = one(laws)?;
    let (host, port) = Location::parse_to_listen(address)?;
    let serving = selftest::serve(&host, port, law, seed)?;
    let url = format!("http://{}/", serving.address());
    let view = Shown::Serving(View {
        url: url.clone(),
        account_url: format!("{url}.law"),
        law,
        what: law.what(),
        seed,
        pid: std::process::id(),
    });
    let shown = ctx.ui.print(&Rendered::one(&view, format!("{url}\n"))?.names([url.as_str()]));
    if shown.is_ok() {
        ctx.ui.note(&format!("Serves {}: {}. Ctrl-C ends it.", law.name(), law.what()))?;
        ctx.cancel.token().cancelled().await;
    }
    let account = serving.stop()?;
    shown?;
    ctx.ui.note(&told(&account))
}

fn one(laws: &[Law]) -> Result<Law> {
    if let [law] = laws {
        return Ok(*law);
    }
    let names: Vec<_> = laws.iter().map(|law| law.name()).collect();
    Err(Error::new(Code::UsageError, format!("--serve wants one --law, not {}", names.join(", ")))
        .because("a server follows one law")
        .remedy("Start a server for each law, each at an address of its own."))
}

/// What the server knows in the end, in a line.
fn told(account: &Account) -> String {
    let requests = text::count(usize::try_from(account.count).unwrap_or(usize::MAX), "request");
    let answered = format!("{requests} answered in {:.1} s", account.seconds);
    if account.count == 0 {
        return format!("{answered}.");
    }
    let Account { latency_us: latency, .. } = account;
    format!(
        "{answered}: p50 {:.1}us, p99 {:.1}us, p99.9 {:.1}us, longest {:.1}us.",
        latency.p50, latency.p99, latency.p999, latency.max
    )
}
