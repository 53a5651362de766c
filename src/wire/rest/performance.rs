//! Bodies about performance: profiles, runs, results, schedules. Clients of 2021 write snake_case and those of 2026
//! camelCase; both are read, and replies carry both.

pub mod metadata;
pub mod profile;
pub mod result;
pub mod run;
pub mod schedule;

pub use profile::{ProfileBody, ProfilePage, ProfileView};
pub use result::{MeshTypes, MesheryResult, ResultPage, StoredResult};
pub use run::{RunBegun, RunRequest, StreamFrame};
pub use schedule::{ScheduleBody, SchedulePage, ScheduleView};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::{Code, Error, Result};

/// Reads an object whose top-level keys may be of either era. Where both spellings of a key stand, the camelCase one
/// holds: it is the later era's.
///
/// # Errors
/// [`Code::RequestInvalid`] when it is no object, or a value has the wrong type.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    let Value::Object(keys) = value else {
        return Err(Error::new(Code::RequestInvalid, "the body is not a JSON object"));
    };
    let (mut snake, mut camel) = (Map::new(), Map::new());
    for (key, value) in keys {
        let name = snake_case(&key);
        if name == key {
            snake.insert(name, value);
        } else {
            camel.insert(name, value);
        }
    }
    snake.extend(camel);
    serde_json::from_value(Value::Object(snake)).map_err(|problem| {
        Error::new(Code::RequestInvalid, "the JSON body does not have the expected shape").because(problem)
    })
}

fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Ids as clients send them: absent, empty and nil ones are none.
pub(super) mod lenient_id {
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    #[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
    pub fn serialize<S: Serializer>(id: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.serialize_str(&id.to_string()),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let id = Uuid::parse_str(&text).map_err(serde::de::Error::custom)?;
        Ok((!id.is_nil()).then_some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn either_spelling_is_read_and_the_later_one_holds() {
        let body: ProfileBody = read(json!({"name": "a", "loadGenerators": ["native"], "concurrent_request": 2, "concurrentRequest": 3, "id": ""})).unwrap();
        assert_eq!(
            (body.load_generators, body.concurrent_request, body.id),
            (vec!["native".to_owned()], Some(3), None)
        );
        assert_eq!(read::<ProfileBody>(json!([])).unwrap_err().code(), Code::RequestInvalid);
        assert_eq!(read::<ProfileBody>(json!({"qps": "many"})).unwrap_err().code(), Code::RequestInvalid);
    }
}
