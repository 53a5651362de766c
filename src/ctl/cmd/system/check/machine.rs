//! This machine: folders, files, disk, clock.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Check;
use crate::base::{Code, Error, Result, dirs, text};
use crate::client::credentials;
use crate::client::process::{self, Role};
use crate::ctl::Ctl;
use crate::ctl::config::Config;
use crate::plane::container::USER;

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

/// Whether others than the owner may read a file; the user of the plane's own image is no other where an access list
/// names that user, as a Compose file of the plane needs it.
pub(super) fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let by_mode = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        // With an access list, the mode's group bits are the most that the list can give.
        by_mode && access_list(path).is_none_or(|list| is_open_list(&list))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// The access list of a file, as the kernel keeps it; `None` where there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn access_list(path: &Path) -> Option<Vec<u8>> {
    let mut list = vec![0; 1 << 12];
    let length = rustix::fs::getxattr(path, "system.posix_acl_access", list.as_mut_slice()).ok()?;
    list.truncate(length);
    Some(list)
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn access_list(_path: &Path) -> Option<Vec<u8>> {
    None
}

/// Whether a POSIX access list lets others in than the owner and the user of the plane's own image. Entries of eight
/// bytes follow a version of four: tag, permissions, user or group.
#[cfg(unix)]
fn is_open_list(list: &[u8]) -> bool {
    const OWNER: u16 = 0x01;
    const NAMED_USER: u16 = 0x02;
    const MASK: u16 = 0x10;
    list.get(4..).unwrap_or_default().chunks_exact(8).any(|entry| {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let permissions = u16::from_le_bytes([entry[2], entry[3]]);
        let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        let is_plane = tag == NAMED_USER && u64::from(id) == USER;
        permissions != 0 && tag != OWNER && tag != MASK && !is_plane
    })
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A list as the kernel keeps it.
    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = 2u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permissions.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn an_access_list_for_the_planes_own_user_opens_a_file_to_nobody_else() {
        let nobody = u32::MAX;
        let plane = [(1, 6, nobody), (2, 4, 65532), (4, 0, nobody), (0x10, 4, nobody), (0x20, 0, nobody)];
        assert!(!is_open_list(&list(&plane)));
        for other in [(2, 4, 1000), (4, 4, nobody), (8, 4, 1000), (0x20, 4, nobody)] {
            assert!(is_open_list(&list(&[plane.as_slice(), &[other]].concat())), "{other:?}");
        }
    }
}
