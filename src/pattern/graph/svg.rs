//! The placed graph as SVG: it scales, follows the reader's light or dark scheme, and tells every service to a screen
//! reader.

use std::fmt::Write;

use super::layout::{Curve, Layout, NAME_LETTER, NAME_LINE, PADDING, Placed, SMALL_LETTER, SMALL_LINE, text_width};

/// Pixels of a unit: names become letters of 14 pixels.
const SCALE: f64 = 1.25;
/// Width of a letter of a font of one width, as a share of its size.
const ADVANCE: f64 = 0.6;

const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;fill:#1f2328}\
.page{fill:#ffffff}.box{fill:#f6f8fa;stroke:#57606a}.small{fill:#424a53}.edge{fill:none;stroke:#57606a}.head{fill:#57606a}\
.implied{stroke-dasharray:2 4}.drawing .box{stroke-dasharray:6 4}.ready .box{fill:#dafbe1;stroke:#1a7f37}\
.in-progress .box,.terminating .box{fill:#fff8c5;stroke:#9a6700}.failed .box,.missing .box{fill:#ffebe9;stroke:#cf222e}\
.not-applied .box,.unknown .box{fill:#eaeef2;stroke:#57606a}\
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.page{fill:#0d1117}.box{fill:#161b22;stroke:#9198a1}.small{fill:#c9d1d9}\
.edge{stroke:#9198a1}.head{fill:#9198a1}.ready .box{fill:#12351f;stroke:#3fb950}\
.in-progress .box,.terminating .box{fill:#3b2e04;stroke:#d29922}.failed .box,.missing .box{fill:#4c1518;stroke:#f85149}\
.not-applied .box,.unknown .box{fill:#2a313c;stroke:#9198a1}}";

/// The picture.
pub fn write(layout: &Layout) -> String {
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let title = escape(&layout.title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {width} {height}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        width * SCALE,
        height * SCALE
    );
    out.push_str(&text((20.0, 30.0), true, &layout.title));
    for curve in &layout.curves {
        line(&mut out, curve);
    }
    for placed in &layout.boxes {
        service(&mut out, placed);
    }
    out.push_str(&text((20.0, layout.height - 16.0), false, &layout.legend));
    out + "</svg>\n"
}

fn line(out: &mut String, curve: &Curve) {
    let ((x1, y1), (x2, y2)) = (curve.from, curve.to);
    let end = if curve.head { x2 - 6.0 } else { x2 };
    let middle = f64::midpoint(x1, end);
    let implied = if curve.implied { " implied" } else { "" };
    // Writing into a string cannot fail.
    let _ = writeln!(
        out,
        "<path class=\"edge{implied}\" d=\"M{x1:.1} {y1:.1}C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {end:.1} {y2:.1}\" \
         fill=\"none\" stroke=\"#57606a\"/>"
    );
    if curve.head {
        let _ = writeln!(out, "<path class=\"head\" d=\"M{x2:.1} {y2:.1}l-7 -3.5v7z\" fill=\"#57606a\"/>");
    }
}

fn service(out: &mut String, placed: &Placed) {
    let health = placed.health.map(|health| format!(" {}", health.word())).unwrap_or_default();
    let drawing = if placed.drawing { " drawing" } else { "" };
    let _ = writeln!(
        out,
        "<g class=\"node{health}{drawing}\"><title>{}</title><rect class=\"box\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
         height=\"{:.1}\" rx=\"6\" fill=\"#f6f8fa\" stroke=\"#57606a\"/>",
        escape(&placed.sentence),
        placed.x,
        placed.y,
        placed.width,
        placed.height
    );
    let mut y = placed.y + PADDING + NAME_LINE - 4.0;
    for (at, content) in placed.lines.iter().enumerate() {
        let x = placed.x + (placed.width - text_width(content, at == 0)) / 2.0;
        out.push_str(&text((x, y), at == 0, content));
        y += SMALL_LINE + if at == 0 { 1.0 } else { 0.0 };
    }
    out.push_str("</g>\n");
}

/// A line of text. `textLength` keeps it inside its box whatever font the reader has.
fn text((x, y): (f64, f64), is_name: bool, content: &str) -> String {
    let (letter, class) = if is_name { (NAME_LETTER, "") } else { (SMALL_LETTER, " class=\"small\"") };
    let width = text_width(content, is_name);
    format!(
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{:.2}\" textLength=\"{width:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{}</text>\n",
        letter / ADVANCE,
        escape(content)
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write most control characters, nor two of the last code points of the plane.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SHOP, graph};
    use super::*;

    /// Reads XML of elements, attributes in double quotes, text and the five entities; gives the names of elements.
    fn elements(text: &str) -> Vec<String> {
        let (mut open, mut found): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut rest = text.trim_end();
        while !rest.is_empty() {
            let Some(tag) = rest.strip_prefix('<') else {
                let end = rest.find('<').expect("text stands inside elements");
                entities(&rest[..end]);
                rest = &rest[end..];
                continue;
            };
            let end = tag.find('>').unwrap();
            let inner = &tag[..end];
            rest = &tag[end + 1..];
            if let Some(name) = inner.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
                continue;
            }
            let empty = inner.ends_with('/');
            let inner = inner.trim_end_matches('/');
            let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            let mut parts = attributes.split('"');
            while let Some(key) = parts.next().map(str::trim).filter(|key| !key.is_empty()) {
                assert!(key.ends_with('='), "{inner}");
                entities(parts.next().unwrap());
            }
            found.push(name.to_owned());
            if !empty {
                open.push(name.to_owned());
            }
        }
        assert!(open.is_empty(), "{open:?}");
        found
    }

    fn entities(text: &str) {
        assert!(!text.contains('<'), "{text}");
        for (at, _) in text.match_indices('&') {
            let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
            assert!(known.iter().any(|entity| text[at..].starts_with(entity)), "{text}");
        }
    }

    #[test]
    fn the_picture_is_well_formed_whatever_the_names() {
        let hard = "name: 'a<b>\"&\\'\nservices:\n  '</text><script>': {type: Section}\n  \"\\u0007&amp;\": {type: Section, dependsOn: ['</text><script>']}\n";
        let names = elements(&write(&Layout::of(&graph(hard))));
        assert!(!names.contains(&"script".to_owned()));
        assert_eq!(names.iter().filter(|name| *name == "g").count(), 2);
    }

    #[test]
    fn the_picture_shows_every_service_and_works_in_the_dark() {
        let text = write(&Layout::of(&graph(SHOP)));
        let names = elements(&text);
        assert_eq!(names.iter().filter(|name| *name == "g").count(), 6);
        assert!(text.contains("prefers-color-scheme:dark"));
        assert!(text.contains("<title>web: Deployment web in shop, wave 5</title>"), "{text}");
        assert!(text.contains("class=\"node drawing\""), "{text}");
    }
}
