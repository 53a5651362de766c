//! A block of lines on stderr that is rewritten in place while it lasts; plain lines where nothing is animated.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::color::{Paint, Tone};
use super::{Remark, Ui, Volume};

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_REST_OF_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// One line, in pieces of their own tone.
#[derive(Debug, Clone, Default)]
pub struct Line(Vec<(Option<Tone>, String)>);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a piece in a tone behind what it has.
    pub fn add(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((Some(tone), clean(&text.into())));
        self
    }

    /// With a piece as it is.
    pub fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push((None, clean(&text.into())));
        self
    }

    /// Its text without colour, cut to `width`.
    pub fn text(&self, width: usize, unicode: bool) -> String {
        self.painted(Paint::default(), width, unicode).0
    }

    /// The text with colour and the columns it takes.
    fn painted(&self, paint: Paint, width: usize, unicode: bool) -> (String, usize) {
        let mut out = String::new();
        let mut used = 0;
        let total: usize = self.0.iter().map(|(_, text)| text.width()).sum();
        let last = self.0.len().saturating_sub(1);
        for (at, (tone, text)) in self.0.iter().enumerate() {
            let room = width.saturating_sub(used);
            let piece = if total > width && (text.width() > room || (at < last && text.width() == room)) {
                cut(text, room, unicode)
            } else {
                text.clone()
            };
            used += piece.width();
            match tone {
                Some(tone) => out.push_str(&paint.apply(*tone, &piece)),
                None => out.push_str(&piece),
            }
            if used >= width {
                break;
            }
        }
        (out.trim_end().to_owned(), used)
    }
}

/// Control characters would drive the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text when it fits into `width` columns, else its beginning and an ellipsis.
pub fn cut(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let end = if unicode { "…" } else { "..." };
    if width <= end.width() {
        return end.chars().take(width).collect();
    }
    let mut used = end.width();
    let mut out = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        if used > width {
            break;
        }
        out.push(c);
    }
    out + end
}

/// The block. Dropping it takes it away and gives the cursor back.
#[derive(Debug)]
pub struct Region<'u> {
    ui: &'u Ui,
    mode: Mode,
    canvas: Canvas,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Silent,
    Lines,
    Animated,
}

impl Ui {
    /// Begins a block; `shares` when data goes to stdout while it stands, which a terminal cannot show both.
    pub fn region(&self, shares: bool) -> Region<'_> {
        let terminal = cfg!(unix) && self.is_animated();
        let mode = match self.options.volume {
            Volume::Quiet => Mode::Silent,
            Volume::Normal if terminal && !(shares && self.terminal.output) => Mode::Animated,
            Volume::Normal | Volume::Verbose => Mode::Lines,
        };
        Region { ui: self, mode, canvas: Canvas::default() }
    }
}

impl Region<'_> {
    /// Whether lines are rewritten in place.
    pub fn is_animated(&self) -> bool {
        self.mode == Mode::Animated
    }

    /// Whether symbols beyond ASCII may be shown.
    pub fn is_unicode(&self) -> bool {
        self.ui.terminal.unicode
    }

    /// Lines of the terminal at this moment.
    pub fn height(&self) -> usize {
        size().1
    }

    /// Says a line that stays, where nothing is animated.
    pub fn line(&self, line: &str) {
        if self.mode == Mode::Lines {
            let _ = self.ui.remark(Remark::Note(clean(line)));
        }
    }

    /// Shows these lines in place of the ones before, where lines are animated.
    pub fn draw(&mut self, lines: &[Line]) {
        if self.mode == Mode::Animated {
            let painted = |width: usize| {
                lines.iter().map(|line| line.painted(self.ui.err, width, self.ui.terminal.unicode)).collect::<Vec<_>>()
            };
            // The last column stays free: a terminal that wraps there would move everything by a line.
            let width = size().0;
            emit(&self.canvas.picture(&painted(width.saturating_sub(1).max(1)), width));
        }
    }

    /// Takes the block away.
    pub fn clear(&mut self) {
        emit(&self.canvas.end(size().0));
    }
}

impl Drop for Region<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn emit(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut err = io::stderr().lock();
    // Nobody is left to show anything to when stderr fails.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Columns and lines of the terminal on stderr.
fn size() -> (usize, usize) {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
        let found = size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        found.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
    }
    #[cfg(not(unix))]
    {
        (80, 24)
    }
}

/// What stands on the terminal, and the codes that change it.
#[derive(Debug, Default)]
struct Canvas {
    /// Columns of each line that stands there.
    shown: Vec<usize>,
    hidden: bool,
    last: Vec<String>,
}

impl Canvas {
    /// Codes that go back to the first line. A terminal that became narrower has broken long lines into several.
    fn back(&self, width: usize) -> String {
        let rows: usize = self.shown.iter().map(|used| used.div_ceil(width.max(1)).max(1)).sum();
        if rows == 0 { "\r".to_owned() } else { format!("\r\x1b[{rows}A") }
    }

    fn picture(&mut self, lines: &[(String, usize)], width: usize) -> String {
        let texts: Vec<String> = lines.iter().map(|(text, _)| text.clone()).collect();
        if texts == self.last {
            return String::new();
        }
        let mut out = String::new();
        if !std::mem::replace(&mut self.hidden, true) {
            out.push_str(HIDE_CURSOR);
        }
        out.push_str(&self.back(width));
        for text in &texts {
            out.push_str(text);
            out.push_str(CLEAR_REST_OF_LINE);
            out.push_str("\r\n");
        }
        out.push_str(CLEAR_BELOW);
        self.shown = lines.iter().map(|(_, used)| *used).collect();
        self.last = texts;
        out
    }

    fn end(&mut self, width: usize) -> String {
        let mut out = String::new();
        if !self.shown.is_empty() {
            out = self.back(width) + CLEAR_BELOW;
        }
        self.shown.clear();
        self.last.clear();
        if std::mem::replace(&mut self.hidden, false) {
            out.push_str(SHOW_CURSOR);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that knows the codes of a [`Canvas`].
    struct Screen {
        rows: Vec<String>,
        row: usize,
        hidden: bool,
    }

    impl Screen {
        fn new() -> Self {
            Self { rows: vec![String::new()], row: 0, hidden: false }
        }

        fn feed(&mut self, text: &str) {
            let mut column = 0;
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                if let Some(code) = rest.strip_prefix("\x1b[") {
                    let end = code.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    match (&code[..end], &code[end..=end]) {
                        (count, "A") => self.row -= count.parse::<usize>().unwrap(),
                        ("", "K") => self.rows[self.row].truncate(column),
                        ("", "J") => {
                            self.rows[self.row].truncate(column);
                            self.rows.truncate(self.row + 1);
                        }
                        ("?25", end) => self.hidden = end == "l",
                        other => panic!("{other:?}"),
                    }
                    rest = &code[end + 1..];
                    continue;
                }
                match c {
                    '\r' => column = 0,
                    '\n' => {
                        self.row += 1;
                        self.rows.resize(self.rows.len().max(self.row + 1), String::new());
                    }
                    c => {
                        self.rows[self.row].truncate(column);
                        self.rows[self.row].push(c);
                        column += 1;
                    }
                }
                rest = &rest[c.len_utf8()..];
            }
        }
    }

    fn lines(texts: &[&str]) -> Vec<(String, usize)> {
        texts.iter().map(|text| ((*text).to_owned(), text.width())).collect()
    }

    #[test]
    fn pictures_take_each_others_place_and_the_end_leaves_nothing() {
        let (mut canvas, mut screen) = (Canvas::default(), Screen::new());
        screen.feed("$ apply\r\n");
        screen.feed(&canvas.picture(&lines(&["web applying", "1 of 3"]), 80));
        assert!(screen.hidden);
        assert_eq!(canvas.picture(&lines(&["web applying", "1 of 3"]), 80), "", "the same is not drawn again");
        screen.feed(&canvas.picture(&lines(&["web created", "db applying", "2 of 3"]), 80));
        assert_eq!(screen.rows, ["$ apply", "web created", "db applying", "2 of 3", ""]);
        screen.feed(&canvas.picture(&lines(&["3 of 3"]), 80));
        assert_eq!(screen.rows, ["$ apply", "3 of 3", ""]);
        screen.feed(&canvas.end(80));
        assert_eq!((screen.rows, screen.hidden), (vec!["$ apply".to_owned(), String::new()], false));
        assert_eq!(canvas.end(80), "", "the end comes once");
    }

    #[test]
    fn a_narrower_terminal_has_broken_the_lines_and_all_of_them_go() {
        let (mut canvas, mut screen) = (Canvas::default(), Screen::new());
        let _ = canvas.picture(&lines(&["a line of thirty characters ..", "short"]), 80);
        // What the terminal shows after it became twelve columns wide.
        screen.feed("a line of th\r\nirty charact\r\ners ..\r\nshort\r\n");
        screen.feed(&canvas.picture(&lines(&["new"]), 12));
        assert_eq!(screen.rows, ["new", ""]);
    }

    #[test]
    fn a_line_is_cut_over_its_pieces() {
        let line = Line::new().add(Tone::Good, "+").plain(" service ").plain("a long reason that does not fit");
        assert_eq!(line.text(20, false), "+ service a long ...");
        assert_eq!(line.text(200, false), "+ service a long reason that does not fit");
        assert_eq!(Line::new().plain("a\x1b[2Jb").text(80, true), "a [2Jb");
        assert_eq!(cut("日本語", 5, true), "日本…");
    }
}
