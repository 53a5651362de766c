//! The loader and the shared objects that a program needs, found as its loader would find them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::elf::{self, Architecture, Elf, impossible};
use crate::base::error::{Error, Result};
use crate::base::text;

/// What a C library before 2.34 opens when names are to be resolved, without naming it.
const RESOLVERS: [&str; 2] = ["libnss_files.so.2", "libnss_dns.so.2"];
/// The version since which glibc resolves names by itself.
const RESOLVES: &str = "GLIBC_2.34";
/// Where the loader's further folders are listed.
const FOLDERS: &str = "/etc/ld.so.conf";
/// Lists of folders may include one another; none does so deeper than this.
const DEPTH: usize = 8;

/// A file that has to be in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The file of this machine.
    pub source: PathBuf,
    /// Its path in the image.
    pub place: PathBuf,
}

/// Finds loader and shared objects of a program, and what those need. None for a static program.
///
/// # Errors
/// [`crate::base::Code::ImageImpossible`] with the name of what is not found.
pub fn of(program: &Path, elf: &Elf) -> Result<Vec<Need>> {
    Search { root: Path::new("/"), architecture: elf.architecture, found: Vec::new() }.all(program, elf)
}

/// One shared object that is still to be looked through.
struct Open {
    path: PathBuf,
    elf: Elf,
    /// The RPATH of everything that led to it.
    inherited: Vec<String>,
}

struct Search<'r> {
    /// Where the system is: `/`.
    root: &'r Path,
    architecture: Architecture,
    /// Names and files.
    found: Vec<(String, PathBuf)>,
}

impl Search<'_> {
    fn all(mut self, program: &Path, elf: &Elf) -> Result<Vec<Need>> {
        let Some(loader) = &elf.loader else { return Ok(Vec::new()) };
        let source = self.within(loader);
        if !source.exists() {
            return Err(missing(program, &loader.display().to_string()));
        }
        let name = loader.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.found.push((name, source.clone()));
        self.walk(Open { path: program.to_owned(), elf: elf.clone(), inherited: Vec::new() })?;
        let mut needs = vec![Need { source, place: loader.clone() }];
        let home = self.home();
        for (name, source) in &self.found[1..] {
            let place = match (&home, name.starts_with('/')) {
                (_, true) => PathBuf::from(name),
                (Some(home), false) => home.join(name),
                (None, false) => self.inside(source),
            };
            needs.push(Need { source: source.clone(), place });
        }
        needs.sort_by(|left, right| left.place.cmp(&right.place));
        Ok(needs)
    }

    /// Folder of the C library. An image has no list of further folders, and the program lies elsewhere in it than here:
    /// the loader finds everything in the one folder that it knows by itself.
    fn home(&self) -> Option<PathBuf> {
        let is_libc = |name: &str| name.starts_with("libc.so") || name.starts_with("libc.musl-");
        let (_, path) = self.found.iter().find(|(name, _)| is_libc(name))?;
        self.inside(path).parent().map(Path::to_owned)
    }

    fn walk(&mut self, program: Open) -> Result<()> {
        let mut queue = VecDeque::from([program]);
        while let Some(Open { path, elf, inherited }) = queue.pop_front() {
            let mut rpath = elf.rpath.iter().map(|folder| expanded(folder, &path)).collect::<Vec<_>>();
            rpath.extend(inherited);
            // A RUNPATH makes the loader forget the RPATHs of those before it.
            let first = if elf.runpath.is_empty() { rpath.clone() } else { Vec::new() };
            let own = elf.runpath.iter().map(|folder| expanded(folder, &path));
            let folders: Vec<String> = first.into_iter().chain(own).collect();
            for name in elf.needed.iter().cloned().chain(unnamed(&path, &elf)) {
                if self.found.iter().any(|(known, _)| *known == name) {
                    continue;
                }
                let (object, elf) = self.find(&name, &path, &folders)?;
                self.found.push((name, object.clone()));
                queue.push_back(Open { path: object, elf, inherited: rpath.clone() });
            }
        }
        Ok(())
    }

    /// The first file of that name that is for this architecture: loaders pass over others, too.
    fn find(&self, name: &str, by: &Path, folders: &[String]) -> Result<(PathBuf, Elf)> {
        let fits = |path: PathBuf| {
            elf::read(&path).ok().filter(|elf| elf.architecture == self.architecture).map(|elf| (path, elf))
        };
        if name.contains('/') {
            let path = Path::new(name);
            let found = path.is_absolute().then(|| fits(self.within(path))).flatten();
            return found.ok_or_else(|| missing(by, name));
        }
        let triplet = self.architecture.triplet();
        let usual = [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")]
            .into_iter()
            .chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(str::to_owned));
        let own = folders.iter().map(|folder| Path::new(folder).join(name)).collect::<Vec<_>>();
        let system = self.listed(Path::new(FOLDERS), DEPTH).into_iter().chain(usual);
        let system = system.map(|folder| self.within(&Path::new(&folder).join(name)));
        own.into_iter().chain(system).find_map(fits).ok_or_else(|| missing(by, name))
    }

    /// The folders of ld.so.conf and of the files that it includes.
    fn listed(&self, list: &Path, depth: usize) -> Vec<String> {
        let Ok(content) = std::fs::read_to_string(self.within(list)) else { return Vec::new() };
        let mut folders = Vec::new();
        for line in content.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            match line.strip_prefix("include").filter(|rest| rest.starts_with(char::is_whitespace)) {
                Some(files) if depth > 0 => {
                    for file in self.included(list, files.trim()) {
                        folders.extend(self.listed(&file, depth - 1));
                    }
                }
                Some(_) => {}
                None => folders.extend(
                    line.split([':', ',', ' ', '\t']).filter(|folder| folder.starts_with('/')).map(str::to_owned),
                ),
            }
        }
        folders
    }

    /// The files of `include FOLDER/*.conf`, which may be relative to the list.
    fn included(&self, list: &Path, pattern: &str) -> Vec<PathBuf> {
        let pattern = list.parent().unwrap_or(Path::new("/")).join(pattern);
        let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let entries = std::fs::read_dir(self.within(folder)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut files: Vec<PathBuf> =
            names.filter(|file| text::wildcard(name, file)).map(|file| folder.join(file)).collect();
        files.sort();
        files
    }

    fn within(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).map_or_else(|_| path.to_owned(), |path| Path::new("/").join(path))
    }
}

/// What a shared object opens without naming it.
fn unnamed(path: &Path, elf: &Elf) -> Vec<String> {
    let is_glibc = path.file_name().is_some_and(|name| name == "libc.so.6");
    let resolves = elf.versions.iter().any(|version| version == RESOLVES);
    if is_glibc && !resolves { RESOLVERS.map(str::to_owned).into() } else { Vec::new() }
}

/// A folder in which a file is looked for, as seen from that file.
fn expanded(folder: &str, by: &Path) -> String {
    let origin = by.parent().unwrap_or(Path::new("/")).display().to_string();
    folder.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin)
}

fn missing(by: &Path, name: &str) -> Error {
    impossible(by)
        .because(format!("the shared object {name}, which it needs, is not on this machine"))
        .remedy("Build a static program with release/build.sh, and name it with --program.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine in a folder: loader and C library where they are here, `strays` in a folder that only ld.so.conf names.
    fn machine(root: &Path, needs: &[Need], is_stray: impl Fn(&str) -> bool) {
        for Need { source, place } in needs {
            let name = place.file_name().unwrap().to_str().unwrap();
            let place = if is_stray(name) { Path::new("/opt/odd").join(name) } else { place.clone() };
            let target = root.join(place.strip_prefix("/").unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(source, target).unwrap();
        }
        std::fs::create_dir_all(root.join("etc/ld.so.conf.d")).unwrap();
        std::fs::write(root.join("etc/ld.so.conf"), "# folders\ninclude ld.so.conf.d/*.conf\ninclude ld.so.conf\n")
            .unwrap();
        std::fs::write(root.join("etc/ld.so.conf.d/odd.conf"), "/opt/none /opt/odd # odd\n").unwrap();
    }

    #[test]
    fn the_needs_of_this_test_are_found_wherever_the_loader_would_find_them() {
        let program = std::env::current_exe().unwrap();
        let elf = elf::read(&program).unwrap();
        let needs = of(&program, &elf).unwrap();
        if cfg!(target_feature = "crt-static") {
            return assert!(needs.is_empty());
        }
        let names: Vec<&str> = needs.iter().filter_map(|need| need.place.file_name()?.to_str()).collect();
        assert!(names.iter().any(|name| name.starts_with("libc.")), "{names:?}");
        assert!(needs.iter().any(|need| Some(&need.place) == elf.loader.as_ref()), "{names:?}");
        assert!(needs.iter().all(|need| need.source.exists() && need.place.is_absolute()), "{needs:?}");

        let dir = tempfile::tempdir().unwrap();
        machine(dir.path(), &needs, |name| !name.starts_with("libc.") && !name.starts_with("ld-"));
        let search = || Search { root: dir.path(), architecture: elf.architecture, found: Vec::new() };
        let moved = search().all(&program, &elf).unwrap();
        let places = |needs: &[Need]| needs.iter().map(|need| need.place.clone()).collect::<Vec<_>>();
        assert_eq!(places(&moved), places(&needs), "beside the C library, wherever they were");
        assert!(moved.iter().all(|need| need.source.starts_with(dir.path())), "{moved:?}");

        std::fs::remove_file(dir.path().join("etc/ld.so.conf")).unwrap();
        let error = search().all(&program, &elf).unwrap_err();
        assert!(error.to_string().contains("the shared object lib"), "{error}");
        assert!(error.report().suggested_remediation.unwrap().contains("release/build.sh"));
    }

    #[test]
    fn a_c_library_that_resolves_no_names_brings_what_does() {
        let elf = |versions: &[&str]| Elf {
            architecture: Architecture::Amd64,
            loader: None,
            needed: Vec::new(),
            rpath: Vec::new(),
            runpath: Vec::new(),
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
            constants: None,
        };
        assert_eq!(unnamed(Path::new("/lib/libc.so.6"), &elf(&["GLIBC_2.31"])), RESOLVERS);
        assert!(unnamed(Path::new("/lib/libc.so.6"), &elf(&["GLIBC_2.31", "GLIBC_2.34"])).is_empty());
        assert!(unnamed(Path::new("/lib/libm.so.6"), &elf(&[])).is_empty());
    }
}
