//! The placed graph as PNG, painted here with a font of our own, so that it looks the same on a machine without fonts.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};
use tiny_skia::{
    Color, FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, StrokeDash, Transform,
};
use unicode_width::UnicodeWidthChar;

use super::dot::fill;
use super::layout::{Curve, Layout, NAME_LINE, PADDING, Placed, SMALL_LINE, text_width};
use crate::base::error::{Code, Error, Result};
use crate::model::pattern::ServiceHealth;

/// Pixels of a unit; the letters of the font have exactly this size.
const SCALE: f64 = 2.0;
/// Most pixels of a picture: 256 MiB of memory.
const LIMIT: f64 = 64_000_000.0;

const INK: [u8; 3] = [0x1f, 0x23, 0x28];
const SMALL_INK: [u8; 3] = [0x42, 0x4a, 0x53];
const LINE: [u8; 3] = [0x57, 0x60, 0x6a];

/// The picture, twice as many pixels as units each way.
///
/// # Errors
/// [`Code::PictureTooLarge`].
pub fn write(layout: &Layout) -> Result<Vec<u8>> {
    let (width, height) = ((layout.width * SCALE).ceil(), (layout.height * SCALE).ceil());
    let too_large = || {
        Error::new(Code::PictureTooLarge, format!("the picture would have {width} x {height} pixels"))
            .because("a PNG of this graph does not fit into 256 MiB of memory")
    };
    if width * height > LIMIT {
        return Err(too_large());
    }
    let pixmap = Pixmap::new(whole(width), whole(height)).ok_or_else(too_large)?;
    let mut canvas = Canvas { pixmap };
    canvas.pixmap.fill(Color::WHITE);
    canvas.text((20.0, 16.0), true, INK, &layout.title);
    for curve in &layout.curves {
        canvas.curve(curve);
    }
    for placed in &layout.boxes {
        canvas.service(placed);
    }
    canvas.text((20.0, layout.height - 26.0), false, SMALL_INK, &layout.legend);
    canvas.pixmap.encode_png().map_err(|error| Error::internal("the picture cannot be written as PNG").because(error))
}

struct Canvas {
    pixmap: Pixmap,
}

impl Canvas {
    fn curve(&mut self, curve: &Curve) {
        let ((x1, y1), (x2, y2)) = (scaled(curve.from), scaled(curve.to));
        let end = if curve.head { x2 - 12.0 } else { x2 };
        let middle = f32::midpoint(x1, end);
        let mut path = PathBuilder::new();
        path.move_to(x1, y1);
        path.cubic_to(middle, y1, middle, y2, end, y2);
        self.stroke(path.finish(), LINE, if curve.implied { Some((4.0, 8.0)) } else { None });
        if curve.head {
            let mut head = PathBuilder::new();
            head.move_to(x2, y2);
            head.line_to(x2 - 14.0, y2 - 7.0);
            head.line_to(x2 - 14.0, y2 + 7.0);
            head.close();
            self.fill(head.finish(), LINE);
        }
    }

    fn service(&mut self, placed: &Placed) {
        let (inside, edge) = colors(placed.health);
        let path = rounded(placed);
        self.fill(path.clone(), inside);
        self.stroke(path, edge, placed.drawing.then_some((12.0, 8.0)));
        let mut y = placed.y + PADDING;
        for (at, line) in placed.lines.iter().enumerate() {
            let x = placed.x + (placed.width - text_width(line, at == 0)) / 2.0;
            self.text((x, y), at == 0, if at == 0 { INK } else { SMALL_INK }, line);
            y += if at == 0 { NAME_LINE } else { SMALL_LINE };
        }
    }

    fn fill(&mut self, path: Option<Path>, color: [u8; 3]) {
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(color), FillRule::Winding, Transform::identity(), None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, color: [u8; 3], dash: Option<(f32, f32)>) {
        if let Some(path) = path {
            let stroke = Stroke {
                width: 2.0,
                line_cap: if dash.is_some_and(|(on, _)| on < 6.0) { LineCap::Round } else { LineCap::Butt },
                dash: dash.and_then(|(on, off)| StrokeDash::new(vec![on, off], 0.0)),
                ..Stroke::default()
            };
            self.pixmap.stroke_path(&path, &paint(color), &stroke, Transform::identity(), None);
        }
    }

    /// Writes a line; `at` is its upper left corner.
    fn text(&mut self, at: (f64, f64), is_name: bool, ink: [u8; 3], text: &str) {
        let size = if is_name { RasterHeight::Size32 } else { RasterHeight::Size24 };
        let step = get_raster_width(FontWeight::Regular, size);
        let (mut x, y) = (whole(at.0 * SCALE), whole(at.1 * SCALE));
        for c in text.chars() {
            // What the font lacks is a question mark as wide as the letter.
            let width = u32::try_from(c.width().unwrap_or_default() * step).unwrap_or_default();
            let raster = get_raster(c, FontWeight::Regular, size)
                .or_else(|| get_raster('?', FontWeight::Regular, size))
                .filter(|_| width > 0);
            for (row, cells) in raster.iter().flat_map(RasterizedChar::rows).enumerate() {
                for (column, cover) in cells.iter().enumerate().filter(|(_, cover)| **cover > 0) {
                    let dot =
                        (x + u32::try_from(column).unwrap_or_default(), y + u32::try_from(row).unwrap_or_default());
                    self.dot(dot, ink, *cover);
                }
            }
            x += width;
        }
    }

    /// Covers a pixel with ink, as far as the letter covers it.
    fn dot(&mut self, (x, y): (u32, u32), ink: [u8; 3], cover: u8) {
        if x >= self.pixmap.width() || y >= self.pixmap.height() {
            return;
        }
        let at = usize::try_from(y * self.pixmap.width() + x).unwrap_or_default();
        if let Some(pixel) = self.pixmap.pixels_mut().get_mut(at) {
            let mixed = |below: u8, ink: u8| {
                let sum = u16::from(below) * u16::from(255 - cover) + u16::from(ink) * u16::from(cover);
                u8::try_from(sum / 255).unwrap_or(u8::MAX)
            };
            let (red, green, blue) =
                (mixed(pixel.red(), ink[0]), mixed(pixel.green(), ink[1]), mixed(pixel.blue(), ink[2]));
            *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap_or(*pixel);
        }
    }
}

fn rounded(placed: &Placed) -> Option<Path> {
    let (left, top) = scaled((placed.x, placed.y));
    let (right, bottom) = scaled((placed.x + placed.width, placed.y + placed.height));
    let radius = 12.0;
    let mut path = PathBuilder::new();
    path.move_to(left + radius, top);
    path.line_to(right - radius, top);
    path.quad_to(right, top, right, top + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(left + radius, bottom);
    path.quad_to(left, bottom, left, bottom - radius);
    path.line_to(left, top + radius);
    path.quad_to(left, top, left + radius, top);
    path.close();
    path.finish()
}

/// Inside and edge of a service in that health.
fn colors(health: Option<ServiceHealth>) -> ([u8; 3], [u8; 3]) {
    let edge = match health {
        None | Some(ServiceHealth::NotApplied | ServiceHealth::Unknown) => LINE,
        Some(ServiceHealth::Ready) => [0x1a, 0x7f, 0x37],
        Some(ServiceHealth::InProgress | ServiceHealth::Terminating) => [0x9a, 0x67, 0x00],
        Some(ServiceHealth::Failed | ServiceHealth::Missing) => [0xcf, 0x22, 0x2e],
    };
    (hex(health.map_or("#f6f8fa", fill)), edge)
}

fn hex(color: &str) -> [u8; 3] {
    let digits =
        |at: usize| color.get(at..at + 2).and_then(|text| u8::from_str_radix(text, 16).ok()).unwrap_or_default();
    [digits(1), digits(3), digits(5)]
}

fn paint(color: [u8; 3]) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color[0], color[1], color[2], 255);
    paint
}

#[allow(clippy::cast_possible_truncation, reason = "pixels of a picture of limited size")]
fn scaled((x, y): (f64, f64)) -> (f32, f32) {
    ((x * SCALE) as f32, (y * SCALE) as f32)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a picture of limited size; the conversion saturates"
)]
fn whole(number: f64) -> u32 {
    number.round() as u32
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SHOP, graph};
    use super::*;

    #[test]
    fn the_picture_has_text_boxes_and_lines_where_they_were_placed() {
        let layout = Layout::of(&graph(SHOP));
        let bytes = write(&layout).unwrap();
        let picture = Pixmap::decode_png(&bytes).unwrap();
        assert_eq!(
            (picture.width(), picture.height()),
            (whole((layout.width * 2.0).ceil()), whole((layout.height * 2.0).ceil()))
        );
        let color = |x: f64, y: f64| {
            let pixel = picture.pixel(whole(x * 2.0), whole(y * 2.0)).unwrap();
            [pixel.red(), pixel.green(), pixel.blue()]
        };
        for placed in &layout.boxes {
            assert_eq!(color(placed.x + placed.width - 4.0, placed.y + 6.0), hex("#f6f8fa"), "{placed:?}");
            let (from, to) = (whole(placed.y * 2.0 + 16.0), whole(placed.y * 2.0 + 48.0));
            let across = whole(placed.x * 2.0)..whole((placed.x + placed.width) * 2.0);
            let dark = across.flat_map(|x| (from..to).map(move |y| (x, y)));
            let dark = dark.filter(|(x, y)| picture.pixel(*x, *y).unwrap().red() < 0x60).count();
            assert!(dark > 20, "{} has no text", placed.lines[0]);
        }
        let heads = layout.curves.iter().filter(|curve| curve.head);
        for curve in heads {
            assert_eq!(color(curve.to.0 - 4.0, curve.to.1), LINE, "{curve:?}");
        }
    }

    #[test]
    fn a_picture_that_would_fill_memory_is_refused() {
        let layout = Layout { width: 20_000.0, height: 20_000.0, ..Layout::of(&graph(SHOP)) };
        assert_eq!(write(&layout).unwrap_err().code(), Code::PictureTooLarge);
    }
}
