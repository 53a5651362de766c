//! Intervals as they cross the wire between workers and their controller.

use std::collections::BTreeMap;

use crate::base::{Error, Result};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Cause, Interval};
use crate::perf::control::Detail;
use crate::wire::worker as wire;

/// For the wire.
///
/// # Errors
/// A histogram that cannot be written.
pub fn to_wire(index: u64, interval: &Interval, detail: Option<&Detail>) -> Result<wire::Interval> {
    Ok(wire::Interval {
        index,
        start_seconds: interval.start_seconds,
        length_seconds: interval.length_seconds,
        sent: interval.sent,
        succeeded: interval.succeeded,
        failed: interval.failed,
        dropped: interval.dropped,
        response: bytes(&interval.response.unpack())?,
        detail: detail.map(detail_to_wire).transpose()?,
    })
}

fn detail_to_wire(detail: &Detail) -> Result<wire::Detail> {
    let by_class = detail.by_class.iter().map(|(class, histogram)| Ok((class.clone(), bytes(histogram)?)));
    Ok(wire::Detail {
        service: bytes(&detail.service)?,
        slip: bytes(&detail.slip)?,
        by_class: by_class.collect::<Result<_>>()?,
        statuses: detail.statuses.clone().into_iter().collect(),
        errors: detail.errors.iter().map(|(cause, count)| (cause.name().to_owned(), *count)).collect(),
    })
}

fn bytes(histogram: &Histogram) -> Result<Vec<u8>> {
    histogram.to_v2().map_err(|cause| Error::internal("a histogram cannot be written").because(cause))
}

/// From the wire.
///
/// # Errors
/// What of it cannot be read.
pub(super) fn from_wire(message: wire::Interval) -> Result<(Interval, Option<Detail>), String> {
    let interval = Interval {
        start_seconds: message.start_seconds,
        length_seconds: message.length_seconds,
        sent: message.sent,
        succeeded: message.succeeded,
        failed: message.failed,
        dropped: message.dropped,
        response: Histogram::from_v2(&message.response)?.into(),
    };
    Ok((interval, message.detail.map(detail_from_wire).transpose()?))
}

fn detail_from_wire(message: wire::Detail) -> Result<Detail, String> {
    let by_class = message.by_class.into_iter().map(|(class, bytes)| Ok((class, Histogram::from_v2(&bytes)?)));
    let mut errors = BTreeMap::new();
    for (name, count) in message.errors {
        *errors.entry(cause(&name)).or_default() += count;
    }
    Ok(Detail {
        service: Histogram::from_v2(&message.service)?,
        slip: Histogram::from_v2(&message.slip)?,
        by_class: by_class.collect::<Result<_, String>>()?,
        statuses: message.statuses.into_iter().collect(),
        errors,
    })
}

/// The cause of that name; one that only a newer worker knows counts as another.
fn cause(name: &str) -> Cause {
    serde_json::from_value(serde_json::Value::from(name)).unwrap_or(Cause::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for value in values {
            histogram.record_ns(*value);
        }
        histogram
    }

    #[test]
    fn the_wire_keeps_every_count() {
        let interval = Interval {
            start_seconds: 3.0,
            length_seconds: 1.0,
            sent: 9,
            succeeded: 5,
            failed: 3,
            dropped: 1,
            response: histogram(&[1_000, 2_000_000, 2_000_000]).into(),
        };
        let detail = Detail {
            service: histogram(&[7]),
            slip: histogram(&[9, 9]),
            by_class: [("2xx".to_owned(), histogram(&[1]))].into(),
            statuses: [("200".to_owned(), 5)].into(),
            errors: [(Cause::Reset, 2), (Cause::ConnectTimeout, 1)].into(),
        };
        let (back, back_detail) = from_wire(to_wire(3, &interval, Some(&detail)).unwrap()).unwrap();
        let counts = |histogram: &Histogram| histogram.counts().collect::<Vec<_>>();
        assert_eq!(back.response, interval.response);
        assert_eq!((back.sent, back.succeeded, back.failed, back.dropped), (9, 5, 3, 1));
        let back_detail = back_detail.unwrap();
        assert_eq!(counts(&back_detail.slip), counts(&detail.slip));
        assert_eq!((back_detail.statuses, back_detail.errors), (detail.statuses, detail.errors));
    }

    #[test]
    fn a_damaged_histogram_and_an_unknown_cause_do_no_harm() {
        let interval = wire::Interval { response: vec![1, 2, 3], ..wire::Interval::default() };
        assert!(from_wire(interval).unwrap_err().contains("HdrHistogram"));
        assert_eq!(cause("solar-flare"), Cause::Other);
    }
}
