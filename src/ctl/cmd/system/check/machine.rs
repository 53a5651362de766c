//! This machine: folders, files, disk, clock.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Check;
use crate::base::{Code, Error, Result, dirs, text};
use crate::client::credentials;
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::config::Config;

/// Free space below which a start is not safe: the database must be able to grow.
const DISK_LEAST: u64 = 100 << 20;
/// Free space below which images may not fit.
const DISK_ODD: u64 = 2 << 30;
/// How far files may lie in the future before the clock is doubted.
const CLOCK_SLACK: Duration = Duration::from_mins(5);

/// Checks of this machine.
pub(super) fn all(ctx: &Ctl) -> Vec<Check> {
    let mut checks = vec![Check::of("home", home(ctx)), Check::of("config", config(ctx)), token(ctx)];
    checks.extend(disk(ctx));
    checks.push(Check::of("clock", clock(ctx)));
    checks.extend(stale(ctx));
    checks
}

/// Files can be created in the home.
fn home(ctx: &Ctl) -> Result<String> {
    let home = ctx.settings.home()?;
    let trial = home.join(".check");
    dirs::write_atomic(&trial, b"", 0o600)?;
    // What is left of it is an empty file that the next check replaces.
    let _ = std::fs::remove_file(&trial);
    Ok(format!("{} can be written", home.display()))
}

fn config(ctx: &Ctl) -> Result<String> {
    let path = ctx.settings.config_path()?;
    let config = Config::load(&path)?;
    if !path.exists() {
        return Ok(format!("{} does not exist; defaults hold", path.display()));
    }
    if let Some(current) = &config.current {
        config.find(current)?;
    }
    Ok(format!("{} has {}", path.display(), text::count(config.contexts.len(), "context")))
}

/// The token file can be read by its owner, and by nobody else.
fn token(ctx: &Ctl) -> Check {
    let path = ctx.settings.context().ok().and_then(|context| ctx.settings.token_file(&context));
    let Some(path) = path else { return Check::pass("token", "no token file is known") };
    match credentials::read(&path) {
        Err(error) => Check::fail("token", &error),
        Ok(None) => Check::pass("token", format!("{} is made by the first start", path.display())),
        Ok(Some(_)) if is_open(&path) => Check::fail(
            "token",
            &Error::new(Code::TokenFile, format!("{} can be read by others", path.display()))
                .because("its mode is not 0600, as old versions wrote it")
                .remedy(format!("chmod 600 {}, or `mesheryctl system check --fix`.", path.display())),
        ),
        Ok(Some(found)) => {
            Check::pass("token", format!("{} is private, of provider {}", path.display(), found.provider))
        }
    }
}

/// Whether others than the owner may read a file.
pub(super) fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Space on the disk of the home; `None` where the system does not say.
fn disk(ctx: &Ctl) -> Option<Check> {
    let home = ctx.settings.home().ok()?;
    let there = home.ancestors().find(|folder| folder.exists())?;
    let free = free_space(there)?;
    let found = format!("{} free at {}", text::bytes(free), home.display());
    Some(if free < DISK_LEAST {
        let error = Error::new(Code::DiskFull, found).because(format!("{} are needed", text::bytes(DISK_LEAST)));
        Check::fail("disk", &error)
    } else if free < DISK_ODD {
        Check::warn("disk", found, "Make room: images of the plane may not fit.")
    } else {
        Check::pass("disk", found)
    })
}

#[cfg(unix)]
fn free_space(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail * found.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_path: &Path) -> Option<u64> {
    None
}

/// The clock is not before what it has already seen: this program and the database.
fn clock(ctx: &Ctl) -> Result<String> {
    let now = SystemTime::now();
    let program = std::env::current_exe().ok();
    let database = ctx.settings.home().ok().map(|home| dirs::database(&home));
    for path in program.into_iter().chain(database) {
        let Ok(changed) = std::fs::metadata(&path).and_then(|file| file.modified()) else { continue };
        let ahead = changed.duration_since(now).unwrap_or_default();
        if ahead > CLOCK_SLACK {
            return Err(Error::new(Code::ClockWrong, "the clock of this machine is behind").because(format!(
                "{} was changed {} s in the future",
                path.display(),
                ahead.as_secs()
            )));
        }
    }
    Ok(format!("it is {}", crate::base::clock::now().strftime("%Y-%m-%d %H:%M:%S UTC")))
}

/// Records of processes that are gone.
fn stale(ctx: &Ctl) -> Vec<Check> {
    let Ok(home) = ctx.settings.home() else { return Vec::new() };
    let records = [Role::Server, Role::Sample].into_iter();
    records
        .filter(|role| process::is_stale(*role, &home).unwrap_or(false))
        .map(|role| {
            Check::warn(
                format!("record/{}", role.name()),
                format!("a {} that is gone left its record behind", role.title()),
                "The next start removes it, and so does `mesheryctl system check --fix`.",
            )
        })
        .collect()
}
