//! A text in pieces that a service takes, each reaching back into the one before it: an attack that is cut in two stands
//! whole in one of them.

/// The most that one piece may hold. The services count characters and do not say how; by UTF-16 units a text is never
/// shorter than by code points, so what fits here fits there.
pub(crate) const LIMIT: usize = 10_000;
/// How far a piece reaches back. An order to a model is a sentence or a few.
pub(crate) const OVERLAP: usize = 1_000;
/// How far from its end a piece looks for the end of a sentence to be cut at.
const SLACK: usize = 500;

/// The pieces of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces<'t> {
    /// In the order of the text.
    pub pieces: Vec<&'t str>,
    /// Code points at the end of the text that are in no piece.
    pub unread: usize,
}

/// Cuts a text into at most `most` pieces. Whatever is not longer than 1,000 UTF-16 units stands whole in one of them, as
/// long as it is not in what is left unread.
pub fn cut(text: &str, most: usize) -> Pieces<'_> {
    let (mut pieces, mut start, mut read) = (Vec::new(), 0, 0);
    loop {
        let rest = text.get(start..).unwrap_or_default();
        if rest.is_empty() || pieces.len() == most {
            let unread = text.get(read..).unwrap_or_default().chars().count();
            return Pieces { pieces, unread };
        }
        let Some(bound) = offset(rest, LIMIT) else {
            pieces.push(rest);
            return Pieces { pieces, unread: 0 };
        };
        let piece = rest.get(..sentence_end(rest, bound)).unwrap_or(rest);
        pieces.push(piece);
        read = start + piece.len();
        start += back(piece);
    }
}

/// Where the next piece begins within this one: [`OVERLAP`] before its end, or a little earlier where a sentence begins.
fn back(piece: &str) -> usize {
    let (mut units, mut least, mut after) = (0, None, None);
    for (index, c) in piece.char_indices().rev() {
        if least.is_some() && ends_sentence(c, after) {
            return index + c.len_utf8();
        }
        units += c.len_utf16();
        if units >= OVERLAP + SLACK {
            break;
        }
        if units >= OVERLAP && least.is_none() {
            least = Some(index);
        }
        after = Some(c);
    }
    // A piece that is followed by another is never that short.
    least.unwrap_or(piece.len())
}

/// The end of the last sentence within [`SLACK`] of the bound, or the bound itself.
fn sentence_end(rest: &str, bound: usize) -> usize {
    let head = rest.get(..bound).unwrap_or(rest);
    let mut after = rest.get(bound..).and_then(|tail| tail.chars().next());
    let mut units = 0;
    for (index, c) in head.char_indices().rev() {
        if units > SLACK {
            break;
        }
        if ends_sentence(c, after) {
            return index + c.len_utf8();
        }
        units += c.len_utf16();
        after = Some(c);
    }
    bound
}

/// Says whether a sentence ends with `c`, given what follows.
fn ends_sentence(c: char, after: Option<char>) -> bool {
    match c {
        '\n' | '。' | '！' | '？' => true,
        '.' | '!' | '?' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}

/// The byte offset at which `units` UTF-16 units end, or `None` if the text is not longer.
fn offset(text: &str, units: usize) -> Option<usize> {
    // A character has fewer UTF-16 units than bytes, so most texts need not be counted.
    if text.len() <= units {
        return None;
    }
    let mut counted = 0;
    for (index, c) in text.char_indices() {
        counted += c.len_utf16();
        if counted > units {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests;
