//! Passwords and one-time codes. Hashes are Argon2id with the parameters that OWASP names as least; codes are random and
//! long, so that a digest is enough.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::base::{Code, Error, Result, id};

/// Characters a password has at least.
const SHORTEST: usize = 8;
/// Bytes a password has at most.
const LONGEST: usize = 1_024;
/// Letters of codes: none that look alike.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// A hash that fits no password, so that unknown names take as long as known ones.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a text can be a password.
pub(super) fn check(password: &str, name: &str) -> Result<()> {
    let wrong = |reason: String| Error::new(Code::UsageError, "this password cannot be used").because(reason);
    if password.chars().count() < SHORTEST {
        return Err(wrong(format!("it has fewer than {SHORTEST} characters")));
    }
    if password.len() > LONGEST {
        return Err(wrong(format!("it is longer than {LONGEST} bytes")));
    }
    if password.to_lowercase() == name.to_lowercase() {
        return Err(wrong("it is the user's name".to_owned()));
    }
    Ok(())
}

/// The hash of a password. Takes a core for some tens of milliseconds.
pub(super) fn hash(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::internal("the password could not be hashed").because(error))
}

/// Whether a text is a hash that passwords can be checked with.
pub(super) fn is_hash(text: &str) -> bool {
    text.starts_with("$argon2") && PasswordHash::new(text).is_ok()
}

/// Whether a password fits a hash; `None` stands for a user that does not exist and takes as long.
pub(super) async fn fits(hashing: &Arc<Semaphore>, password: &str, hash: Option<String>) -> Result<bool> {
    let broken = || Error::internal("the password could not be checked");
    let _permit = hashing.acquire().await.map_err(|_| broken())?;
    let password = password.to_owned();
    let work = move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&hash).ok();
        let fits = parsed.is_some_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && fits
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| broken().because(error))
}

/// A new one-time code of 100 random bits, as people read it, such as `7KQ2M-…`.
pub(super) fn code() -> Result<String> {
    let secret = id::secret()?;
    let digit = |at: usize| usize::from_str_radix(&secret[at * 2..at * 2 + 2], 16).unwrap_or_default() % LETTERS.len();
    let letters: Vec<u8> = (0..20).map(|at| LETTERS[digit(at)]).collect();
    let groups = letters.chunks(5).map(|group| String::from_utf8_lossy(group).into_owned());
    Ok(groups.collect::<Vec<_>>().join("-"))
}

/// The digest of a code, however it was typed.
pub(super) fn code_digest(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    digest(&plain)
}

/// The digest of a secret that is long and random.
pub(super) fn digest(secret: &str) -> String {
    id::hex(&Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_fit_their_own_hash_only() {
        let hashing = Arc::new(Semaphore::new(1));
        let hash = hash("correct horse").unwrap();
        assert!(is_hash(&hash) && hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(fits(&hashing, "correct horse", Some(hash.clone())).await.unwrap());
        assert!(!fits(&hashing, "correct house", Some(hash)).await.unwrap());
        assert!(!fits(&hashing, "anything", None).await.unwrap());
        assert!(!fits(&hashing, "anything", Some("garbage".into())).await.unwrap());
        assert!(is_hash(NOBODY), "a name that is unknown must cost the same");
        assert!(!is_hash("plaintext") && !is_hash("$2y$10$abc"));
    }

    #[test]
    fn short_long_and_obvious_passwords_are_refused() {
        assert!(check("correct horse", "ada").is_ok() && check("ééééßßßß", "ada").is_ok());
        for wrong in ["", "1234567", &"x".repeat(1025), "ADALOVELACE"] {
            assert!(check(wrong, "adalovelace").is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_are_read_however_they_are_typed() {
        let made = code().unwrap();
        assert_eq!((made.len(), made.matches('-').count()), (23, 3), "{made}");
        assert_ne!(made, code().unwrap());
        let typed = format!(" {} ", made.replace('-', " ").to_lowercase());
        assert_eq!(code_digest(&typed), code_digest(&made));
    }
}
