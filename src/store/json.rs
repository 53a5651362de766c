//! Columns that hold JSON, times and ids as the database keeps them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result};

pub(super) fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("a row cannot be written as JSON").because(error))
}

pub(super) fn read<T: DeserializeOwned>(text: &str, table: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(Code::StoreFailed, format!("a row of table {table} cannot be read")).because(error))
}

pub(super) fn time(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn id(text: &str, table: &str) -> Result<Uuid> {
    Uuid::parse_str(text)
        .map_err(|error| Error::new(Code::StoreFailed, format!("a row of table {table} has a bad id")).because(error))
}

/// The word serde writes for a unit variant.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String> {
    Ok(write(value)?.trim_matches('"').to_owned())
}

/// The unit variant for a word.
pub(super) fn from_word<T: DeserializeOwned>(word: &str, table: &str) -> Result<T> {
    read(&format!("\"{word}\""), table)
}
