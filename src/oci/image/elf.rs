//! What an executable needs to run in a container: architecture, loader and shared objects.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadRef};

use crate::base::dirs;
use crate::base::error::{Code, Error, Result};

/// Processor architecture, as images name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Architecture {
    /// Its name in an image's config.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }

    /// What Debian and its descendants call its folders.
    fn triplet(self) -> &'static str {
        match self {
            Architecture::Amd64 => "x86_64-linux-gnu",
            Architecture::Arm64 => "aarch64-linux-gnu",
        }
    }
}

/// An executable with all it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// Its architecture.
    pub architecture: Architecture,
    /// Loader and shared objects: where each has to be, which is where it was found. Empty for a static program.
    pub needs: Vec<PathBuf>,
}

/// One ELF file.
struct Parsed {
    architecture: Architecture,
    loader: Option<String>,
    needed: Vec<String>,
    search: Vec<String>,
}

/// Reads an executable and finds what it needs, and what that needs.
///
/// # Errors
/// [`Code::ImageImpossible`] for what is no 64-bit Linux program, and for a shared object that is not found.
pub fn read(program: &Path) -> Result<Executable> {
    let first = parse(program)?;
    let architecture = first.architecture;
    let mut needs: Vec<PathBuf> = first.loader.iter().map(PathBuf::from).collect();
    let mut found: Vec<String> =
        needs.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    let mut queue = VecDeque::from([(program.to_owned(), first)]);
    while let Some((path, parsed)) = queue.pop_front() {
        for name in parsed.needed {
            if found.contains(&name) {
                continue;
            }
            let object = find(&name, &path, &parsed.search, architecture)?;
            queue.push_back((object.clone(), parse(&object)?));
            found.push(name);
            needs.push(object);
        }
    }
    needs.sort();
    Ok(Executable { architecture, needs })
}

fn impossible(path: &Path) -> Error {
    Error::new(Code::ImageImpossible, format!("{} cannot be made an image", path.display()))
}

fn parse(path: &Path) -> Result<Parsed> {
    let file = File::open(path).map_err(|error| dirs::read_error(path, &error))?;
    let cache = ReadCache::new(file);
    let fail = |error: object::read::Error| {
        impossible(path)
            .because(format!("it is no 64-bit Linux program: {error}"))
            .remedy("Name a Linux build of mesheryctl with --program.")
    };
    let data = &cache;
    let header = FileHeader64::<Endianness>::parse(data).map_err(fail)?;
    let endian = header.endian().map_err(fail)?;
    let architecture = match header.e_machine(endian) {
        EM_X86_64 => Architecture::Amd64,
        EM_AARCH64 => Architecture::Arm64,
        other => {
            return Err(impossible(path).because(format!("it is for machine {other} of ELF, not for amd64 or arm64")));
        }
    };
    let mut loader = None;
    for segment in header.program_headers(endian, data).map_err(fail)? {
        if segment.p_type(endian) == PT_INTERP {
            let bytes = data
                .read_bytes_at(segment.p_offset.get(endian), segment.p_filesz.get(endian))
                .map_err(|()| impossible(path).because("the name of its loader cannot be read"))?;
            loader = Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned());
        }
    }
    let (mut needed, mut search) = (Vec::new(), Vec::new());
    let sections = header.sections(endian, data).map_err(fail)?;
    let table = sections.dynamic_table(endian, data).map_err(fail)?;
    for entry in &table {
        let text = || table.string(entry).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        if entry.tag == DT_NEEDED {
            needed.push(text().map_err(fail)?);
        } else if entry.tag == DT_RPATH || entry.tag == DT_RUNPATH {
            search.extend(text().map_err(fail)?.split(':').map(str::to_owned));
        }
    }
    Ok(Parsed { architecture, loader, needed, search })
}

/// Where the loader would find a shared object: the paths in the program itself, then the system's own folders.
fn find(name: &str, by: &Path, search: &[String], architecture: Architecture) -> Result<PathBuf> {
    let origin = by.parent().unwrap_or(Path::new("/")).display().to_string();
    let own = search.iter().map(|folder| folder.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin));
    let triplet = architecture.triplet();
    let system = [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")]
        .into_iter()
        .chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(str::to_owned));
    let candidates = own.chain(system).map(|folder| Path::new(&folder).join(name));
    candidates.into_iter().find(|path| path.exists()).ok_or_else(|| {
        impossible(by)
            .because(format!("the shared object {name} that it needs is not found"))
            .remedy("Build a static program (release/build.sh), and name it with --program.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_needs_of_this_test_are_found_with_their_loader() {
        let found = read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(found.architecture.name(), if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
        if cfg!(target_feature = "crt-static") {
            return assert!(found.needs.is_empty());
        }
        let names: Vec<&str> = found.needs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert!(names.iter().any(|name| name.starts_with("libc.so")), "{names:?}");
        assert!(names.iter().any(|name| name.starts_with("ld-linux")), "{names:?}");
        assert!(found.needs.iter().all(|path| path.is_absolute() && path.exists()));
    }

    #[test]
    fn what_is_no_program_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.code() == Code::ImageImpossible && error.message().contains("script"), "{error}");
        assert_eq!(read(&dir.path().join("none")).unwrap_err().code(), Code::FileNotFound);
    }
}
