//! The program's own file: locked while it is changed, replaced in one step, its predecessor kept beside it.
//!
//! Whenever a change is broken off, a whole program stands at the path: the old one or the new one. What was left over is
//! put right by the next command that begins a change.

mod lock;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lock::FolderLock;

use super::PROGRAM;
use crate::base::process::in_path;
use crate::base::{Code, Error, Result, dirs};

/// This program's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    path: PathBuf,
}

/// The sole right to change the program's file, with a folder beside it to prepare in. Dropping it removes the folder.
#[derive(Debug)]
pub struct Change {
    installed: Installed,
    stage: PathBuf,
    _lock: FolderLock,
}

impl Installed {
    /// The file this process was started from, symbolic links resolved.
    pub fn here() -> Result<Self> {
        let unknown =
            |error: io::Error| Error::new(Code::SelfWrite, "the file of this program cannot be found").because(error);
        let path = std::env::current_exe().map_err(unknown)?;
        if !path.exists() {
            return Err(replaced(&path));
        }
        let path = fs::canonicalize(&path).map_err(unknown)?;
        Ok(Self { path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its predecessor is kept: `mesheryctl.previous` beside it.
    pub fn previous(&self) -> PathBuf {
        self.beside(|name| format!("{name}.previous"))
    }

    /// Everything beside it that belongs to it, there or not.
    pub(super) fn companions(&self) -> [PathBuf; 4] {
        [self.previous(), self.aside(), self.stage(), self.lock_file()]
    }

    /// Where the old program stands for the moment in which the new one takes its place.
    fn aside(&self) -> PathBuf {
        self.beside(|name| format!(".{name}.aside"))
    }

    fn stage(&self) -> PathBuf {
        self.beside(|name| format!(".{name}.update"))
    }

    fn lock_file(&self) -> PathBuf {
        self.beside(|name| format!(".{name}.lock"))
    }

    fn beside(&self, name: impl Fn(&str) -> String) -> PathBuf {
        let own = self.path.file_name().map_or_else(|| PROGRAM.into(), |name| name.to_string_lossy());
        self.path.with_file_name(name(&own))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Whether this user may change its folder; the error says why not. Nothing is written.
    pub fn check_writable(&self) -> Result<()> {
        #[cfg(unix)]
        {
            use rustix::fs::{Access, access};
            access(self.folder(), Access::WRITE_OK | Access::EXEC_OK)
                .map_err(|error| write_error(self.folder(), &error.into()))?;
        }
        Ok(())
    }

    /// The other program of this name that PATH finds before this one.
    pub fn shadowed_by(&self) -> Option<PathBuf> {
        let first = in_path(&[PROGRAM])?;
        let same = fs::canonicalize(&first).is_ok_and(|first| first == self.path);
        (!same).then_some(first)
    }
}

impl Change {
    /// Begins a change: takes the lock, puts right what a change that was broken off left, and makes the folder to
    /// prepare in.
    ///
    /// # Errors
    /// [`Code::SelfBusy`] while another process changes it, or when the file was replaced since this process started;
    /// [`Code::SelfWrite`] where this user may not.
    pub fn begin(installed: Installed) -> Result<Self> {
        installed.check_writable()?;
        let lock = FolderLock::take(&installed)?;
        check_same(&installed.path)?;
        recover(&installed)?;
        let stage = installed.stage();
        remove_folder(&stage)?;
        create_folder(&stage)?;
        Ok(Self { installed, stage, _lock: lock })
    }

    /// The folder to prepare in, on the program's file system.
    pub fn stage(&self) -> &Path {
        &self.stage
    }

    /// What is changed.
    pub fn installed(&self) -> &Installed {
        &self.installed
    }

    /// Makes a file fit to be the program: the mode of the old one, and safely on disk.
    pub fn prepare(&self, file: &Path) -> Result<()> {
        let failed = |error: io::Error| write_error(file, &error);
        if !fs::symlink_metadata(file).map_err(failed)?.is_file() {
            return Err(Error::new(Code::ReleaseBroken, format!("{PROGRAM} in the archive is no plain file")));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let own = fs::metadata(&self.installed.path).map_err(failed)?.permissions().mode();
            fs::set_permissions(file, fs::Permissions::from_mode(own & 0o777 | 0o500)).map_err(failed)?;
        }
        File::open(file).and_then(|file| file.sync_all()).map_err(failed)
    }

    /// Puts `incoming` in the program's place and keeps what was there as the predecessor, instead of the one before.
    pub fn swap(&self, incoming: &Path) -> Result<()> {
        for step in STEPS {
            step(self, incoming)?;
        }
        Ok(())
    }

    /// The old program gets a second name, so that it is never missing.
    fn set_aside(&self, _: &Path) -> Result<()> {
        let (path, aside) = (&self.installed.path, self.installed.aside());
        if cfg!(unix) && fs::hard_link(path, &aside).is_err() {
            // File systems without hard links.
            let copy = self.stage.join("old");
            fs::copy(path, &copy)
                .and_then(|_| File::open(&copy)?.sync_all())
                .and_then(|()| fs::rename(&copy, &aside))
                .map_err(|error| write_error(&aside, &error))?;
        }
        Ok(())
    }

    fn put_in_place(&self, incoming: &Path) -> Result<()> {
        let (path, aside) = (&self.installed.path, self.installed.aside());
        let placed = if cfg!(unix) {
            fs::rename(incoming, path).map_err(|error| write_error(path, &error))
        } else {
            // A program that runs can be renamed there, but nothing renamed over it.
            self_update::Move::from_source(incoming)
                .replace_using_temp(&aside)
                .to_dest(path)
                .map_err(|error| Error::new(Code::SelfWrite, cannot_write(path)).because(error))
        };
        if placed.is_err() {
            let _ = fs::remove_file(&aside);
        }
        placed?;
        self.sync()
    }

    fn keep(&self, _: &Path) -> Result<()> {
        keep_aside(&self.installed)?;
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        let folder = self.installed.folder();
        if cfg!(unix) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| write_error(folder, &error))?;
        }
        Ok(())
    }
}

/// One step of a swap.
type Step = fn(&Change, &Path) -> Result<()>;

/// The steps of a swap. After each, a whole program stands at the path.
const STEPS: [Step; 3] = [Change::set_aside, Change::put_in_place, Change::keep];

impl Drop for Change {
    fn drop(&mut self) {
        // What stays is removed by the next change.
        let _ = fs::remove_dir_all(&self.stage);
    }
}

/// Puts right what a swap left that was broken off: either the new program is in place and the old one is still aside, or
/// nothing happened but that the old one got its second name.
fn recover(installed: &Installed) -> Result<()> {
    let aside = installed.aside();
    if fs::symlink_metadata(&aside).is_err() {
        return Ok(());
    }
    let same = is_same(&installed.path, &aside).map_err(|error| dirs::read_error(&aside, &error))?;
    if same {
        return fs::remove_file(&aside).map_err(|error| write_error(&aside, &error));
    }
    keep_aside(installed)
}

fn keep_aside(installed: &Installed) -> Result<()> {
    let previous = installed.previous();
    fs::rename(installed.aside(), &previous).map_err(|error| write_error(&previous, &error))
}

/// Whether two files are one, or hold the same.
fn is_same(left: &Path, right: &Path) -> io::Result<bool> {
    let (left_data, right_data) = (fs::metadata(left)?, fs::metadata(right)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (left_data.dev(), left_data.ino()) == (right_data.dev(), right_data.ino()) {
            return Ok(true);
        }
    }
    if left_data.len() != right_data.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    let (mut one, mut other) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let length = left.read(&mut one)?;
        if length == 0 {
            return Ok(true);
        }
        right.read_exact(&mut other[..length])?;
        if one[..length] != other[..length] {
            return Ok(false);
        }
    }
}

/// The process must still be the program at the path: an older process is no judge of what replaced it.
fn check_same(path: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        let running = identity(Path::new("/proc/self/exe"));
        if running.is_some() && running != identity(path) {
            return Err(replaced(path));
        }
    }
    let _ = path;
    Ok(())
}

fn replaced(path: &Path) -> Error {
    Error::new(Code::SelfBusy, format!("{} was replaced while this command ran", path.display()))
}

/// Makes a folder that nobody else can put anything into. It must not exist.
fn create_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|error| write_error(path, &error))
}

/// Removes a folder that may not be there.
fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path, &error)),
        _ => Ok(()),
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// The error for a file or folder of the program that cannot be written.
pub(super) fn write_error(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::SelfWrite, cannot_write(path)).because(error)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
        installed: Installed,
    }

    impl World {
        /// A folder with the programs `new` incoming, `old` in place and `older` kept.
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let installed = Installed { path: dir.path().join("mesheryctl") };
            fs::write(&installed.path, "old").unwrap();
            fs::write(installed.previous(), "older").unwrap();
            Self { dir, installed }
        }

        fn change(&self) -> Change {
            let lock = FolderLock::take(&self.installed).unwrap();
            recover(&self.installed).unwrap();
            let stage = self.installed.stage();
            remove_folder(&stage).unwrap();
            create_folder(&stage).unwrap();
            fs::write(stage.join("new"), "new").unwrap();
            Change { installed: self.installed.clone(), stage, _lock: lock }
        }

        fn state(&self) -> (String, Option<String>) {
            let read = |path: &Path| fs::read_to_string(path).ok();
            (read(&self.installed.path).unwrap(), read(&self.installed.previous()))
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir.path()).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    fn pair(now: &str, before: &str) -> (String, Option<String>) {
        (now.to_owned(), Some(before.to_owned()))
    }

    #[test]
    fn a_swap_keeps_the_old_program_and_leaves_nothing_else() {
        let world = World::new();
        let change = world.change();
        change.swap(&change.stage().join("new")).unwrap();
        assert_eq!(world.state(), pair("new", "old"));
        drop(change);
        assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
    }

    #[test]
    fn a_swap_with_the_predecessor_goes_back_and_forth() {
        let world = World::new();
        let change = world.change();
        change.swap(&world.installed.previous()).unwrap();
        assert_eq!(world.state(), pair("older", "old"));
        change.swap(&world.installed.previous()).unwrap();
        assert_eq!(world.state(), pair("old", "older"));
    }

    #[test]
    fn broken_off_after_any_step_there_is_a_program_and_the_next_change_completes() {
        for (steps, now, kept) in [(0, "old", "older"), (1, "old", "older"), (2, "new", "old"), (3, "new", "old")] {
            let world = World::new();
            let change = world.change();
            let incoming = change.stage().join("new");
            for step in STEPS.iter().take(steps) {
                step(&change, &incoming).unwrap();
            }
            assert_eq!(world.state().0, now, "after {steps} steps");
            // as after kill -9: the lock is gone, the folder is not
            let stage = change.stage.clone();
            drop(change);
            fs::create_dir(&stage).unwrap();
            drop(world.change());
            assert_eq!(world.state(), pair(now, kept), "after {steps} steps and the next change");
            assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
        }
    }

    #[test]
    fn a_failed_swap_changes_nothing() {
        let world = World::new();
        let change = world.change();
        let error = change.swap(&change.stage().join("none")).unwrap_err();
        assert_eq!(error.code(), Code::SelfWrite);
        drop(change);
        assert_eq!(world.state(), pair("old", "older"));
        assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
    }

    #[test]
    fn one_change_at_a_time() {
        let world = World::new();
        let change = world.change();
        assert_eq!(FolderLock::take(&world.installed).unwrap_err().code(), Code::SelfBusy);
        drop(change);
        assert!(FolderLock::take(&world.installed).is_ok());
    }

    #[test]
    fn what_is_prepared_has_the_mode_of_the_old_program_and_is_a_plain_file() {
        use std::os::unix::fs::PermissionsExt;
        let world = World::new();
        fs::set_permissions(&world.installed.path, fs::Permissions::from_mode(0o4750)).unwrap();
        let change = world.change();
        let incoming = change.stage().join("new");
        change.prepare(&incoming).unwrap();
        assert_eq!(fs::metadata(&incoming).unwrap().permissions().mode() & 0o7777, 0o750);
        let link = change.stage().join("link");
        std::os::unix::fs::symlink("/bin/sh", &link).unwrap();
        assert_eq!(change.prepare(&link).unwrap_err().code(), Code::ReleaseBroken);
    }

    #[test]
    fn copies_that_hold_the_same_count_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        };
        let one = write("one", "abc");
        assert!(is_same(&one, &write("two", "abc")).unwrap());
        assert!(!is_same(&one, &write("three", "abd")).unwrap() && !is_same(&one, &write("four", "ab")).unwrap());
    }
}
