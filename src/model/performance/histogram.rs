//! A histogram of durations that loses nothing when it is merged: HdrHistogram with nanoseconds as its unit.

mod packed;

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2DeflateSerializer};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use packed::PackedHistogram;

/// Significant decimal digits that a recorded value keeps.
pub const DIGITS: u8 = 3;
/// The longest duration that is told apart from longer ones: one hour. Longer ones are recorded as this.
pub const HIGHEST: u64 = 3_600_000_000_000;
/// The begin of an encoding that is compressed.
const COMPRESSED: [u8; 4] = 0x1c84_9304_u32.to_be_bytes();
/// No encoding is longer, in bytes: with every count of a histogram of four digits it is half of this.
const LONGEST: u64 = 16 << 20;

/// Durations in nanoseconds, to three significant digits, from 1 ns to one hour.
///
/// As JSON it is its figures (`count`, `min_ns`, `max_ns`, `mean_ns`, `stdev_ns`) and the whole of it as `hdr`: base64 of
/// HdrHistogram's V2 encoding with DEFLATE. Only `hdr` is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty one. Every one that this makes has the same configuration, so that all of them can be merged.
    ///
    /// # Panics
    /// Never: the library accepts these bounds.
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that the library accepts")]
        Self(hdrhistogram::Histogram::new_with_bounds(1, HIGHEST, DIGITS).expect("bounds that the library accepts"))
    }

    /// Counts one duration, given in nanoseconds.
    pub fn record_ns(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds.clamp(1, HIGHEST));
    }

    /// Counts one duration `count` times.
    pub fn record_n(&mut self, nanoseconds: u64, count: u64) {
        self.0.saturating_record_n(nanoseconds.clamp(1, HIGHEST), count);
    }

    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        self.record_ns(u64::try_from(duration.as_nanos()).unwrap_or(HIGHEST));
    }

    /// Adds every count of `other`.
    ///
    /// # Panics
    /// Never: values are clamped to one range.
    pub fn merge(&mut self, other: &Self) {
        #[expect(clippy::expect_used, reason = "the range of other histograms is clamped to this one's")]
        self.0.add(&other.0).expect("histograms of one range");
    }

    /// Forgets every count and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The shortest duration in nanoseconds; 0 when empty.
    pub fn min_ns(&self) -> u64 {
        if self.is_empty() { 0 } else { self.0.min() }
    }

    /// The longest duration in nanoseconds; 0 when empty.
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// The arithmetic mean in nanoseconds; 0 when empty.
    pub fn mean_ns(&self) -> f64 {
        self.0.mean()
    }

    /// The standard deviation of the population in nanoseconds; 0 when empty.
    pub fn stdev_ns(&self) -> f64 {
        self.0.stdev()
    }

    /// The duration in nanoseconds that `percentile` percent (0 to 100) of all do not exceed; 0 when empty.
    pub fn percentile_ns(&self, percentile: f64) -> u64 {
        if self.is_empty() { 0 } else { self.0.value_at_percentile(percentile) }
    }

    /// As [`Self::percentile_ns`], of all these durations and `late` more that are longer than every one of them; none where
    /// the percentile lies among the late ones, or there is nothing at all.
    pub fn percentile_with_late_ns(&self, percentile: f64, late: u64) -> Option<u64> {
        if self.is_empty() || late == 0 {
            return (!self.is_empty()).then(|| self.percentile_ns(percentile));
        }
        let rank = rank(self.count() + late, percentile);
        (rank <= self.count()).then(|| self.at_rank_ns(rank))
    }

    /// The duration in nanoseconds at the rank `rank`, counted from 1, of all in order; 0 when empty.
    pub fn at_rank_ns(&self, rank: u64) -> u64 {
        let mut seen = 0;
        for step in self.0.iter_recorded() {
            seen += step.count_at_value();
            if seen >= rank {
                return step.value_iterated_to();
            }
        }
        self.max_ns()
    }

    /// How many are at most `nanoseconds` long.
    pub fn count_up_to_ns(&self, nanoseconds: u64) -> u64 {
        self.0.count_between(0, nanoseconds.min(HIGHEST))
    }

    /// Recorded durations with their counts, shortest first.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// The library's own histogram, for its writers.
    pub fn inner(&self) -> &hdrhistogram::Histogram<u64> {
        &self.0
    }

    /// HdrHistogram's V2 encoding with DEFLATE.
    ///
    /// # Errors
    /// The library's own words.
    pub fn to_v2(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).map_err(|problem| problem.to_string())?;
        Ok(bytes)
    }

    /// [`Self::to_v2`] as base64.
    ///
    /// # Errors
    /// The library's own words.
    pub fn encode(&self) -> Result<String, String> {
        self.to_v2().map(|bytes| STANDARD.encode(bytes))
    }

    /// Reads what [`Self::encode`], or any HdrHistogram library, wrote. Counts keep their value whatever the
    /// configuration it was written with.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn decode(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|problem| format!("not base64: {problem}"))?;
        Self::from_v2(&bytes)
    }

    /// Reads what [`Self::to_v2`], or any HdrHistogram library, wrote; see [`Self::decode`].
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_v2(bytes: &[u8]) -> Result<Self, String> {
        let plain = inflated(bytes)?;
        let read: hdrhistogram::Histogram<u64> = HdrDeserializer::new()
            .deserialize(&mut plain.as_ref())
            .map_err(|problem| format!("not an HdrHistogram: {problem}"))?;
        let mut histogram = Self::new();
        for step in read.iter_recorded() {
            histogram.record_n(step.value_iterated_to(), step.count_at_value());
        }
        Ok(histogram)
    }
}

/// The encoding without its compression. The library takes room for as many bytes as an encoding says that it has, so what
/// it says is held against what there is.
fn inflated(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let plain = match bytes.split_first_chunk::<8>() {
        Some(([cookie @ .., _, _, _, _], rest)) if *cookie == COMPRESSED => {
            let mut plain = Vec::new();
            let read = ZlibDecoder::new(rest).take(LONGEST + 1).read_to_end(&mut plain);
            read.map_err(|problem| format!("not an HdrHistogram: {problem}"))?;
            Cow::Owned(plain)
        }
        _ => Cow::Borrowed(bytes),
    };
    let told = plain.get(4..8).and_then(|length| length.try_into().ok()).map_or(0, u32::from_be_bytes);
    if plain.len() as u64 > LONGEST || u64::from(told) > plain.len() as u64 {
        return Err("not an HdrHistogram: it is longer than it can be, or cut".to_owned());
    }
    Ok(plain)
}

/// The rank, counted from 1, of a percentile (0 to 100) among `count`. Shares such as 1 - 0.999 carry the dust of binary
/// fractions, which must not cost a rank.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts stay far below 2^53, and the share lies between 0 and 1"
)]
fn rank(count: u64, percentile: f64) -> u64 {
    const DUST: f64 = 1e-6;
    let share = ((100.0 - percentile) / 100.0).clamp(0.0, 1.0);
    let beyond = (count as f64 * share + DUST).floor() as u64;
    count.saturating_sub(beyond).max(1)
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Histogram", 6)?;
        object.serialize_field("count", &self.count())?;
        object.serialize_field("min_ns", &self.min_ns())?;
        object.serialize_field("max_ns", &self.max_ns())?;
        object.serialize_field("mean_ns", &self.mean_ns())?;
        object.serialize_field("stdev_ns", &self.stdev_ns())?;
        object.serialize_field("hdr", &self.encode().map_err(S::Error::custom)?)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Form {
            hdr: String,
        }
        Self::decode(&Form::deserialize(deserializer)?.hdr).map_err(D::Error::custom)
    }
}

impl JsonSchema for Histogram {
    fn schema_name() -> Cow<'static, str> {
        "Histogram".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Durations in nanoseconds.",
            "required": ["count", "min_ns", "max_ns", "mean_ns", "stdev_ns", "hdr"],
            "properties": {
                "count": { "type": "integer", "minimum": 0, "description": "Number of durations." },
                "min_ns": { "type": "integer", "minimum": 0, "description": "The shortest one." },
                "max_ns": { "type": "integer", "minimum": 0, "description": "The longest one." },
                "mean_ns": { "type": "number", "description": "The arithmetic mean." },
                "stdev_ns": { "type": "number", "description": "The standard deviation of the population." },
                "hdr": {
                    "type": "string",
                    "description": "All of them: base64 of HdrHistogram's V2 encoding with DEFLATE."
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for value in values {
            histogram.record_ns(*value);
        }
        histogram
    }

    #[test]
    fn json_keeps_every_count() {
        let histogram = of(&[1, 999, 55_000, 55_000, 3_000_000, 59_000_000_000]);
        let text = serde_json::to_string(&histogram).unwrap();
        let back: Histogram = serde_json::from_str(&text).unwrap();
        assert_eq!(back.counts().collect::<Vec<_>>(), histogram.counts().collect::<Vec<_>>());
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn an_encoding_that_claims_more_than_it_holds_is_refused() {
        let whole = of(&[10, 20]).to_v2().unwrap();
        assert!(Histogram::from_v2(&whole).is_ok());
        let mut plain = Vec::new();
        ZlibDecoder::new(&whole[8..]).read_to_end(&mut plain).unwrap();
        assert_eq!(Histogram::from_v2(&plain).unwrap().count(), 2, "without compression");
        let mut claims = plain.clone();
        claims[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        let mut packed = flate2::write::ZlibEncoder::new(whole[..8].to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &claims).unwrap();
        let bomb = {
            let mut bomb = flate2::write::ZlibEncoder::new(whole[..8].to_vec(), flate2::Compression::fast());
            std::io::Write::write_all(&mut bomb, &vec![0; usize::try_from(LONGEST).unwrap() + 1]).unwrap();
            bomb.finish().unwrap()
        };
        for bytes in
            [&claims, &packed.finish().unwrap(), &bomb, &plain[..6].to_vec(), &whole[..9].to_vec(), &Vec::new()]
        {
            assert!(Histogram::from_v2(bytes).unwrap_err().starts_with("not an HdrHistogram"), "{}", bytes.len());
        }
    }

    #[test]
    fn a_merged_histogram_is_the_sum_of_its_parts() {
        let mut whole = of(&[10, 20, 30_000]);
        whole.merge(&of(&[20, 40_000_000]));
        assert_eq!(
            whole.counts().collect::<Vec<_>>(),
            of(&[10, 20, 20, 30_000, 40_000_000]).counts().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_beyond_the_bounds_is_counted_at_them() {
        let histogram = of(&[0, u64::MAX]);
        assert_eq!((histogram.count(), histogram.min_ns()), (2, 1));
        assert!(histogram.max_ns() >= HIGHEST);
    }

    #[test]
    fn ranks_are_counted_from_one() {
        let histogram = of(&[10, 20, 30]);
        assert_eq!([1, 2, 3, 9].map(|rank| histogram.at_rank_ns(rank)), [10, 20, 30, 30]);
    }

    #[test]
    fn late_ones_are_longer_than_all_others() {
        // 9,910 durations of 1 to 9,910 us, and 90 that are only known to be longer.
        let histogram = of(&(1..=9_910).map(|us| us * 1_000).collect::<Vec<_>>());
        let p99 = histogram.percentile_with_late_ns(99.0, 90).unwrap();
        assert_eq!(p99, histogram.at_rank_ns(9_900));
        assert!(p99 > histogram.percentile_ns(99.0), "the 9,811th of those that came is too fast");
        assert_eq!(histogram.percentile_with_late_ns(99.0, 0), Some(histogram.percentile_ns(99.0)));
        assert_eq!(histogram.percentile_with_late_ns(99.9, 90), None);
        assert_eq!((of(&[]).percentile_with_late_ns(50.0, 3), of(&[]).percentile_with_late_ns(50.0, 0)), (None, None));
        assert_eq!(of(&[7]).percentile_with_late_ns(50.0, 1), Some(7));
    }

    #[test]
    fn ranks_of_percentiles_are_exact() {
        for (count, percentile, expected) in
            [(10_000, 99.0, 9_900), (1_000, 99.9, 999), (100_000, 99.99, 99_990), (1, 99.0, 1), (10, 100.0, 10)]
        {
            assert_eq!(rank(count, percentile), expected, "p{percentile} of {count}");
        }
    }

    #[test]
    fn damaged_text_is_refused() {
        assert!(Histogram::decode("*").unwrap_err().contains("base64"));
        assert!(Histogram::decode("AAAA").unwrap_err().contains("HdrHistogram"));
    }
}
