//! Places the graph on a plane: waves become columns from left to right, long edges pass through columns in lanes.
//!
//! Lengths are units of the picture: a letter of a name is [`NAME_LETTER`] wide in it, because all fonts used are of one
//! width. [`super::svg`] and [`super::png`] draw what is placed here.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::order::{Columns, spread};
use super::{Graph, Node};
use crate::model::pattern::ServiceHealth;

/// Width of a letter in the first line of a box.
pub const NAME_LETTER: f64 = 7.0;
/// Width of a letter in the lines below it.
pub const SMALL_LETTER: f64 = 5.5;
/// Height of the first line of a box.
pub const NAME_LINE: f64 = 16.0;
/// Height of the lines below it.
pub const SMALL_LINE: f64 = 12.0;
/// Space around the text of a box.
pub const PADDING: f64 = 8.0;

const MARGIN: f64 = 20.0;
const TITLE: f64 = 26.0;
const LEGEND: f64 = 24.0;
const BETWEEN_BOXES: f64 = 14.0;
const LANE: f64 = 6.0;
const BETWEEN_COLUMNS: f64 = 48.0;
/// Longest text in a box, in letters.
const LONGEST: usize = 42;

/// The placed graph.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// Its heading.
    pub title: String,
    /// What the lines mean.
    pub legend: String,
    /// The services.
    pub boxes: Vec<Placed>,
    /// The lines between them.
    pub curves: Vec<Curve>,
}

/// A service on the plane.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Its lines of text, the name first.
    pub lines: Vec<String>,
    /// Everything about it in one sentence.
    pub sentence: String,
    /// Whether it only draws.
    pub drawing: bool,
    /// Its health, where known.
    pub health: Option<ServiceHealth>,
}

/// A piece of a line; it leaves and arrives horizontally.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// Where it begins.
    pub from: (f64, f64),
    /// Where it ends, to the right of it.
    pub to: (f64, f64),
    /// Whether Kubernetes implies it.
    pub implied: bool,
    /// Whether it ends at a service, with a head.
    pub head: bool,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// A service.
    Node,
    /// Lines from one service on their way to columns further right.
    Lane,
}

/// A line between neighbouring columns.
#[derive(Debug, Clone, Copy)]
struct Link {
    from: usize,
    to: usize,
    implied: bool,
}

struct Plan {
    columns: Columns,
    slots: Vec<Slot>,
    links: Vec<Link>,
    sizes: Vec<(f64, f64)>,
}

impl Layout {
    /// Places a graph.
    pub fn of(graph: &Graph) -> Self {
        let texts: Vec<Vec<String>> = graph.services.iter().map(lines).collect();
        let mut plan = Plan::of(graph, &texts);
        plan.columns.arrange(plan.slots.len());
        let middles = plan.heights();
        plan.draw(graph, &texts, &middles)
    }
}

fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![short(&node.service), short(&node.kind)];
    let mut facts: Vec<&str> = Vec::new();
    facts.extend(node.namespace.as_deref());
    facts.extend(node.health.map(ServiceHealth::word));
    if !facts.is_empty() {
        lines.push(short(&facts.join(" - ")));
    }
    lines
}

fn short(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = String::new();
    for c in clean.chars() {
        if out.width() >= LONGEST {
            return out + "...";
        }
        out.push(c);
    }
    out
}

fn size(lines: &[String]) -> (f64, f64) {
    let width = lines.iter().enumerate().map(|(at, line)| text_width(line, at == 0)).fold(60.0, f64::max);
    let below = SMALL_LINE * count(lines.len().saturating_sub(1));
    (width + 2.0 * PADDING, NAME_LINE + below + 2.0 * PADDING)
}

/// Width of a line of a box.
pub fn text_width(text: &str, is_name: bool) -> f64 {
    count(text.width()) * if is_name { NAME_LETTER } else { SMALL_LETTER }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of boxes and letters in a picture are small")]
fn count(number: usize) -> f64 {
    number as f64
}

impl Plan {
    /// Columns with lanes for every line that passes them.
    fn of(graph: &Graph, texts: &[Vec<String>]) -> Self {
        let (columns, column_of) = columns(graph);
        let mut plan = Self {
            columns: Columns { columns, links: Vec::new() },
            slots: vec![Slot::Node; graph.services.len()],
            links: Vec::new(),
            sizes: texts.iter().map(|lines| size(lines)).collect(),
        };
        // All lines of one service and one style share their lanes.
        let mut bundles: BTreeMap<(usize, bool), Vec<usize>> = BTreeMap::new();
        for (first, then, why) in graph.pairs() {
            bundles.entry((first, why.is_implied())).or_default().push(then);
        }
        for ((first, implied), targets) in bundles {
            plan.route((first, column_of[first]), implied, &targets, &column_of);
        }
        plan.columns.links = plan.links.iter().map(|link| (link.from, link.to)).collect();
        plan
    }

    fn route(&mut self, (first, column): (usize, usize), implied: bool, targets: &[usize], column_of: &[usize]) {
        let furthest = targets.iter().map(|target| column_of[*target]).max().unwrap_or(column);
        let mut before = first;
        for here in column + 1..=furthest {
            for target in targets.iter().filter(|target| column_of[**target] == here) {
                self.links.push(Link { from: before, to: *target, implied });
            }
            if here < furthest {
                let lane = self.slots.len();
                self.slots.push(Slot::Lane);
                self.sizes.push((0.0, LANE));
                self.columns.columns[here].push(lane);
                self.links.push(Link { from: before, to: lane, implied });
                before = lane;
            }
        }
    }

    /// The middle of each slot: near its neighbours, and clear of those above and below.
    fn heights(&self) -> Vec<f64> {
        let mut middles = vec![0.0; self.slots.len()];
        for column in &self.columns.columns {
            let mut y = 0.0;
            for (slot, gap) in column.iter().zip(self.gaps(column)) {
                y += gap;
                middles[*slot] = y;
            }
        }
        let mut near: [Vec<Vec<usize>>; 2] = [vec![Vec::new(); self.slots.len()], vec![Vec::new(); self.slots.len()]];
        for link in &self.links {
            near[0][link.to].push(link.from);
            near[1][link.from].push(link.to);
        }
        let count_columns = self.columns.columns.len();
        for pass in 0..6 {
            for step in 0..count_columns {
                let at = if pass % 2 == 0 { step } else { count_columns - 1 - step };
                let column = &self.columns.columns[at];
                let wished: Vec<f64> = column.iter().map(|slot| wish(*slot, &near[pass % 2], &middles)).collect();
                for (slot, middle) in column.iter().zip(spread(&wished, &self.gaps(column))) {
                    middles[*slot] = middle;
                }
            }
        }
        middles
    }

    /// Least distance of each slot's middle from that of the slot above; of the first one from nothing.
    fn gaps(&self, column: &[usize]) -> Vec<f64> {
        let half = |slot: usize| self.sizes[slot].1 / 2.0;
        let mut gaps = vec![0.0; column.len().min(1)];
        gaps.extend(column.windows(2).map(|pair| {
            let lanes = pair.iter().all(|slot| matches!(self.slots[*slot], Slot::Lane));
            half(pair[0]) + half(pair[1]) + if lanes { 0.0 } else { BETWEEN_BOXES }
        }));
        gaps
    }

    fn draw(&self, graph: &Graph, texts: &[Vec<String>], middles: &[f64]) -> Layout {
        let top = |slot: usize| middles[slot] - self.sizes[slot].1 / 2.0;
        let highest = (0..self.slots.len()).map(top).fold(f64::INFINITY, f64::min);
        let down = MARGIN + TITLE - if highest.is_finite() { highest } else { 0.0 };
        let mut spans = vec![(0.0, 0.0); self.slots.len()];
        let mut x = MARGIN;
        for column in &self.columns.columns {
            let width = column.iter().map(|slot| self.sizes[*slot].0).fold(0.0, f64::max);
            for slot in column {
                let own = if matches!(self.slots[*slot], Slot::Lane) { width } else { self.sizes[*slot].0 };
                spans[*slot] = (x + (width - own) / 2.0, own);
            }
            x += width + BETWEEN_COLUMNS;
        }
        let boxes: Vec<Placed> = graph
            .services
            .iter()
            .enumerate()
            .map(|(at, node)| Placed {
                x: spans[at].0,
                y: top(at) + down,
                width: spans[at].1,
                height: self.sizes[at].1,
                lines: texts[at].clone(),
                sentence: sentence(node),
                drawing: node.drawing,
                health: node.health,
            })
            .collect();
        let lowest = (0..self.slots.len())
            .map(|slot| middles[slot] + self.sizes[slot].1 / 2.0 + down)
            .fold(MARGIN + TITLE, f64::max);
        let (title, legend) = (short(&graph.pattern), legend(graph));
        let texts_width = text_width(&title, true).max(text_width(&legend, false)) + 2.0 * MARGIN;
        Layout {
            width: (x - BETWEEN_COLUMNS + MARGIN).max(texts_width),
            height: lowest + LEGEND + MARGIN,
            title,
            legend,
            boxes,
            curves: self.curves(middles, &spans, down),
        }
    }

    fn curves(&self, middles: &[f64], spans: &[(f64, f64)], down: f64) -> Vec<Curve> {
        let mut curves: Vec<Curve> = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let from = (spans[link.from].0 + spans[link.from].1, middles[link.from] + down);
            let to = (spans[link.to].0, middles[link.to] + down);
            let head = matches!(self.slots[link.to], Slot::Node);
            curves.push(Curve { from, to, implied: link.implied, head });
            if !head {
                // Through the column, straight on.
                let end = (to.0 + spans[link.to].1, to.1);
                curves.push(Curve { from: to, to: end, implied: link.implied, head: false });
            }
        }
        curves
    }
}

/// Where a slot would like to be: in the middle of its neighbours.
fn wish(slot: usize, near: &[Vec<usize>], middles: &[f64]) -> f64 {
    let near = &near[slot];
    if near.is_empty() {
        middles[slot]
    } else {
        near.iter().map(|other| middles[*other]).sum::<f64>() / count(near.len())
    }
}

/// The services of each column. A wave of many is several columns, or the picture would be a stripe.
fn columns(graph: &Graph) -> (Vec<Vec<usize>>, Vec<usize>) {
    let most = (graph.services.len() * 3 / 2).isqrt().max(8);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for wave in 1..=graph.waves {
        let members: Vec<usize> =
            graph.services.iter().enumerate().filter(|(_, node)| node.wave == wave).map(|(at, _)| at).collect();
        let parts = members.len().div_ceil(most).max(1);
        columns.extend(members.chunks(members.len().div_ceil(parts).max(1)).map(<[usize]>::to_vec));
    }
    let mut column_of = vec![0; graph.services.len()];
    for (at, column) in columns.iter().enumerate() {
        for node in column {
            column_of[*node] = at;
        }
    }
    (columns, column_of)
}

fn sentence(node: &Node) -> String {
    let place = node.namespace.as_deref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    let health = node.health.map(|health| format!(", {}", health.word())).unwrap_or_default();
    let message = node.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{}: {} {}{place}, wave {}{health}{message}", node.service, node.kind, node.name, node.wave)
}

fn legend(graph: &Graph) -> String {
    let mut facts = vec!["arrows lead from what comes first to what needs it"];
    if graph.edges.iter().any(|edge| edge.why.is_implied()) {
        facts.push("dotted: implied by Kubernetes");
    }
    if graph.services.iter().any(|node| node.drawing) {
        facts.push("dashed: only drawn");
    }
    facts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SHOP, graph};
    use super::*;
    use std::fmt::Write;

    fn overlap(a: &Placed, b: &Placed) -> bool {
        a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
    }

    fn check(layout: &Layout) {
        for (at, one) in layout.boxes.iter().enumerate() {
            assert!(layout.boxes[at + 1..].iter().all(|other| !overlap(one, other)), "{one:?}");
            assert!(one.x >= 0.0 && one.y >= 0.0, "{one:?}");
            assert!(one.x + one.width <= layout.width && one.y + one.height <= layout.height, "{one:?}");
            for (line, text) in one.lines.iter().enumerate() {
                assert!(text_width(text, line == 0) + 2.0 * PADDING <= one.width + 1e-9, "{one:?}");
            }
        }
        assert!(layout.curves.iter().all(|curve| curve.from.0 <= curve.to.0), "lines run to the right");
    }

    #[test]
    fn boxes_hold_their_text_and_do_not_overlap() {
        let layout = Layout::of(&graph(SHOP));
        check(&layout);
        assert_eq!(layout.curves.iter().filter(|curve| curve.head).count(), graph(SHOP).edges.len());
        check(&Layout::of(&graph("name: empty\nservices: {}\n")));
    }

    #[test]
    fn five_hundred_services_are_placed_within_a_moment() {
        let mut text = "name: many\nservices:\n  ns: {type: Namespace}\n".to_owned();
        for number in 0..500 {
            let needs = [number / 3, number / 2].map(|before| format!("s{before}"));
            let needs = if number < 5 { String::new() } else { format!(", dependsOn: [{}]", needs.join(", ")) };
            writeln!(text, "  s{number}: {{type: Deployment, namespace: ns{needs}}}").unwrap();
        }
        let graph = graph(&text);
        let began = std::time::Instant::now();
        let layout = Layout::of(&graph);
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
        check(&layout);
        assert!(
            layout.height < 4.0 * layout.width && layout.width < 8.0 * layout.height,
            "{}x{}",
            layout.width,
            layout.height
        );
    }
}
