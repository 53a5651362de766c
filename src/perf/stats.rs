//! What a sample can say, and how surely.

pub mod bootstrap;
pub mod order;
pub mod random;

/// Quantile of the normal distribution that encloses 95 % with its negative.
pub const Z95: f64 = 1.959_964;

/// Two bounds, the lower first.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Bounds {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Bounds {
    /// Whether the value lies within.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// An interval of which an end may be open: too few responses may set a lower bound and no upper one.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Span {
    /// Lower bound; none where the results set none.
    pub low: Option<f64>,
    /// Upper bound; none where the results set none.
    pub high: Option<f64>,
}

impl From<Bounds> for Span {
    fn from(bounds: Bounds) -> Self {
        let finite = |bound: f64| bound.is_finite().then_some(bound);
        Self { low: finite(bounds.low), high: finite(bounds.high) }
    }
}

/// The quantile of Student's distribution that encloses 95 % with its negative, for `freedom` degrees of freedom. By the
/// expansion of Cornish and Fisher; within 1 % from three degrees on, exact for one and two.
pub fn student95(freedom: f64) -> f64 {
    if freedom < 1.5 {
        return 12.706;
    }
    if freedom < 2.5 {
        return 4.303;
    }
    let z = Z95;
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
}

/// Wilson's 95 % interval of a share, of which `hits` of `all` were seen.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn wilson95(hits: u64, all: u64) -> Option<Bounds> {
    if all == 0 {
        return None;
    }
    let (n, share) = (all as f64, hits as f64 / all as f64);
    let z2 = Z95 * Z95;
    let center = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Bounds { low: (center - half).max(0.0), high: (center + half).min(1.0) })
}

/// The 95 % interval of the mean of a count that follows Poisson's law, of which `count` was seen. By its square root,
/// whose spread does not depend on the mean.
pub fn poisson95(count: f64) -> Bounds {
    let half = Z95 / 2.0;
    let low = if count < 1.0 { 0.0 } else { (count.sqrt() - half).max(0.0).powi(2) };
    Bounds { low, high: ((count + 1.0).sqrt() + half).powi(2) }
}

/// The interval of a difference `after - before` of two independent estimates, each with its own interval (the method of
/// variance estimates recovery, MOVER: it keeps intervals that are not symmetric).
pub fn difference(before: (f64, Bounds), after: (f64, Bounds)) -> Bounds {
    let ((a, a_bounds), (b, b_bounds)) = (before, after);
    Bounds {
        low: b - a - (b - b_bounds.low).hypot(a_bounds.high - a),
        high: b - a + (b_bounds.high - b).hypot(a - a_bounds.low),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use super::*;

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (freedom, table) in [(1.0, 12.706), (2.0, 4.303), (3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042)]
        {
            let got = student95(freedom);
            assert!((got / table - 1.0).abs() < 0.01, "{freedom}: {got} for {table}");
        }
    }

    #[test]
    fn wilson_stays_between_nothing_and_all() {
        let none = wilson95(0, 100).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.037).abs() < 0.001, "{none:?}");
        let half = wilson95(50, 100).unwrap();
        assert!((half.low - 0.404).abs() < 0.001 && (half.high - 0.596).abs() < 0.001, "{half:?}");
        assert_eq!(wilson95(0, 0), None);
    }

    #[test]
    fn bounds_of_counts_are_near_the_exact_ones() {
        for (count, low, high) in
            [(0.0, 0.0, 3.689), (10.0, 4.795, 18.39), (79.0, 62.54, 98.46), (2_000.0, 1_913.3, 2_089.6)]
        {
            let bounds = poisson95(count);
            let near = |got: f64, exact: f64| (got - exact).abs() <= 0.05 * exact.max(5.0);
            assert!(near(bounds.low, low) && near(bounds.high, high), "{count}: {bounds:?}");
        }
    }

    #[test]
    fn a_difference_is_as_unsure_as_both_of_its_ends() {
        let one = (10.0, Bounds { low: 9.0, high: 13.0 });
        let other = (20.0, Bounds { low: 16.0, high: 21.0 });
        let bounds = difference(one, other);
        assert!((bounds.low - 5.0).abs() < 1e-9, "{bounds:?}");
        assert!((bounds.high - (10.0 + 2f64.sqrt())).abs() < 1e-9, "{bounds:?}");
    }
}
