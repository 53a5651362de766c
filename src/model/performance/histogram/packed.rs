//! A histogram in the form in which a run keeps one for each of its seconds.

use std::borrow::Cow;

use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2Serializer};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Histogram;

/// A [`Histogram`] that takes no room for durations that did not occur: a few kilobytes for a second of a run, where a
/// histogram that can be recorded into takes 264 KiB. As JSON the two are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedHistogram {
    count: u64,
    /// HdrHistogram's V2 encoding, which is about two bytes for each duration that occurred; nothing of an empty one.
    bytes: Box<[u8]>,
}

impl PackedHistogram {
    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The histogram, which can be asked for its figures and merged. Who wants several figures unpacks once.
    pub fn unpack(&self) -> Histogram {
        // What is read here was written here, so that only nothing is unreadable: the empty histogram.
        HdrDeserializer::new().deserialize(&mut &*self.bytes).map_or_else(|_| Histogram::new(), Histogram)
    }
}

impl From<&Histogram> for PackedHistogram {
    fn from(histogram: &Histogram) -> Self {
        let mut bytes = Vec::new();
        let is_written = !histogram.is_empty() && V2Serializer::new().serialize(&histogram.0, &mut bytes).is_ok();
        // The library writes every count up to 2^63, which no run reaches; a count of nothing would contradict itself.
        if is_written { Self { count: histogram.count(), bytes: bytes.into() } } else { Self::default() }
    }
}

impl From<Histogram> for PackedHistogram {
    fn from(histogram: Histogram) -> Self {
        Self::from(&histogram)
    }
}

impl Serialize for PackedHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackedHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Histogram::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for PackedHistogram {
    fn schema_name() -> Cow<'static, str> {
        Histogram::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Histogram::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Histogram::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second at 20,000 requests: response times from 50 us to 1.05 ms, and one of a second.
    fn second() -> Histogram {
        let mut histogram = Histogram::new();
        (0..20_000).for_each(|n| histogram.record_ns(50_000 + n * 50));
        histogram.record_ns(1_000_000_000);
        histogram
    }

    #[test]
    fn nothing_is_lost() {
        for histogram in [second(), Histogram::new()] {
            let packed = PackedHistogram::from(&histogram);
            assert_eq!(packed.unpack(), histogram);
            assert_eq!((packed.count(), packed.is_empty()), (histogram.count(), histogram.is_empty()));
            assert_eq!(packed.unpack().percentile_ns(99.0), histogram.percentile_ns(99.0));
        }
    }

    #[test]
    fn what_was_unpacked_merges_with_any_other() {
        let mut sum = PackedHistogram::from(second()).unpack();
        sum.merge(&second());
        sum.record_ns(super::super::HIGHEST);
        assert_eq!(sum.count(), 2 * 20_001 + 1);
    }

    #[test]
    fn ten_minutes_of_seconds_take_a_few_megabytes() {
        let size = PackedHistogram::from(second()).bytes.len();
        assert!(size * 600 < 8 << 20, "{size}");
    }

    #[test]
    fn json_is_that_of_a_histogram() {
        let text = serde_json::to_string(&second()).unwrap();
        let packed: PackedHistogram = serde_json::from_str(&text).unwrap();
        assert_eq!(packed, PackedHistogram::from(second()));
        assert_eq!(serde_json::to_string(&packed).unwrap(), text);
        assert_eq!(schemars::schema_for!(PackedHistogram), schemars::schema_for!(Histogram));
    }
}
