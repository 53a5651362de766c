//! Identifiers and secrets.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A new id that sorts by time of creation (UUID version 7).
pub fn new() -> Uuid {
    Uuid::now_v7()
}

/// The stable id of `name` within `space` (UUID version 5): the same inputs give the same id on every machine.
pub fn stable(space: &str, name: &str) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("meshery:{space}").as_bytes());
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// Twelve random hexadecimal digits, for temporary names.
pub fn short() -> String {
    Uuid::new_v4().simple().to_string()[..12].to_owned()
}

/// A new secret of 256 random bits in hexadecimal.
pub fn secret() -> super::Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| super::Error::internal("the system gave no random bytes").because(error))?;
    Ok(hex(&bytes))
}

/// Whether a secret that was given is the one that is wanted, in a time that tells nothing of where they differ.
pub fn is_same_secret(given: &str, wanted: &str) -> bool {
    let (given, wanted) = (Sha256::digest(given.as_bytes()), Sha256::digest(wanted.as_bytes()));
    given.iter().zip(wanted.iter()).fold(0, |difference, (left, right)| difference | (left ^ right)) == 0
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
