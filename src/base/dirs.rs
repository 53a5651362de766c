//! Where files live, and how they are written: atomically, locked, private to their owner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::env;
use super::error::{Code, Error, Result};

/// The folder that holds config.yaml, auth.json and data: `MESHERY_HOME`, else `~/.meshery`.
pub fn home() -> Result<PathBuf> {
    if let Some(path) = env::get(env::MESHERY_HOME) {
        return Ok(PathBuf::from(path));
    }
    user_home().map(|home| home.join(".meshery")).ok_or_else(|| {
        Error::new(Code::ConfigValue, "the home folder of this user is unknown")
            .because("HOME is unset and the user has no password entry")
            .remedy("Set MESHERY_HOME to a folder of your own.")
    })
}

/// The user's home folder, where known.
pub fn user_home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// The folder for logs: the platform's state folder; below `MESHERY_HOME` when that is set.
pub fn logs() -> Result<PathBuf> {
    if env::is_set(env::MESHERY_HOME) {
        return Ok(home()?.join("logs"));
    }
    let own = directories::ProjectDirs::from("", "", "mesheryctl");
    match own.as_ref().map(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir())) {
        Some(dir) => Ok(dir.join("logs")),
        None => Ok(home()?.join("logs")),
    }
}

/// The folder for what can be made or fetched again: the platform's cache folder; below `MESHERY_HOME` when that is set.
pub fn cache() -> Result<PathBuf> {
    if env::is_set(env::MESHERY_HOME) {
        return Ok(home()?.join("cache"));
    }
    match directories::ProjectDirs::from("", "", "mesheryctl") {
        Some(own) => Ok(own.cache_dir().to_owned()),
        None => Ok(home()?.join("cache")),
    }
}

/// The folder of the plane's data.
pub fn data(home: &Path) -> PathBuf {
    home.join("data")
}

/// The SQLite file of the plane.
pub fn database(home: &Path) -> PathBuf {
    data(home).join("meshery.db")
}

/// Where running processes of the plane leave their process id, port and start time.
pub fn run(home: &Path) -> PathBuf {
    home.join("run")
}

/// The default token file.
pub fn token_file(home: &Path) -> PathBuf {
    home.join("auth.json")
}

/// The kubeconfig that reaches the practice cluster, present while it runs.
pub fn practice_kubeconfig(home: &Path) -> PathBuf {
    home.join("practice").join("kubeconfig.yaml")
}

/// Creates a folder and its parents with mode 0700 where they are missing; existing ones keep their mode.
pub fn create_private(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|error| write_error(dir, &error))
}

/// Replaces a file in one step: a reader sees the old content or the new, never a part, also after a crash.
///
/// Follows symbolic links, keeps nothing of the old mode: the new file has `mode`.
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let target = resolved(path);
    create_private(folder(&target))?;
    replace(&target, content, mode).map_err(|error| write_error(path, &error))
}

fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn replace(target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = folder(target).join(format!(".{}.{}", file_name(target), super::id::short()));
    write_new(&temporary, content, mode)
        .and_then(|()| fs::rename(&temporary, target))
        .and_then(|()| sync_dir(folder(target)))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Gives a file its content, in one step as [`write_atomic`] does where that can be: what is no regular file (a pipe, a device)
/// is written to, and so is a file in a folder that takes no new ones. A file that is there keeps its mode.
///
/// # Errors
/// The folder is not there, or something cannot be written.
pub fn write_over(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = resolved(path);
    match fs::metadata(&target) {
        Ok(found) if found.is_file() && may_be_added_to(folder(&target)) => replace(&target, content, mode(&found)),
        Ok(_) => fs::write(&target, content),
        Err(_) => replace(&target, content, NEW_FILE),
    }
}

/// The mode of a file of the user's own.
const NEW_FILE: u32 = 0o644;

#[cfg(unix)]
fn mode(found: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    NEW_FILE
}

#[cfg(unix)]
fn may_be_added_to(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn may_be_added_to(_: &Path) -> bool {
    true
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Runs `change` while holding an exclusive lock that all writers of `path` share.
///
/// The lock is on a file beside it (`.NAME.lock`), so that replacing the file does not lose it, and it is
/// released by the operating system when the process dies.
pub fn locked<T>(path: &Path, change: impl FnOnce() -> Result<T>) -> Result<T> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _lock = Lock::wait(&dir.join(format!(".{}.lock", file_name(path))))?;
    change()
}

/// An exclusive lock on a file of its own, held until dropped or until the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock. Blocks the thread.
    pub fn wait(path: &Path) -> Result<Self> {
        let file = open_lock(path)?;
        file.lock().map_err(|error| write_error(path, &error))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock when it is free; `None` when another process has it.
    pub fn take(path: &Path) -> Result<Option<Self>> {
        let file = open_lock(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(write_error(path, &error)),
        }
    }
}

fn open_lock(path: &Path) -> Result<File> {
    if let Some(dir) = path.parent() {
        create_private(dir)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| write_error(path, &error))
}

/// Reads a text file; absence is `None`, anything else an error that names the path.
pub fn read_optional(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(read_error(path, &error)),
    }
}

/// The error for a file that cannot be read.
pub fn read_error(path: &Path, error: &io::Error) -> Error {
    let code = if error.kind() == io::ErrorKind::NotFound { Code::FileNotFound } else { Code::FileUnreadable };
    Error::new(code, format!("cannot read {}", path.display())).because(error)
}

fn write_error(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::ConfigWrite, format!("cannot write {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_content_and_sets_the_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new").join("auth.json");
        write_atomic(&path, b"one", 0o600).unwrap();
        write_atomic(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_atomic_write_follows_a_symbolic_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomic(&link, b"new", 0o600).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_written_over_keeps_its_mode_and_a_pipe_is_written_to() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("result.json");
        write_over(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_over(&path, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let (pipe, writer) = io::pipe().unwrap();
        let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        write_over(Path::new(&name), b"three").unwrap();
        drop(writer);
        assert_eq!(io::read_to_string(pipe).unwrap(), "three");
    }

    #[test]
    fn locked_writers_do_not_lose_each_others_work() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("count");
        fs::write(&path, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    locked(&path, || {
                        let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        write_atomic(&path, (count + 1).to_string().as_bytes(), 0o600)
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "16");
    }
}
