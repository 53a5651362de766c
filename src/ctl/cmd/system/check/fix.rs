//! What `--fix` mends: only what cannot lose anything.

use super::{Check, Verdict, machine};
use crate::base::{Result, dirs};
use crate::client::process::{self, Role};
use crate::ctl::Ctl;

/// Mends what the checks found where that is safe; whether anything was done.
pub(super) fn all(ctx: &Ctl, checks: &[Check]) -> Result<bool> {
    let mut done = false;
    for check in checks.iter().filter(|check| check.result != Verdict::Pass) {
        done |= match check.id.as_str() {
            "token" => private_token(ctx)?,
            "home" => home(ctx)?,
            "record/server" => process::clean(Role::Server, &ctx.settings.home()?)?.is_some(),
            "record/sample" => process::clean(Role::Sample, &ctx.settings.home()?)?.is_some(),
            _ => false,
        };
    }
    Ok(done)
}

/// Marks what passes now and did not before.
pub(super) fn mark(before: &[Check], after: &mut Vec<Check>) {
    for old in before.iter().filter(|check| check.result != Verdict::Pass) {
        match after.iter_mut().find(|check| check.id == old.id) {
            Some(check) => check.fixed = check.result == Verdict::Pass,
            None => after.push(Check { fixed: true, ..Check::pass(old.id.clone(), "mended") }),
        }
    }
}

fn private_token(ctx: &Ctl) -> Result<bool> {
    let path = ctx.settings.context().ok().and_then(|context| ctx.settings.token_file(&context));
    let Some(path) = path.filter(|path| machine::is_open(path)) else { return Ok(false) };
    let content = std::fs::read(&path).map_err(|error| dirs::read_error(&path, &error))?;
    dirs::write_atomic(&path, &content, 0o600)?;
    Ok(true)
}

fn home(ctx: &Ctl) -> Result<bool> {
    let home = ctx.settings.home()?;
    if home.exists() {
        return Ok(false);
    }
    dirs::create_private(&home)?;
    Ok(true)
}
