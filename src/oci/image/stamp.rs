//! What build a program is, told from its file: it need not run, nor be for this machine.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::elf::{Elf, impossible};
use crate::base::dirs;
use crate::base::error::Result;

/// In front of the stamp and behind it: a byte that text never has and that data has rarely.
const EDGE: u8 = 0xfe;
/// How it begins.
const TITLE: &str = "mesheryctl build ";
/// No stamp is longer, in bytes.
const LONGEST: u64 = 256;

const COMMIT: &str = match option_env!("MESHERY_BUILD_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
const PARTS: [&[u8]; 6] =
    [&[EDGE], TITLE.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes(), b" ", COMMIT.as_bytes(), &[EDGE]];
const LENGTH: usize = {
    let (mut length, mut part) = (0, 0);
    while part < PARTS.len() {
        length += PARTS[part].len();
        part += 1;
    }
    length
};

/// The stamp of this build, in one piece.
static STAMP: [u8; LENGTH] = {
    let (mut stamp, mut at, mut part) = ([0; LENGTH], 0, 0);
    while part < PARTS.len() {
        let mut byte = 0;
        while byte < PARTS[part].len() {
            stamp[at] = PARTS[part][byte];
            at += 1;
            byte += 1;
        }
        part += 1;
    }
    stamp
};

/// A build of mesheryctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Version.
    pub version: String,
    /// Commit it was built from; `unknown` when the build did not say.
    pub commit: String,
}

/// Reads the stamp of a program.
///
/// # Errors
/// [`crate::base::Code::ImageImpossible`] for a program that is no mesheryctl.
pub fn read(path: &Path, elf: &Elf) -> Result<Stamp> {
    // The linker leaves out what nobody uses.
    black_box(&STAMP);
    let fail = |error: io::Error| dirs::read_error(path, &error);
    let found = match elf.constants {
        None => None,
        Some((offset, length)) => {
            let mut file = File::open(path).map_err(fail)?;
            file.seek(SeekFrom::Start(offset)).map_err(fail)?;
            find(BufReader::with_capacity(1 << 16, file.take(length))).map_err(fail)?
        }
    };
    found.ok_or_else(|| {
        impossible(path)
            .because("it is no mesheryctl, or one that was packed or is older than images of itself")
            .remedy("Name a Linux build of mesheryctl with --program.")
    })
}

fn find(mut data: impl BufRead) -> io::Result<Option<Stamp>> {
    let mut piece = Vec::new();
    loop {
        piece.clear();
        if data.by_ref().take(LONGEST).read_until(EDGE, &mut piece)? == 0 {
            return Ok(None);
        }
        if let Some(stamp) = parse(&piece) {
            return Ok(Some(stamp));
        }
    }
}

fn parse(piece: &[u8]) -> Option<Stamp> {
    let text = piece.strip_suffix(&[EDGE])?.strip_prefix(TITLE.as_bytes())?;
    let (version, commit) = std::str::from_utf8(text).ok()?.split_once(' ')?;
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-+_".contains(c));
    let fits = version.starts_with(|c: char| c.is_ascii_digit()) && is_word(version) && is_word(commit);
    fits.then(|| Stamp { version: version.to_owned(), commit: commit.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Code;
    use crate::oci::image::elf;

    #[test]
    fn a_build_is_told_from_its_file() {
        let program = std::env::current_exe().unwrap();
        let stamp = read(&program, &elf::read(&program).unwrap()).unwrap();
        assert_eq!((stamp.version.as_str(), stamp.commit.as_str()), (env!("CARGO_PKG_VERSION"), COMMIT));
        let other = Path::new("/bin/sh");
        let error = read(other, &elf::read(other).unwrap()).unwrap_err();
        assert!(error.code() == Code::ImageImpossible && error.to_string().contains("no mesheryctl"), "{error}");
    }

    #[test]
    fn stamps_are_found_wherever_they_stand() {
        let around = |before: usize| [vec![b'x'; before], STAMP.to_vec(), vec![b'y'; 9]].concat();
        for before in [0, 1, 255, 256, 257, 4000] {
            assert!(find(around(before).as_slice()).unwrap().is_some(), "{before}");
        }
        for none in
            [b"".as_slice(), b"\xfemesheryctl build x y\xfe", b"\xfemesheryctl build 1 \xfe", b"mesheryctl build 1 y"]
        {
            assert_eq!(find(none).unwrap(), None);
        }
    }
}
