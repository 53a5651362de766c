//! Tables: kubectl's look, one record a line, columns aligned by display width.

use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Row, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::color::Paint;
use crate::base::env;

/// Title of columns whose cells are there to be copied, and are of no use when they are cut.
const ID: &str = "ID";
/// Blanks between two columns.
const GAP: usize = 2;
/// Columns of the terminal that a cell is not cut below.
const LEAST: usize = 8;

/// Headings and cells.
#[derive(Debug)]
pub struct Grid {
    pub titles: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// How tables look on stdout.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    pub paint: Paint,
    pub width: Option<u16>,
    pub unicode: bool,
}

/// `COLUMNS` where it is set (as `watch` does), else the width of the terminal; none in pipes.
pub fn terminal_width() -> Option<u16> {
    if let Some(width) = env::get(env::COLUMNS).and_then(|text| text.parse().ok()) {
        return Some(width);
    }
    #[cfg(unix)]
    {
        let stdout = rustix::stdio::stdout();
        rustix::termios::tcgetwinsize(stdout).ok().map(|size| size.ws_col).filter(|width| *width > 0)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

impl Grid {
    /// The table as text; every cell on one line, cut with `…` where the width is too small. Ids are never cut: beside
    /// them other columns give way, the last ones first.
    pub fn text(&self, look: Look) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).force_no_tty().set_header(header(&self.titles, look.paint));
        table.set_truncation_indicator(if look.unicode { "…" } else { "..." });
        if look.paint.is_on() {
            table.enforce_styling();
        }
        match look.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        let shown = look.width.map_or(self.titles.len(), |width| self.fitting(usize::from(width)));
        for cells in &self.rows {
            let mut row = Row::from(cells.iter().map(|text| Cell::new(one_line(text))).collect::<Vec<_>>());
            row.max_height(1);
            table.add_row(row);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index + 1 == shown { 0 } else { 2 }));
            if index >= shown {
                column.set_constraint(ColumnConstraint::Hidden);
            } else if self.titles[index] == ID {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }
}

impl Grid {
    /// How many columns fit beside an id, from the left; all where there is none.
    fn fitting(&self, width: usize) -> usize {
        let Some(id) = self.titles.iter().position(|title| title == ID) else { return self.titles.len() };
        let natural = |index: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|cell| one_line(cell).width());
            cells.fold(self.titles[index].width(), usize::max)
        };
        let least = |index: usize| if index == id { natural(index) } else { natural(index).min(LEAST) };
        let mut used = 0;
        let fits = (0..self.titles.len()).take_while(|index| {
            used += least(*index) + if *index == 0 { 0 } else { GAP };
            used <= width
        });
        fits.count().max(id + 1)
    }
}

fn header(titles: &[String], paint: Paint) -> Row {
    let cells = titles.iter().map(|title| {
        let cell = Cell::new(title);
        if paint.is_on() { cell.add_attribute(Attribute::Bold) } else { cell }
    });
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

/// Control characters would break the line or drive the terminal; an empty cell would shift columns for `awk`.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.trim().is_empty() { "-".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[[&str; 2]]) -> Grid {
        Grid {
            titles: vec!["NAME".into(), "NOTE".into()],
            rows: rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect(),
        }
    }

    #[test]
    fn wide_characters_align_and_line_feeds_do_not_break_rows() {
        let text = grid(&[["日本", "x"], ["abcdef", "two\nlines"], ["", "\u{1b}[31m"]]).text(Look::default());
        assert_eq!(text, "NAME    NOTE\n日本    x\nabcdef  two lines\n-        [31m\n");
    }

    #[test]
    fn ids_are_whole_and_other_columns_give_way() {
        let id = "01a2b3c4-0000-7000-8000-000000000001";
        let titles = ["ID", "NAME", "QPS", "STATE"].map(str::to_owned).to_vec();
        let row = [id, "a long name of a test", "10,133", "complete"].map(str::to_owned).to_vec();
        let grid = Grid { titles, rows: vec![row] };
        for (width, shown) in [(20, ""), (60, "10,133"), (70, "complete"), (100, "a long name of a test")] {
            let text = grid.text(Look { width: Some(width), unicode: true, ..Look::default() });
            assert!(text.contains(id) && text.contains(shown), "{width}:\n{text}");
            assert!(text.lines().all(|line| line.width() <= usize::from(width).max(id.len())), "{width}:\n{text}");
        }
    }

    #[test]
    fn a_narrow_terminal_cuts_cells_with_an_ellipsis() {
        let look = Look { width: Some(20), unicode: true, ..Look::default() };
        let text = grid(&[["short", "a rather long note that does not fit"]]).text(look);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains('…'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 20), "{text}");
    }
}
