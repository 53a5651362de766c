//! Places slots of columns one below the other so that few lines cross: barycentre sweeps, best order kept, and then
//! heights that bring neighbours close without overlaps.

/// Sweeps over all columns; more change little.
const SWEEPS: usize = 8;

/// Columns of slots, and the lines between slots of neighbouring columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// Slots of each column, from top to bottom.
    pub(super) columns: Vec<Vec<usize>>,
    /// Lines, each from a slot to one of the next column.
    pub(super) links: Vec<(usize, usize)>,
}

impl Columns {
    /// Reorders the slots of every column.
    pub(super) fn arrange(&mut self, slots: usize) {
        let (left, right) = self.neighbours(slots);
        let mut best = (self.crossings(slots), self.columns.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let forward = sweep % 2 == 0;
            let count = self.columns.len();
            for step in 0..count {
                let at = if forward { step } else { count - 1 - step };
                self.sort(at, if forward { &left } else { &right }, slots);
            }
            let crossings = self.crossings(slots);
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    /// For each slot its neighbours in the column before and in the one after.
    fn neighbours(&self, slots: usize) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let (mut left, mut right) = (vec![Vec::new(); slots], vec![Vec::new(); slots]);
        for (from, to) in &self.links {
            left[*to].push(*from);
            right[*from].push(*to);
        }
        (left, right)
    }

    /// Orders a column by the middle of each slot's neighbours; slots without any keep their place.
    fn sort(&mut self, at: usize, neighbours: &[Vec<usize>], slots: usize) {
        let place = self.places(slots);
        let column = &mut self.columns[at];
        let mut ranked: Vec<(f64, usize)> = column
            .iter()
            .map(|slot| {
                let near = &neighbours[*slot];
                if near.is_empty() {
                    return (fraction(place[*slot]), *slot);
                }
                let sum: f64 = near.iter().map(|other| fraction(place[*other])).sum();
                (sum / fraction(near.len()), *slot)
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        *column = ranked.into_iter().map(|(_, slot)| slot).collect();
    }

    fn places(&self, slots: usize) -> Vec<usize> {
        let mut place = vec![0; slots];
        for column in &self.columns {
            for (at, slot) in column.iter().enumerate() {
                place[*slot] = at;
            }
        }
        place
    }

    /// How often lines cross.
    pub(super) fn crossings(&self, slots: usize) -> usize {
        let place = self.places(slots);
        let mut column_of = vec![0; slots];
        for (at, column) in self.columns.iter().enumerate() {
            for slot in column {
                column_of[*slot] = at;
            }
        }
        let mut between: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.columns.len()];
        for (from, to) in &self.links {
            between[column_of[*from]].push((place[*from], place[*to]));
        }
        between.iter_mut().map(|links| inversions(links)).sum()
    }
}

/// Pairs of lines that cross between two columns, counted with a tree of sums.
fn inversions(links: &mut [(usize, usize)]) -> usize {
    links.sort_unstable();
    let size = links.iter().map(|(_, to)| to + 1).max().unwrap_or_default();
    let mut sums = vec![0usize; size + 1];
    let mut crossings = 0;
    for (seen, (_, to)) in links.iter().enumerate() {
        let (mut at, mut not_below) = (to + 1, 0);
        while at > 0 {
            not_below += sums[at];
            at &= at - 1;
        }
        crossings += seen - not_below;
        let mut at = to + 1;
        while at <= size {
            sums[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    crossings
}

#[allow(clippy::cast_precision_loss, reason = "numbers of boxes in a picture are small")]
fn fraction(number: usize) -> f64 {
    number as f64
}

/// Heights nearest to the wished ones that keep `gaps[i]` between the middles of slot `i` and the one above it.
pub(super) fn spread(wished: &[f64], gaps: &[f64]) -> Vec<f64> {
    // Minus the gaps above it, every height must only not be less than the one before: the classic pooling of violators.
    let mut above = 0.0;
    let mut offsets = Vec::with_capacity(wished.len());
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wish, gap) in wished.iter().zip(gaps) {
        above += gap;
        offsets.push(above);
        pools.push((wish - above, 1));
        while let [.., (before, many), (last, few)] = pools[..]
            && before > last
        {
            let mean = (before * fraction(many) + last * fraction(few)) / fraction(many + few);
            pools.truncate(pools.len() - 2);
            pools.push((mean, many + few));
        }
    }
    let flat = pools.into_iter().flat_map(|(height, count)| std::iter::repeat_n(height, count));
    flat.zip(offsets).map(|(height, offset)| height + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_are_counted_and_swept_away() {
        let mut columns = Columns { columns: vec![vec![0, 1, 2], vec![3, 4, 5]], links: vec![(0, 5), (1, 4), (2, 3)] };
        assert_eq!(columns.crossings(6), 3);
        columns.arrange(6);
        assert_eq!(columns.crossings(6), 0);
    }

    #[test]
    fn lines_that_share_an_end_do_not_cross() {
        let columns = Columns { columns: vec![vec![0, 1], vec![2, 3]], links: vec![(0, 2), (0, 3), (1, 3)] };
        assert_eq!(columns.crossings(4), 0);
    }

    #[test]
    fn heights_keep_their_gaps_and_stay_near_the_wish() {
        let heights = spread(&[10.0, 10.0, 50.0], &[0.0, 6.0, 6.0]);
        assert!(heights.iter().zip([7.0, 13.0, 50.0]).all(|(got, wanted)| (got - wanted).abs() < 1e-9), "{heights:?}");
        let tight = spread(&[5.0, 0.0, 0.0, 100.0], &[0.0, 6.0, 6.0, 6.0]);
        assert!(tight.windows(2).all(|pair| pair[1] - pair[0] >= 6.0 - 1e-9), "{tight:?}");
    }
}
