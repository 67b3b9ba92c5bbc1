//! Aligned columns for people, and text of others made safe to print.

use std::fmt;
use std::path::Path;

use anstyle::Style;

/// Space between two columns.
const GAP: usize = 2;

/// Rows whose columns stand under one another. A row may be shorter than the others.
#[derive(Debug)]
pub(crate) struct Table {
    indent: usize,
    rows: Vec<Vec<Cell>>,
}

/// One cell: a text, and how it is painted. The paint takes no room.
#[derive(Debug)]
pub(crate) struct Cell {
    style: Style,
    text: String,
}

impl Table {
    /// Moves every row to the right.
    pub(crate) fn indented(indent: usize) -> Self {
        Self { indent, rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        // The last cell of a row pads nothing, so it does not push the column after it away.
        let width = |column: usize| {
            let cells =
                self.rows.iter().filter(|row| column + 1 < row.len()).filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            // Space is written only once something follows it: no line ends in blanks.
            let mut space = self.indent;
            for (cell, width) in row.iter().zip(&widths) {
                if !cell.text.is_empty() {
                    let Cell { style, text } = cell;
                    write!(f, "{:space$}{style}{text}{style:#}", "")?;
                    space = 0;
                }
                space += width.saturating_sub(cell.width()) + GAP;
            }
        }
        Ok(())
    }
}

impl Cell {
    pub(crate) fn new(style: Style, text: impl fmt::Display) -> Self {
        Self { style, text: clean(&text.to_string()) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A cell without paint.
pub(crate) fn cell(text: impl fmt::Display) -> Cell {
    Cell::new(Style::new(), text)
}

/// Takes what could act on a terminal out of a text that others wrote: a tool's name must not move the cursor, clear
/// the line above or turn the words around (CVE-2021-42574).
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|character| if acts(character) { '\u{fffd}' } else { character }).collect()
}

/// Says whether a character does something on a terminal, or to the order of what is read there.
pub(crate) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path without the `./` that a configuration in this folder puts before it.
pub(crate) fn short(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// `1 case`, `2 cases`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {}", plural(what)) }
}

fn plural(what: &str) -> String {
    match what.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::GOOD;

    #[test]
    fn columns_stand_under_one_another_and_paint_takes_no_room() {
        let mut table = Table::indented(2);
        table.row([Cell::new(GOOD, "ok"), cell("short"), cell("x")]);
        table.row([cell("FAIL"), cell("é, a longer one"), cell("y")]);
        table.row([cell("a last cell pads nothing, however long it is")]);
        table.row([cell(""), cell(""), cell("z")]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        let expected = "  ok    short            x\n  FAIL  é, a longer one  y\n  a last cell pads nothing, however long it is\n                         z";
        assert_eq!(plain, expected);
    }

    #[test]
    fn text_of_others_cannot_act_on_a_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\rd\ne"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(clean("é – 表"), "é – 表");
    }

    #[test]
    fn numbers_agree_with_their_words() {
        assert_eq!(count(1, "policy"), "1 policy");
        assert_eq!(count(2, "policy"), "2 policies");
        assert_eq!(count(0, "case"), "0 cases");
    }
}
