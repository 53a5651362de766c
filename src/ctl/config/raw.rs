//! The shapes config.yaml has had since 2021, read as one.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{DEFAULT_LOCATION, DEFAULT_TOKEN, TokenEntry, context, whole};
use crate::base::{Code, Error, Result};
use crate::model::context::{Context, Platform};

#[derive(Debug, Deserialize)]
pub struct Config {
    #[serde(default)]
    contexts: Option<Entries<Option<RawContext>>>,
    #[serde(default, rename = "current-context")]
    current: Option<Text>,
    #[serde(default)]
    tokens: Option<Tokens>,
}

#[derive(Debug, Default, Deserialize)]
struct RawContext {
    #[serde(default)]
    endpoint: Option<Text>,
    #[serde(default)]
    token: Option<Token>,
    #[serde(default)]
    platform: Option<RawPlatform>,
    #[serde(default, alias = "adapters")]
    components: Option<Vec<Text>>,
    #[serde(default)]
    channel: Option<Text>,
    #[serde(default)]
    version: Option<Text>,
    #[serde(default)]
    provider: Option<Text>,
}

impl Config {
    pub fn is_empty(&self) -> bool {
        self.contexts.is_none() && self.current.is_none() && self.tokens.is_none()
    }

    pub fn into_config(self, file: &str) -> Result<super::Config> {
        let has_tokens = self.tokens.is_some();
        let mut tokens: Vec<TokenEntry> = self.tokens.map(|tokens| tokens.0).unwrap_or_default();
        let mut contexts: Vec<Context> = Vec::new();
        for (name, raw) in self.contexts.map(|entries| entries.0).unwrap_or_default() {
            if contexts.iter().any(|known| known.name == name) {
                return Err(Error::new(Code::ConfigParse, format!("context `{name}` stands twice")).at(whole(file)));
            }
            contexts.push(raw.unwrap_or_default().into_context(&name, &mut tokens));
        }
        if contexts.is_empty() && self.current.is_none() {
            contexts = super::Config::default().contexts;
        }
        let current = self.current.map(|text| text.0).filter(|name| !name.is_empty());
        let current = current.or_else(|| default_current(&contexts));
        if tokens.is_empty() && !has_tokens {
            tokens = super::Config::default().tokens;
        }
        Ok(super::Config { contexts, current, tokens })
    }
}

/// Without `current-context`: `local` where it exists, else the only context.
fn default_current(contexts: &[Context]) -> Option<String> {
    match contexts {
        [only] => Some(only.name.clone()),
        several => several.iter().find(|context| context.name == super::IMPLICIT).map(|context| context.name.clone()),
    }
}

impl RawContext {
    fn into_context(self, name: &str, tokens: &mut Vec<TokenEntry>) -> Context {
        let defaults = context(name);
        let or =
            |text: Option<Text>, default: String| text.map(|text| text.0).filter(|t| !t.is_empty()).unwrap_or(default);
        let token = match self.token {
            Some(Token::Name(name)) if !name.is_empty() => name,
            Some(Token::Entry(entry)) => {
                if !tokens.iter().any(|known| known.name == entry.name) {
                    tokens.push(entry.clone());
                }
                entry.name
            }
            _ => defaults.token,
        };
        Context {
            endpoint: or(self.endpoint, defaults.endpoint),
            token,
            platform: self.platform.map_or(defaults.platform, |platform| platform.0),
            components: self.components.unwrap_or_default().into_iter().map(|text| text.0).collect(),
            channel: or(self.channel, defaults.channel),
            version: or(self.version, defaults.version),
            provider: or(self.provider, defaults.provider),
            name: defaults.name,
        }
    }
}

/// A string; numbers and booleans count as what they look like, because nobody quotes `version: 0.6`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

#[derive(Debug)]
struct RawPlatform(Platform);

impl<'de> Deserialize<'de> for RawPlatform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlatformVisitor;
        impl Visitor<'_> for PlatformVisitor {
            type Value = RawPlatform;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "one of {}", Platform::NAMES.join(", "))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<RawPlatform, E> {
                if value.is_empty() {
                    return Ok(RawPlatform(Platform::default()));
                }
                let platform = value.to_lowercase().parse();
                platform.map(RawPlatform).map_err(|reason| E::custom(format!("platform {reason}")))
            }
            fn visit_unit<E: de::Error>(self) -> Result<RawPlatform, E> {
                Ok(RawPlatform(Platform::default()))
            }
        }
        deserializer.deserialize_any(PlatformVisitor)
    }
}

/// `token:` of a context: a name, or (January 2021) the entry itself.
#[derive(Debug)]
enum Token {
    Name(String),
    Entry(TokenEntry),
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TokenVisitor;
        impl<'de> Visitor<'de> for TokenVisitor {
            type Value = Token;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a token entry")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Token, E> {
                Ok(Token::Name(value.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Token, E> {
                Ok(Token::Name(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Token, E> {
                Ok(Token::Name(value.to_string()))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Token, E> {
                Ok(Token::Name(String::new()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Token, A::Error> {
                let raw = RawToken::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Token::Entry(raw.into_entry(None)))
            }
        }
        deserializer.deserialize_any(TokenVisitor)
    }
}

#[derive(Debug, Default, Deserialize)]
struct RawToken {
    #[serde(default)]
    name: Option<Text>,
    #[serde(default)]
    location: Option<Text>,
}

impl RawToken {
    fn into_entry(self, key: Option<String>) -> TokenEntry {
        let given = |text: Option<Text>| text.map(|text| text.0).filter(|text| !text.is_empty());
        TokenEntry {
            name: given(self.name).or(key).unwrap_or_else(|| DEFAULT_TOKEN.to_owned()),
            location: given(self.location).unwrap_or_else(|| DEFAULT_LOCATION.to_owned()),
        }
    }
}

/// `tokens:` as a list of entries, or (January 2021) a map of them by name.
#[derive(Debug)]
struct Tokens(Vec<TokenEntry>);

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TokensVisitor;
        impl<'de> Visitor<'de> for TokensVisitor {
            type Value = Tokens;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of token entries")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tokens, A::Error> {
                let mut entries = Vec::new();
                while let Some(raw) = list.next_element::<RawToken>()? {
                    entries.push(raw.into_entry(None));
                }
                Ok(Tokens(entries))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tokens, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, raw)) = map.next_entry::<Text, Option<RawToken>>()? {
                    entries.push(raw.unwrap_or_default().into_entry(Some(name.0)));
                }
                Ok(Tokens(entries))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Tokens, E> {
                Ok(Tokens(Vec::new()))
            }
        }
        deserializer.deserialize_any(TokensVisitor)
    }
}

/// A mapping in file order.
#[derive(Debug)]
struct Entries<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of names to contexts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text, T>()? {
                    entries.push((name.0, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}
