//! One ELF file: its architecture, its loader, the shared objects it names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use object::elf::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, ELFOSABI_GNU, ELFOSABI_NONE, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64,
    PT_INTERP,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};
use object::read::{self, ReadCache};
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
    pub(super) fn triplet(self) -> &'static str {
        match self {
            Architecture::Amd64 => "x86_64-linux-gnu",
            Architecture::Arm64 => "aarch64-linux-gnu",
        }
    }
}

/// What one ELF file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// Its architecture.
    pub architecture: Architecture,
    /// The loader that has to start it; a static program has none.
    pub loader: Option<PathBuf>,
    /// Names of the shared objects it needs itself.
    pub needed: Vec<String>,
    /// Folders to look in first, also for what its needs need (RPATH). Void where there is a RUNPATH.
    pub rpath: Vec<String>,
    /// Folders to look in for its own needs (RUNPATH).
    pub runpath: Vec<String>,
    /// Versions of symbols that it defines, such as `GLIBC_2.34`.
    pub versions: Vec<String>,
    /// Where its constants are in the file: offset and length.
    pub constants: Option<(u64, u64)>,
}

/// The error for a file of which no image can be made.
pub(super) fn impossible(path: &Path) -> Error {
    Error::new(Code::ImageImpossible, format!("no image can be made of {}", path.display()))
}

/// Reads the headers of a file; its content is not looked at.
///
/// # Errors
/// [`Code::ImageImpossible`] for what is no 64-bit program or shared object of Linux on a known architecture.
pub fn read(path: &Path) -> Result<Elf> {
    let fail = |error: std::io::Error| dirs::read_error(path, &error);
    let mut file = File::open(path).map_err(fail)?;
    let mut magic = [0; 4];
    let length = file.read(&mut magic).map_err(fail)?;
    if magic != object::elf::ELFMAG {
        return Err(impossible(path)
            .because(format!("it is {}, not a Linux program", sort(&magic[..length])))
            .remedy("Name a Linux build of mesheryctl with --program."));
    }
    let cache = ReadCache::new(file);
    parsed(&cache).map_err(|cause| {
        impossible(path).because(cause).remedy("Name a 64-bit Linux build of mesheryctl with --program.")
    })
}

/// What a file that is no ELF is.
fn sort(magic: &[u8]) -> &'static str {
    match magic {
        [0xcf | 0xce, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe] => "a program of macOS",
        [b'M', b'Z', ..] => "a program of Windows",
        [b'#', b'!', ..] => "a script",
        _ => "some other file",
    }
}

fn parsed<'d, R: ReadRef<'d>>(data: R) -> Result<Elf, String> {
    let fail = |error: read::Error| format!("it is no 64-bit Linux program: {error}");
    let header = FileHeader64::<Endianness>::parse(data).map_err(fail)?;
    let endian = header.endian().map_err(fail)?;
    let architecture = match header.e_machine(endian) {
        EM_X86_64 => Architecture::Amd64,
        EM_AARCH64 => Architecture::Arm64,
        other => return Err(format!("it is for machine {other} of ELF, not for amd64 or arm64")),
    };
    if !matches!(header.e_ident().os_abi, ELFOSABI_NONE | ELFOSABI_GNU)
        || !matches!(header.e_type(endian), ET_EXEC | ET_DYN)
    {
        return Err("it is an ELF file, and no program of Linux".to_owned());
    }
    let sections = header.sections(endian, data).map_err(fail)?;
    let constants = sections.section_by_name(endian, b".rodata").and_then(|(_, section)| section.file_range(endian));
    let mut elf = Elf {
        architecture,
        loader: loader(header, endian, data)?,
        needed: Vec::new(),
        rpath: Vec::new(),
        runpath: Vec::new(),
        versions: versions(&sections, endian, data).map_err(fail)?,
        constants,
    };
    read_dynamic(&mut elf, &sections, endian, data).map_err(fail)?;
    if elf.loader.is_some() && elf.needed.is_empty() {
        return Err("it wants a loader, and does not say which shared objects it needs".to_owned());
    }
    Ok(elf)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn loader<'d, R: ReadRef<'d>>(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    data: R,
) -> Result<Option<PathBuf>, String> {
    let segments = header.program_headers(endian, data).map_err(|error| format!("its headers are damaged: {error}"))?;
    let Some(segment) = segments.iter().find(|segment| segment.p_type(endian) == PT_INTERP) else { return Ok(None) };
    let (offset, size) = segment.file_range(endian);
    let bytes = data.read_bytes_at(offset, size).map_err(|()| "the name of its loader cannot be read".to_owned())?;
    let path = PathBuf::from(text(bytes).trim_end_matches('\0'));
    if path.is_absolute() { Ok(Some(path)) } else { Err(format!("its loader `{}` has no full path", path.display())) }
}

fn read_dynamic<'d, R: ReadRef<'d>>(
    elf: &mut Elf,
    sections: &SectionTable<'d, FileHeader64<Endianness>, R>,
    endian: Endianness,
    data: R,
) -> read::Result<()> {
    let table = sections.dynamic_table(endian, data)?;
    for entry in &table {
        let folders = |bytes: &[u8]| text(bytes).split(':').map(str::to_owned).collect::<Vec<_>>();
        match entry.tag {
            DT_NEEDED => elf.needed.push(text(table.string(entry)?)),
            DT_RPATH => elf.rpath.extend(folders(table.string(entry)?)),
            DT_RUNPATH => elf.runpath.extend(folders(table.string(entry)?)),
            _ => {}
        }
    }
    if !elf.runpath.is_empty() {
        elf.rpath.clear();
    }
    Ok(())
}

fn versions<'d, R: ReadRef<'d>>(
    sections: &SectionTable<'d, FileHeader64<Endianness>, R>,
    endian: Endianness,
    data: R,
) -> read::Result<Vec<String>> {
    let mut found = Vec::new();
    let Some((mut definitions, link)) = sections.gnu_verdef(endian, data)? else { return Ok(found) };
    let strings = sections.strings(endian, data, link)?;
    while let Some((_, mut names)) = definitions.next()? {
        // The first name is the version's own, those behind it are what it builds on.
        if let Some(name) = names.next()? {
            found.push(text(name.name(endian, strings)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_read() {
        let elf = read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(elf.architecture.name(), if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
        assert_eq!(elf.loader.is_some(), !cfg!(target_feature = "crt-static"));
        assert_eq!(elf.loader.is_some(), !elf.needed.is_empty());
        assert!(elf.constants.is_some());
    }

    #[test]
    fn what_is_no_program_of_linux_is_refused_with_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |bytes: &[u8]| {
            let path = dir.path().join("program");
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err();
            assert!(error.code() == Code::ImageImpossible && error.message().contains("program"), "{error}");
            error.to_string()
        };
        let mut program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        program.truncate(1 << 16);
        assert!(refused(&program).contains("no 64-bit Linux program"), "its sections are cut off");
        program[18..20].copy_from_slice(&8u16.to_le_bytes());
        assert!(refused(&program).contains("for machine 8 of ELF"));
        program[4] = 1;
        assert!(refused(&program).contains("no 64-bit Linux program"), "a 32-bit class");
        for (bytes, sort) in [
            (b"#!/bin/sh\n".as_slice(), "a script"),
            (b"MZ\x90\0", "a program of Windows"),
            (b"\xcf\xfa\xed\xfe\x07", "a program of macOS"),
            (b"x", "some other file"),
            (b"", "some other file"),
        ] {
            assert!(refused(bytes).contains(sort), "{sort}");
        }
        assert_eq!(read(&dir.path().join("none")).unwrap_err().code(), Code::FileNotFound);
    }
}
