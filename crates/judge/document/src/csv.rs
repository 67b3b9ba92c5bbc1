//! Tables with separators. A cell is a text of its own: an order in one of a thousand cells is a sentence there, and a heap of
//! commas in its line. A cell that begins like a formula is computed by whoever opens the table, and can call an address.

use crate::out::Out;

/// Records that say by their number of cells whether it is a table at all.
const FIRST: usize = 3;
/// How far into a text they are looked for.
const FRONT: usize = 4_096;

/// The separator of a table, where the beginning of a text looks like one: its first lines have the same number of them.
pub(crate) fn separator(text: &str) -> Option<u8> {
    let front = text.get(..text.floor_char_boundary(FRONT)).unwrap_or_default();
    let end = memchr::memchr(b'\n', front.as_bytes())?;
    let line = front.as_bytes().get(..end)?;
    let candidates = [b'\t', b';', b','].into_iter().filter(|sign| memchr::memchr(*sign, line).is_some());
    candidates.into_iter().find(|sign| {
        let (mut counts, mut cells, mut records) = ([0; FIRST], 0, 0);
        cells_of(front, *sign, &mut |_, is_last| {
            cells += 1;
            if let Some(count) = counts.get_mut(records).filter(|_| is_last) {
                *count = cells;
                (cells, records) = (0, records + 1);
            }
            records < FIRST
        });
        // Of a long text the last record may be cut, and lines of a letter may hold a comma each.
        let whole =
            if front.len() < text.len() && records < FIRST { records.saturating_sub(1) } else { records };
        let counts = counts.get(..whole).unwrap_or_default();
        let first = counts.first().copied().unwrap_or_default();
        counts.iter().all(|count| *count == first)
            && (first > 2 && counts.len() > 1 || first == 2 && counts.len() == FIRST)
    })
}

pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    if !out.spend(text.len()) {
        return;
    }
    let sign = separator(text).unwrap_or(b',');
    let (mut cells, mut formulas) = (String::new(), String::new());
    cells_of(text, sign, &mut |cell, _| {
        let bare = cell.trim();
        let to = if is_formula(bare) { &mut formulas } else { &mut cells };
        // What has no blank in it is a number, a name or a key.
        if bare.len() > 8 && bare.contains([' ', '/', '(']) {
            to.push_str(bare);
            to.push_str("\n\n");
        }
        true
    });
    out.put("cells", cells.replace("\"\"", "\""));
    out.put("formulas", formulas.replace("\"\"", "\""));
}

/// Begins with what a table computes from, and calls something: a function, or a program.
fn is_formula(cell: &str) -> bool {
    let called =
        cell.strip_prefix(['=', '+', '-', '@']).unwrap_or_default().trim_start_matches(['+', '-', '=', ' ']);
    called.starts_with(|c: char| c.is_ascii_alphabetic()) && called.contains(['(', '|'])
}

/// Calls `each` with every cell, as it stands between its quotes, and whether it ends its record, until that says no.
fn cells_of<'t>(text: &'t str, sign: u8, each: &mut impl FnMut(&'t str, bool) -> bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // A quote that nobody closes quotes nothing, or it would make one cell of all the rest.
    let mut has_quotes = true;
    while at < bytes.len() {
        let quoted = (has_quotes && bytes.get(at) == Some(&b'"')).then(|| closing(bytes, at + 1));
        has_quotes &= !matches!(quoted, Some(None));
        let (cell, mut end) = match quoted.flatten() {
            Some(end) => (at + 1..end, end + 1),
            None => (at..at, at),
        };
        let from = end;
        end += memchr::memchr3(sign, b'\n', b'\r', bytes.get(end..).unwrap_or_default())
            .unwrap_or(bytes.len() - end.min(bytes.len()));
        let cell = if cell.is_empty() && from == at { at..end } else { cell };
        let is_last = bytes.get(end) != Some(&sign);
        if !each(text.get(cell).unwrap_or_default(), is_last) {
            return;
        }
        at = end + 1;
        if bytes.get(end) == Some(&b'\r') && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
    }
}

/// Where the quote is closed that was opened before `at`; two quotes are one that is meant.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}
