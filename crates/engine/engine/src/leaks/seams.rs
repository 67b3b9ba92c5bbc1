//! Secrets that an answer holds between two of its texts: each half alone is none, and a model reads both.

use doorward_dlp::{Facts, Finder, Treatment, torn};
use doorward_wire::{Edits, Span, Value, quote};

use super::DataRules;

/// Of how many texts in a row the ends are looked at.
const MOST_TEXTS: usize = 256;

/// What stands between the texts of an answer.
#[derive(Default)]
pub(super) struct Seams {
    pub(super) edits: Edits,
    /// The kinds that were found, each with what is done.
    pub(super) found: Vec<(&'static str, Treatment)>,
}

struct Piece {
    text: String,
    span: Span,
    /// Bytes that go at its beginning.
    front: usize,
    /// Bytes that go at its end, and what stands there then.
    back: Option<(usize, String)>,
}

/// Finds what a result's texts hold between them.
pub(super) fn seams(result: Value<'_>, facts: &Facts<'_>, rules: &DataRules) -> Seams {
    let finder = Finder::shared();
    let mut seams = Seams::default();
    for list in ["content", "contents"].into_iter().filter_map(|name| result.get(name)) {
        let texts: Vec<_> = list.items().filter_map(|item| item.get("text")).take(MOST_TEXTS).collect();
        // One text has no seam, and most answers are one.
        if texts.len() < 2 {
            continue;
        }
        let piece = |text: Value<'_>| Some((text.as_str()?.into_owned(), text.span()));
        let pieces = texts.into_iter().filter_map(piece);
        let mut pieces: Vec<_> =
            pieces.map(|(text, span)| Piece { text, span, front: 0, back: None }).collect();
        for at in 1..pieces.len() {
            let (Some(before), Some(after)) = (pieces.get(at - 1), pieces.get(at)) else { continue };
            let Some(torn) = torn(finder, &before.text, &after.text, facts, &rules.handling) else {
                continue;
            };
            seams.found.push((torn.kind, torn.treatment));
            if torn.treatment == Treatment::Allow {
                continue;
            }
            // Where the one before is taken up whole by two, what is left of it is nothing.
            if let Some(before) = pieces.get_mut(at - 1) {
                before.back = Some((torn.before.min(before.text.len() - before.front), torn.mark()));
            }
            if let Some(after) = pieces.get_mut(at) {
                after.front = torn.after;
            }
        }
        for piece in pieces.iter().filter(|piece| piece.front > 0 || piece.back.is_some()) {
            let (back, mark) = piece.back.as_ref().map_or((0, ""), |(back, mark)| (*back, mark.as_str()));
            let end = (piece.text.len() - back).max(piece.front);
            let rest = piece.text.get(piece.front..end).unwrap_or_default();
            seams.edits.replace(piece.span, quote(&format!("{rest}{mark}")));
        }
    }
    seams
}
