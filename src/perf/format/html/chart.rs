//! Line charts as SVG, by plain arithmetic. Colours come from the page's classes `s0`, `s1`, …; each series has a dash
//! pattern as well, so that colour is never all that tells two apart.

use std::fmt::Write;

use super::super::escaped;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;
/// Series that have a class of their own.
pub const STYLES: usize = 6;

/// A chart.
pub struct Chart<'a> {
    /// What it shows, for those who cannot see it.
    pub title: &'a str,
    /// Name and labels of the horizontal axis.
    pub x: Axis,
    /// Name and labels of the vertical axis.
    pub y: Axis,
    /// Lines.
    pub series: Vec<Series>,
}

/// A line.
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points in the units of the axes, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// An axis from `low` to `high`, already in the scale it is drawn in.
pub struct Axis {
    name: &'static str,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to at least `high`, with round steps.
    pub fn linear(name: &'static str, high: f64, label: impl Fn(f64) -> String) -> Self {
        let high = if high > 0.0 && high.is_finite() { high } else { 1.0 };
        let rough = high / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
        let steps = (high / step).ceil().max(1.0);
        let ticks = (0u32..).map(f64::from).take_while(|n| *n <= steps).map(|n| (n * step, label(n * step)));
        Self { name, low: 0.0, high: steps * step, ticks: ticks.collect() }
    }

    /// Decades that hold `low` to `high`; positions are logarithms to the base of ten.
    pub fn decades(name: &'static str, (low, high): (f64, f64), label: impl Fn(f64) -> String) -> Self {
        let low = low.max(1.0).log10().floor();
        let high = high.max(1.0).log10().ceil().max(low + 1.0);
        let ticks = (0u32..).map(|n| low + f64::from(n)).take_while(|power| *power <= high);
        Self { name, low, high, ticks: ticks.map(|power| (power, label(10f64.powf(power)))).collect() }
    }

    fn at(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

impl Chart<'_> {
    /// As an SVG element with its legend.
    pub fn svg(&self) -> String {
        let title = escaped(self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\n"
        );
        self.axes(&mut svg);
        for (index, series) in self.series.iter().enumerate().filter(|(_, series)| !series.points.is_empty()) {
            let points: Vec<String> =
                series.points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.left(*x), self.top(*y))).collect();
            let _ = writeln!(svg, "<polyline class=\"s{}\" points=\"{}\"/>", index % STYLES, points.join(" "));
        }
        svg.push_str("</svg>\n");
        self.legend(&mut svg);
        svg
    }

    fn left(&self, x: f64) -> f64 {
        LEFT + self.x.at(x) * (WIDTH - LEFT - RIGHT)
    }

    fn top(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.at(y) * (HEIGHT - TOP - BOTTOM)
    }

    fn axes(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (position, label) in &self.x.ticks {
            let (x, below, label) = (self.left(*position), bottom + 16.0, escaped(label));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/><text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>"
            );
        }
        for (position, label) in &self.y.ticks {
            let (y, before, label) = (self.top(*position), LEFT - 6.0, escaped(label));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/><text x=\"{before}\" y=\"{y:.1}\" dy=\"4\" text-anchor=\"end\">{label}</text>"
            );
        }
        let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 6.0,
            self.x.name
        );
        let (x, y) = (14.0, TOP + (HEIGHT - TOP - BOTTOM) / 2.0);
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">{}</text>",
            self.y.name
        );
    }

    fn legend(&self, svg: &mut String) {
        svg.push_str("<ul class=\"legend\">");
        for (index, series) in self.series.iter().enumerate() {
            let _ = write!(
                svg,
                "<li><svg viewBox=\"0 0 28 8\" class=\"key\" aria-hidden=\"true\"><polyline class=\"s{}\" points=\"0,4 28,4\"/></svg>{}</li>",
                index % STYLES,
                escaped(&series.name)
            );
        }
        svg.push_str("</ul>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_and_hold_their_values() {
        let axis = Axis::linear("x", 47.0, |value| value.to_string());
        assert_eq!((axis.low, axis.high), (0.0, 50.0));
        assert_eq!(
            axis.ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(),
            ["0", "10", "20", "30", "40", "50"]
        );
        let axis = Axis::decades("y", (300.0, 20_000.0), |value| value.to_string());
        assert_eq!((axis.low, axis.high, axis.ticks.len()), (2.0, 5.0, 4));
        for high in [0.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert!(Axis::linear("x", high, |_| String::new()).ticks.len() < 12);
        }
    }

    #[test]
    fn points_stay_inside_and_text_is_escaped() {
        let chart = Chart {
            title: "a <b>",
            x: Axis::linear("x", 10.0, |value| value.to_string()),
            y: Axis::linear("y", 10.0, |value| value.to_string()),
            series: vec![Series { name: "<s>".into(), points: vec![(-5.0, 99.0), (10.0, 0.0)] }],
        };
        let svg = chart.svg();
        assert!(svg.contains("points=\"70.0,14.0 744.0,256.0\""), "{svg}");
        assert!(svg.contains("aria-label=\"a &lt;b&gt;\"") && svg.contains("&lt;s&gt;"), "{svg}");
    }
}
