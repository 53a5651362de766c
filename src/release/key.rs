//! Public keys of release feeds, and what they sign: archives, which carry their signature inside, and the manifest, whose
//! signature stands beside it. Both are ed25519ph as zipsign makes it, with the file's name as context, so that nothing
//! passes under another name.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zipsign_api::Prehash;
use zipsign_api::verify::{collect_keys, find_match, read_signatures};

use super::manifest;
use crate::base::{Code, Error, Result, dirs, id};

/// Length of a public key in bytes.
const LENGTH: usize = zipsign_api::PUBLIC_KEY_LENGTH;

/// The keys built into the program, in hexadecimal, separated by commas: those of the build's own feed, or one whose
/// private half does not exist outside the hands of this program's makers.
const BUILT_IN: &str = match option_env!("MESHERY_BUILD_RELEASE_KEY") {
    Some(keys) => keys,
    None => "61b0a5c83b4858f29804e9882236aac3da6e5f3d1a2c51bb4bdfc728c64e134e",
};

/// Keys of which one must have signed. There is always at least one.
#[derive(Debug, Clone)]
pub struct Keys {
    keys: Vec<self_update::VerifyingKey>,
    origin: String,
}

impl Keys {
    /// The key of a file, where one is named, else those built into the program. A named key replaces the built-in ones.
    pub fn choose(file: Option<&Path>) -> Result<Self> {
        match file {
            Some(path) => Self::of_file(path),
            None => Self::built_in(),
        }
    }

    /// The keys built into the program.
    pub fn built_in() -> Result<Self> {
        let keys: Option<Vec<_>> = BUILT_IN.split(',').map(|key| of_hex(key.trim())).collect();
        Self::new(keys.unwrap_or_default(), "the key built into this program".to_owned()).map_err(|error| {
            error.because("MESHERY_BUILD_RELEASE_KEY had another shape when it was built").remedy(
                "Name the key's file with --releases-key, or build again with 64 hexadecimal digits in that variable.",
            )
        })
    }

    /// The key of a file: 32 bytes, or as many in hexadecimal.
    pub fn of_file(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| dirs::read_error(path, &error))?;
        let raw: Option<[u8; LENGTH]> = bytes.as_slice().try_into().ok();
        let key = raw.or_else(|| of_hex(std::str::from_utf8(&bytes).ok()?.trim()));
        Self::new(key.into_iter().collect(), format!("the key in {}", path.display()))
    }

    /// The public half of a pair that signs.
    pub(super) fn of_pair(pair: &zipsign_api::SigningKey) -> Self {
        Self { keys: vec![pair.verifying_key().to_bytes()], origin: "the given key".to_owned() }
    }

    fn new(keys: Vec<self_update::VerifyingKey>, origin: String) -> Result<Self> {
        let keys = Self { keys, origin };
        let usable = collect_keys(keys.keys.iter().copied().map(Ok));
        usable.map_err(|error| {
            Error::new(Code::ReleaseKey, format!("{} is no ed25519 public key", keys.origin)).because(error)
        })?;
        Ok(keys)
    }

    /// Where they come from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Each key's first eight bytes in hexadecimal, by which people tell keys apart.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| id::hex(&key[..8])).collect()
    }

    /// Whether one of the keys signed the archive under its present name. Reads the whole file; blocks the thread.
    pub fn check_archive(&self, path: &Path) -> Result<()> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self_update::verify_signature(path, &self.keys).map_err(|error| self.refuse(&name, &error))
    }

    /// Whether one of the keys signed the manifest.
    pub fn check_manifest(&self, content: &[u8], signature: &[u8]) -> Result<()> {
        let refuse = |error: &dyn std::fmt::Display| self.refuse(manifest::NAME, error);
        let signature = BASE64_STANDARD.decode(signature.trim_ascii()).map_err(|error| refuse(&error))?;
        let signatures = read_signatures(&mut signature.as_slice()).map_err(|error| refuse(&error))?;
        let keys = collect_keys(self.keys.iter().copied().map(Ok)).map_err(|error| refuse(&error))?;
        let hash = Prehash::calculate(&mut &*content).map_err(|error| refuse(&error))?;
        find_match(&keys, &signatures, &hash, Some(manifest::NAME.as_bytes()))
            .map(|_| ())
            .map_err(|error| refuse(&error))
    }

    fn refuse(&self, name: &str, error: &dyn std::fmt::Display) -> Error {
        let keys = self.fingerprints().join(", ");
        Error::new(Code::ReleaseSignature, format!("{name} is not signed by {} ({keys}…)", self.origin)).because(error)
    }
}

fn of_hex(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.as_bytes().as_chunks::<2>();
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits.0.len() != LENGTH || !digits.1.is_empty() || !is_hex {
        return None;
    }
    let mut key = [0; LENGTH];
    for (byte, pair) in key.iter_mut().zip(digits.0) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_key_is_one() {
        assert_eq!(Keys::built_in().unwrap().fingerprints().len(), 1);
    }

    #[test]
    fn a_key_is_read_raw_and_as_hexadecimal_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let write = |content: &[u8]| {
            let path = dir.path().join("key.pub");
            std::fs::write(&path, content).unwrap();
            Keys::of_file(&path)
        };
        let hex = BUILT_IN.split(',').next().unwrap();
        let raw = of_hex(hex).unwrap();
        assert_eq!(write(&raw).unwrap().keys, write(format!("{hex}\n").as_bytes()).unwrap().keys);
        let signed = format!("+1{}", &hex[2..]);
        for wrong in [&b""[..], b"key", &[7; 31], &hex.as_bytes()[2..], signed.as_bytes()] {
            assert_eq!(write(wrong).unwrap_err().code(), Code::ReleaseKey, "{wrong:?}");
        }
        assert_eq!(Keys::of_file(&dir.path().join("none")).unwrap_err().code(), Code::FileNotFound);
    }
}
