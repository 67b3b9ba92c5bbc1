//! What paints a page: its operators in order, and where each letter comes to stand. How text looks is not asked: white, tiny
//! and invisible letters are letters, and those off the page as well.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::font::Font;
use super::lexer::{Lexer, Obj};

/// A piece of text on one line, and where it begins and ends.
pub(crate) struct Run {
    text: String,
    start: Point,
    end: Point,
    /// The direction in which it is written, and the size of its letters.
    along: Point,
    size: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

/// A transformation, as PDF writes it: `a b c d e f`.
#[derive(Debug, Clone, Copy)]
struct Matrix([f64; 6]);

const SAME: Matrix = Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

impl Matrix {
    /// First this one, then the other.
    fn then(self, other: Self) -> Self {
        let Self([a, b, c, d, e, f]) = self;
        let Self([p, q, r, s, t, u]) = other;
        Self([
            a * p + b * r,
            a * q + b * s,
            c * p + d * r,
            c * q + d * s,
            e * p + f * r + t,
            e * q + f * s + u,
        ])
    }

    fn moved(self, x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y]).then(self)
    }

    fn of(values: &[Obj]) -> Option<Self> {
        let numbers: Vec<f64> = values.iter().filter_map(Obj::num).collect();
        Some(Self(numbers.get(numbers.len().checked_sub(6)?..)?.try_into().ok()?))
    }
}

/// How deep states are kept.
const DEEPEST: usize = 64;
/// Operands of one operator. More belong to none.
const OPERANDS: usize = 4_096;
/// Pieces of text of one page, and strings beside them. A page in single letters has some thousands.
const RUNS: usize = 100_000;

/// The state of painting.
struct Pen<'f> {
    find: &'f mut dyn FnMut(&[u8]) -> Option<Rc<Font>>,
    fonts: BTreeMap<Vec<u8>, Option<Rc<Font>>>,
    font: Option<Rc<Font>>,
    size: f64,
    leading: f64,
    letter_gap: f64,
    word_gap: f64,
    stretch: f64,
    page: Matrix,
    kept: Vec<Matrix>,
    line: Matrix,
    at: Matrix,
    runs: Vec<Run>,
    strings: Vec<Vec<u8>>,
    is_guessed: bool,
}

/// What a stream paints.
pub(crate) struct Painted {
    pub(crate) runs: Vec<Run>,
    /// Strings that are no text of the page: what it is replaced by, for those who cannot see it.
    pub(crate) strings: Vec<Vec<u8>>,
    /// A font did not say which letters it has.
    pub(crate) is_guessed: bool,
    /// There was more of it than is read.
    pub(crate) is_cut: bool,
}

/// Reads what a stream paints; `find` knows its fonts by their names, and `left` how many values may be made.
pub(crate) fn paint(
    bytes: &[u8],
    find: &mut dyn FnMut(&[u8]) -> Option<Rc<Font>>,
    left: &mut usize,
) -> Painted {
    let mut pen = Pen {
        find,
        fonts: BTreeMap::new(),
        font: None,
        size: 1.0,
        leading: 0.0,
        letter_gap: 0.0,
        word_gap: 0.0,
        stretch: 1.0,
        page: SAME,
        kept: Vec::new(),
        line: SAME,
        at: SAME,
        runs: Vec::new(),
        strings: Vec::new(),
        is_guessed: false,
    };
    let mut lexer = Lexer::new(bytes, 0, *left);
    let mut values = Vec::new();
    let mut is_picture = false;
    while let Some(value) = lexer.next() {
        match value {
            Obj::Word(word) => {
                if word == b"ID" && is_picture {
                    lexer.picture();
                }
                is_picture = word == b"BI" || is_picture && word != b"ID";
                pen.operator(&word, &values);
                values.clear();
            }
            value if values.len() < OPERANDS => values.push(value),
            _ => values.clear(),
        }
    }
    *left = lexer.left;
    let is_cut = pen.runs.len() >= RUNS || pen.strings.len() >= RUNS;
    Painted { runs: pen.runs, strings: pen.strings, is_guessed: pen.is_guessed, is_cut }
}

impl Pen<'_> {
    fn operator(&mut self, word: &[u8], values: &[Obj]) {
        let number = |from_end: usize| {
            values
                .len()
                .checked_sub(from_end)
                .and_then(|at| values.get(at))
                .and_then(Obj::num)
                .unwrap_or_default()
        };
        match word {
            b"q" if self.kept.len() < DEEPEST => self.kept.push(self.page),
            b"Q" => self.page = self.kept.pop().unwrap_or(self.page),
            b"cm" => self.page = Matrix::of(values).map_or(self.page, |matrix| matrix.then(self.page)),
            b"BT" => (self.line, self.at) = (SAME, SAME),
            b"Tf" => self.choose(values),
            b"TL" => self.leading = number(1),
            b"Tc" => self.letter_gap = number(1),
            b"Tw" => self.word_gap = number(1),
            b"Tz" => self.stretch = number(1) / 100.0,
            b"Td" => self.feed(number(2), number(1)),
            b"TD" => {
                self.leading = -number(1);
                self.feed(number(2), number(1));
            }
            b"Tm" => {
                self.line = Matrix::of(values).unwrap_or(self.line);
                self.at = self.line;
            }
            b"T*" => self.feed(0.0, -self.leading),
            b"Tj" | b"TJ" => self.show(values),
            b"'" => {
                self.feed(0.0, -self.leading);
                self.show(values);
            }
            b"\"" => {
                (self.word_gap, self.letter_gap) = (number(3), number(2));
                self.feed(0.0, -self.leading);
                self.show(values);
            }
            _ => {
                let mut found = Vec::new();
                values.iter().for_each(|value| strings(value, &mut found));
                let room = RUNS.saturating_sub(self.strings.len());
                self.strings.extend(found.into_iter().take(room).map(<[u8]>::to_vec));
            }
        }
    }

    fn choose(&mut self, values: &[Obj]) {
        let Some(name) = values.iter().find_map(Obj::name) else { return };
        self.size = values.last().and_then(Obj::num).unwrap_or(1.0);
        if !self.fonts.contains_key(name) {
            let found = (self.find)(name);
            self.fonts.insert(name.to_vec(), found);
        }
        self.font = self.fonts.get(name).cloned().flatten();
    }

    fn feed(&mut self, x: f64, y: f64) {
        self.line = self.line.moved(x, y);
        self.at = self.line;
    }

    fn show(&mut self, values: &[Obj]) {
        for value in values {
            match value {
                Obj::Str(codes) => self.text(codes),
                Obj::Array(items) => {
                    for item in items {
                        match item {
                            Obj::Str(codes) => self.text(codes),
                            Obj::Num(number) => {
                                self.at = self.at.moved(-number / 1000.0 * self.size * self.stretch, 0.0)
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn text(&mut self, codes: &[u8]) {
        let none = Font::default();
        let font = self.font.clone();
        let font = font.as_deref().unwrap_or(&none);
        self.is_guessed |= !font.is_known() && !codes.is_empty();
        let (mut text, mut width) = (String::new(), 0.0);
        font.letters(codes, |letter, wide| {
            let gap = if letter == " " { self.word_gap } else { 0.0 };
            text.push_str(letter);
            width += (wide / 1000.0 * self.size + self.letter_gap + gap) * self.stretch;
        });
        let whole = self.at.then(self.page);
        self.at = self.at.moved(width, 0.0);
        let Matrix([.., end_x, end_y]) = self.at.then(self.page);
        let Matrix([a, b, c, d, x, y]) = whole;
        let length = a.hypot(b);
        let along =
            if length > 0.0 { Point { x: a / length, y: b / length } } else { Point { x: 1.0, y: 0.0 } };
        let size = (c.hypot(d) * self.size).abs();
        let (start, end) = (Point { x, y }, Point { x: end_x, y: end_y });
        if self.runs.len() < RUNS {
            self.runs.push(Run { text, start, end, along, size });
        }
    }
}

/// All strings in a value that are long enough to say something.
pub(crate) fn strings<'v>(value: &'v Obj, found: &mut Vec<&'v [u8]>) {
    match value {
        Obj::Str(text) if text.len() > 3 => found.push(text),
        Obj::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Obj::Dict(members) => members.iter().for_each(|(_, value)| strings(value, found)),
        _ => {}
    }
}

/// The runs as a text in the order in which they were painted, and, where that is far from the order in which a person reads
/// them, once more in the latter: letters can be painted in any.
pub(crate) fn texts(mut runs: Vec<Run>) -> (String, Option<String>) {
    runs.retain(|run| !run.text.is_empty() && run.start.x.is_finite() && run.start.y.is_finite());
    let (painted, lines) = joined(&runs);
    runs.sort_by(|a, b| b.start.y.total_cmp(&a.start.y));
    for line in runs.chunk_by_mut(|a, b| (a.start.y - b.start.y).abs() <= 0.3 * a.size.max(b.size)) {
        line.sort_by(|a, b| a.start.x.total_cmp(&b.start.x));
    }
    let (read, fewer) = joined(&runs);
    // Columns are painted one after the other, which makes twice as many lines.
    (painted, (lines > 2 * fewer + 2).then_some(read))
}

/// The text of runs in their order, and how many lines that makes.
fn joined(runs: &[Run]) -> (String, usize) {
    let mut text = String::new();
    let mut lines = 1;
    let mut last: Option<&Run> = None;
    for run in runs {
        if let Some(last) = last {
            let (dx, dy) = (run.start.x - last.end.x, run.start.y - last.end.y);
            let gap = dx * last.along.x + dy * last.along.y;
            let step = (dy * last.along.x - dx * last.along.y).abs();
            let size = last.size.max(run.size).max(0.1);
            if step > 0.5 * size || gap < -size {
                lines += 1;
                // More than a line's height is a paragraph's end.
                text.push_str(if step > 1.9 * size { "\n\n" } else { "\n" });
            } else if gap > 0.18 * size && !text.ends_with([' ', '\n']) && !run.text.starts_with(' ') {
                text.push(' ');
            }
        }
        text.push_str(&run.text);
        last = Some(run);
    }
    (text, lines)
}
