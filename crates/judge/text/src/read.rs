//! The reading: each step in turn, on the text and on whatever it yields.

use crate::decode::decode;
use crate::escapes::{backslashes, quoted_printable};
use crate::fold::fold;
use crate::layer::{Layer, MarkKind, Origin, Reading};
use crate::map::Traced;
use crate::markup::{is_marked, unmark};
use crate::spread::{joined, lettered, reversed, shown, turned};

/// How far a reading goes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often what was decoded is decoded again.
    pub depth: u8,
    /// How many times the source's length all layers together may have.
    pub growth: usize,
    /// How many layers there may be.
    pub layers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 4, growth: 6, layers: 512 }
    }
}

/// Reads all there is in a text.
pub fn read(source: &str, limits: &Limits) -> Reading {
    let mut reading = Reading::default();
    let surface = fold(source, &mut reading);
    reading.layers.insert(0, Layer { traced: surface, origin: Origin::Surface, depth: 0, hidden: false });
    let mut left = source.len() * limits.growth + 4096;
    let mut at = 0;
    while let Some(layer) = reading.layers.get(at) {
        let found = if layer.depth < limits.depth { inner(layer) } else { Inner::default() };
        reading.is_cut |= found.is_cut;
        let (depth, hidden) = (layer.depth + 1, layer.hidden);
        for (origin, traced) in found.parts {
            if traced.text.len() > left || reading.layers.len() >= limits.layers {
                reading.is_cut = true;
                break;
            }
            left -= traced.text.len();
            let traced = refold(traced, &mut reading);
            note(&mut reading, origin, &traced);
            reading.layers.push(Layer { traced, origin, depth, hidden: hidden || origin.is_hidden() });
        }
        at += 1;
    }
    reading
}

#[derive(Default)]
struct Inner {
    parts: Vec<(Origin, Traced)>,
    is_cut: bool,
}

/// What a layer yields.
fn inner(layer: &Layer) -> Inner {
    let mut parts = Vec::new();
    let mut is_cut = false;
    let text = &layer.traced;
    // What was just freed of its markup has none left, unless entities spelled it.
    if is_marked(&text.text)
        && (layer.origin != Origin::Plain || memchr::memchr(b'<', text.text.as_bytes()).is_some())
    {
        let unmarked = unmark(text);
        is_cut = unmarked.is_cut;
        parts.extend(unmarked.plain.map(|plain| (Origin::Plain, changed_lines(text, &plain))));
        parts.extend(unmarked.parts);
    }
    if layer.origin != Origin::Plain {
        decode(text, |origin, found| parts.push((origin, found)));
        parts.extend(quoted_printable(text).map(|text| (Origin::QuotedPrintable, text)));
        parts.extend(backslashes(text).map(|text| (Origin::Escapes, text)));
    }
    // What only lost its markup or its escapes shows these disguises as the text before it does.
    let is_changed = matches!(
        layer.origin,
        Origin::Plain
            | Origin::Escapes
            | Origin::Rot13
            | Origin::Reversed
            | Origin::Spread
            | Origin::Bidi
            | Origin::Lettered
    );
    if !is_changed {
        let (is_turned, is_reversed, is_apart) = shown(&text.text);
        let apart = is_apart.then(|| joined(text)).flatten();
        parts.extend(apart.map(|text| (Origin::Spread, text)));
        parts.extend(lettered(text).map(|text| (Origin::Lettered, text)));
        parts.extend(is_turned.then(|| (Origin::Rot13, turned(text))));
        parts.extend(is_reversed.then(|| (Origin::Reversed, reversed(text))));
    }
    Inner { parts, is_cut }
}

/// The lines of `plain` that are none of `text`: what markup did not touch is not judged twice.
fn changed_lines(text: &Traced, plain: &Traced) -> Traced {
    let mut known: Vec<(u64, &str)> = text.text.lines().map(|line| (hash(line), line)).collect();
    known.sort_unstable();
    let mut out = Traced::default();
    let mut at = 0;
    for line in plain.text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        if known.binary_search(&(hash(bare), bare)).is_err() {
            out.carry(plain, at..at + line.len());
        }
        at += line.len();
    }
    out
}

/// Tells lines apart fast; where two collide, the lines themselves are compared.
fn hash(line: &str) -> u64 {
    let (words, rest) = line.as_bytes().as_chunks::<8>();
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let hash = words.iter().fold(0, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, b| mix(hash, u64::from(*b)))
}

/// What was decoded may hold any character again.
fn refold(traced: Traced, reading: &mut Reading) -> Traced {
    if traced.text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
        return traced;
    }
    let mut inside = Reading::default();
    let folded = fold(&traced.text, &mut inside);
    for mark in inside.marks {
        let span = traced.source(mark.span);
        reading.note(mark.kind, span, mark.count);
    }
    // Hidden layers within decoded ones keep the place of the run they came from.
    for layer in inside.layers {
        let whole = layer.traced.source(0..layer.traced.text.len());
        let mut out = Traced::default();
        out.put(&layer.traced.text, traced.source(whole));
        reading.layers.push(Layer { traced: out, ..layer });
    }
    let mut out = Traced::with_capacity(folded.text.len());
    let mut start = 0;
    for (at, c) in folded.text.char_indices() {
        // Word by word is fine enough a map for what needed folding twice.
        if c == ' ' || c == '\n' {
            let end = at + 1;
            out.put(
                folded.text.get(start..end).unwrap_or_default(),
                traced.source(folded.source(start..end)),
            );
            start = end;
        }
    }
    let end = folded.text.len();
    if start < end {
        out.put(folded.text.get(start..).unwrap_or_default(), traced.source(folded.source(start..end)));
    }
    out
}

fn note(reading: &mut Reading, origin: Origin, traced: &Traced) {
    let kind = match origin {
        Origin::Comment => MarkKind::Comment,
        Origin::Unseen => MarkKind::Unseen,
        _ => return,
    };
    if traced.text.split_ascii_whitespace().nth(2).is_some() {
        reading.note(kind, traced.source(0..traced.text.len()), 1);
    }
}
