//! Sentences, as far as judging needs them: words in order, and what each stands for.

mod runs;

use std::ops::Range;

use crate::bundle::Bundles;
use crate::concept::{Concept, Concepts};
use crate::names::{Names, Owner};
use crate::shape::{may_be_pair, pair, shape, shapes};
use crate::vocabulary::{VOCABULARY, Vocabulary};
use runs::{CAPITAL, FOR_LETTER, Run, SIGN, STOPS, runs};

/// A word that stands for something, or a run of signs that does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) concepts: Concepts,
    /// How many words came before it in the text; borders between sentences count for several.
    pub(crate) place: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// One sentence: its tokens within the text's, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) tokens: Range<usize>,
    pub(crate) bytes: Range<usize>,
    /// What stands in it at all.
    pub(crate) concepts: Concepts,
    /// How many words it has, those included that stand for nothing.
    pub(crate) words: u32,
    /// What its first word stands for.
    pub(crate) opening: Concepts,
    /// It names a tool of another server, or uses a word that one is called by.
    pub(crate) is_foreign: bool,
    /// Where such a name stands that is no word besides.
    pub(crate) foreign: Option<Range<usize>>,
}

/// A text in sentences.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sentences {
    pub(crate) tokens: Vec<Token>,
    pub(crate) list: Vec<Sentence>,
}

/// How many words a border between sentences counts for.
const BORDER: u32 = 4;
/// The longest sentence. What goes on longer is a table or a list.
const LONGEST: u32 = 80;

/// What means something here: the names of other tools, and the tool's own, which says nothing; and what was added to the
/// words and rules that are built in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) names: &'a Names,
    pub(crate) own: &'a str,
    /// Another server has a tool that is called nearly as this one.
    pub(crate) is_twin: bool,
    pub(crate) words: Option<&'a Vocabulary>,
    pub(crate) bundles: Option<&'a Bundles>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(names: &'a Names, own: &'a str) -> Self {
        Self { names, own, is_twin: names.is_twin(own), words: None, bundles: None }
    }
}

/// Reads sentences.
pub(crate) fn sentences(text: &str, known: Known<'_>) -> Sentences {
    let small = text.to_ascii_lowercase();
    let runs = runs(text);
    let shapes = shapes(text);
    let mut reader = Reader {
        text,
        small: &small,
        runs: &runs,
        shapes: &shapes,
        known,
        out: Sentences {
            tokens: Vec::with_capacity(runs.len() / 2 + 8),
            list: Vec::with_capacity(runs.len() / 16 + 2),
        },
        place: 0,
        words: 0,
        begun: 0,
        first: 0,
        opening: None,
        is_foreign: false,
        foreign: None,
    };
    for n in 0..runs.len() {
        reader.run(n);
    }
    reader.close(text.len());
    reader.out
}

struct Reader<'a> {
    text: &'a str,
    /// The same in small letters.
    small: &'a str,
    runs: &'a [Run],
    /// Those that are still to come.
    shapes: &'a [(Range<usize>, Concept)],
    known: Known<'a>,
    out: Sentences,
    place: u32,
    words: u32,
    /// Where the sentence began, in bytes and in tokens.
    begun: usize,
    first: usize,
    opening: Option<Concepts>,
    is_foreign: bool,
    foreign: Option<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn run(&mut self, n: usize) {
        let Some(run) = self.runs.get(n) else { return };
        let text = self.text.get(run.bytes.clone()).unwrap_or_default();
        self.signs(n, run, text);
        self.words_of(n, run, text);
        if self.ends_with(n, run, text) || self.words >= LONGEST {
            self.close(run.bytes.end);
        }
    }

    /// Whether a sentence ends after a run.
    fn ends_with(&self, n: usize, run: &Run, text: &str) -> bool {
        let next = self.runs.get(n + 1);
        // Most runs end in a letter, with a blank after them.
        let bytes = self.text.as_bytes();
        if next.is_some_and(|next| next.bytes.start == run.bytes.end + 1)
            && bytes.get(run.bytes.end) == Some(&b' ')
            && text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric)
        {
            return false;
        }
        let after = next.and_then(|next| self.text.get(next.bytes.clone())).unwrap_or_default();
        let gap = next.and_then(|next| self.text.get(run.bytes.end..next.bytes.start)).unwrap_or_default();
        ends(text, gap, after)
    }

    /// A run in small letters.
    fn small(&self, n: usize) -> &'a str {
        clip(self.runs.get(n).and_then(|run| self.small.get(run.bytes.clone())).unwrap_or_default())
    }

    /// What the run is as a whole.
    fn signs(&mut self, n: usize, run: &Run, text: &str) {
        let mut concepts = Concepts::NONE;
        while let Some(((range, concept), later)) = self.shapes.split_first()
            && range.start < run.bytes.end
        {
            concepts = concepts.and(Concepts::of(*concept));
            self.shapes = later;
        }
        if run.kinds & SIGN != 0 {
            concepts = concepts.and(shape(self.small(n)));
        }
        let next = self.runs.get(n + 1).and_then(|next| self.text.as_bytes().get(next.bytes.start));
        if text.len() <= 12 && may_be_pair(text.as_bytes(), next.copied()) {
            concepts = concepts.and(pair(self.small(n), self.small(n + 1)));
        }
        // An address inside is no address outside.
        if concepts.has(Concept::Inside) {
            concepts = concepts.without(Concept::Address);
        }
        let owner = || {
            let bare = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_marked = text.starts_with(['`', '\'', '"']) || text.contains("()");
            self.known.names.owner(bare, is_marked, self.known.own)
        };
        let owner = if self.known.names.is_empty() { None } else { owner() };
        self.is_foreign |= matches!(owner, Some(Owner::Foreign { .. }));
        if owner == (Some(Owner::Foreign { is_word: false })) {
            self.foreign.get_or_insert(run.bytes.clone());
        }
        if owner.is_some() {
            concepts = concepts.and(Concepts::of(Concept::Sibling)).and(Concepts::of(Concept::Name));
        }
        if text.ends_with('?') {
            concepts = concepts.and(Concepts::of(Concept::Question));
        }
        if !concepts.is_none() {
            self.push(concepts, run.bytes.clone());
        }
    }

    /// The words in a run.
    fn words_of(&mut self, n: usize, run: &Run, text: &'a str) {
        let begun = run.bytes.start;
        // Whoever owns a name chooses its words: `evil.example` speaks of no attack, and is no writing about one.
        let owned = Concepts::of(Concept::Attack).and(Concepts::of(Concept::Freedom));
        let mut rest = 0;
        while let Some(whole) = run.word(text, rest) {
            rest = whole.end;
            let bytes = begun + whole.start..begun + whole.end;
            let mut found = self.meaning(n, bytes.clone(), whole.end);
            if found.meets(owned) && text.len() > 4 && is_address(text) {
                found = found.without(Concept::Attack).without(Concept::Freedom);
            }
            if found.is_none() && run.kinds & FOR_LETTER != 0 {
                let is_run = whole.start == 0 && whole.end + 1 < text.len() && text.len() <= 32;
                let word = if is_run { run.bytes.clone() } else { bytes.clone() };
                found = disguised(self.small.get(word).unwrap_or_default());
            }
            let may_split = found.is_none() && run.kinds & CAPITAL != 0 && whole.len() <= 64;
            if !may_split || !text.get(whole.clone()).is_some_and(is_name) {
                self.word(found, bytes);
                continue;
            }
            let mut at = whole.start;
            while at < whole.end {
                let hump = at..hump(text, at, whole.end);
                at = hump.end;
                let bytes = begun + hump.start..begun + hump.end;
                let found =
                    if hump == whole { Concepts::NONE } else { self.meaning(n, bytes.clone(), hump.end) };
                self.word(found, bytes);
            }
        }
    }

    /// What a word of a run stands for, with those after it. The word ends at `end` of the run.
    fn meaning(&self, n: usize, bytes: Range<usize>, end: usize) -> Concepts {
        if bytes.len() > 32 {
            return Concepts::NONE;
        }
        let word = self.small.get(bytes).unwrap_or_default();
        let ahead = Ahead { small: self.small, runs: self.runs, run: n, at: end };
        let word = word.strip_suffix("'s").unwrap_or(word);
        let found = VOCABULARY.find(word, |k| ahead.word(k));
        match self.known.words {
            Some(words) => found.and(words.find(word, |k| ahead.word(k))),
            None => found,
        }
    }

    fn word(&mut self, concepts: Concepts, bytes: Range<usize>) {
        self.words += 1;
        self.place += 1;
        if self.opening.is_none() {
            self.opening = Some(concepts);
        }
        if !concepts.is_none() {
            self.push(concepts, bytes);
        }
    }

    fn push(&mut self, concepts: Concepts, bytes: Range<usize>) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.out.tokens.push(Token {
            concepts,
            place: self.place,
            start: number(bytes.start),
            end: number(bytes.end),
        });
    }

    fn close(&mut self, end: usize) {
        let tokens = self.first..self.out.tokens.len();
        if self.words > 0 {
            let concepts = self.out.tokens.get(tokens.clone()).unwrap_or_default();
            let concepts = concepts.iter().fold(Concepts::NONE, |all, token| all.and(token.concepts));
            let opening = self.opening.unwrap_or_default();
            self.out.list.push(Sentence {
                tokens,
                bytes: self.begun..end,
                concepts,
                words: self.words,
                opening,
                is_foreign: self.is_foreign,
                foreign: self.foreign.take(),
            });
        }
        self.is_foreign = false;
        self.first = self.out.tokens.len();
        self.begun = end;
        self.words = 0;
        self.opening = None;
        self.place += BORDER;
    }
}

/// The words after one, for phrases: those of the same run, then those of the runs after it.
struct Ahead<'a> {
    small: &'a str,
    runs: &'a [Run],
    run: usize,
    at: usize,
}

impl<'a> Ahead<'a> {
    /// The word `k` places on from the one after.
    fn word(&self, k: usize) -> Option<&'a str> {
        let (mut run, mut at, mut left) = (self.run, self.at, k);
        loop {
            let own = self.runs.get(run)?;
            let text = self.small.get(own.bytes.clone())?;
            match own.word(text, at) {
                Some(part) if left == 0 => return text.get(part),
                Some(part) => (at, left) = (part.end, left - 1),
                None => (run, at) = (run + 1, 0),
            }
        }
    }
}

/// A word written with digits and signs for letters: `1gn0re`, `p@ssw0rd`.
fn disguised(run: &str) -> Concepts {
    let word = run.trim_matches(['.', ',', ':', ';', '(', ')', '"', '\'']);
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    let is_mixed = (3..=24).contains(&word.len())
        && has(u8::is_ascii_alphabetic)
        && has(|b| matches!(b, b'0' | b'1' | b'3' | b'4' | b'5' | b'7' | b'@' | b'$' | b'!'));
    if !is_mixed {
        return Concepts::NONE;
    }
    let read = |one| {
        let plain: String = word.chars().map(|c| letter(c, one)).collect();
        VOCABULARY.find(&plain, |_| None)
    };
    let found = read('i');
    if found.is_none() { read('l') } else { found }
}

/// Whether a run holds a mail address, a URL or the name of a host: a dot, or an at sign, between letters.
fn is_address(run: &str) -> bool {
    let bytes = run.as_bytes();
    bytes.windows(3).any(|three| {
        matches!(three, [before, b'.' | b'@', after] if before.is_ascii_alphanumeric() && after.is_ascii_alphabetic())
            || three == b"://"
    })
}

/// Whether a word is several, as `getUserName` is; one whose capitals stand anywhere, as in `IgNoRe`, is not.
fn is_name(word: &str) -> bool {
    if !word.bytes().skip(1).any(|b| b.is_ascii_uppercase()) {
        return false;
    }
    let (mut at, mut parts) = (0, 0);
    while at < word.len() {
        let end = hump(word, at, word.len());
        if end - at < 2 {
            return false;
        }
        (at, parts) = (end, parts + 1);
    }
    word.len() >= 3 * parts
}

/// Where the part of a name that begins at `at` ends: before a capital that follows a small letter.
fn hump(text: &str, at: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    let is_border = |n: &usize| {
        bytes.get(*n).is_some_and(u8::is_ascii_uppercase)
            && bytes.get(*n - 1).is_some_and(u8::is_ascii_lowercase)
    };
    (at + 1..end).find(is_border).unwrap_or(end)
}

/// Whether a sentence ends after `run`, given the blanks and the run that follow.
fn ends(run: &str, gap: &str, after: &str) -> bool {
    let trimmed = run.trim_end_matches(['"', '\'', ')', ']', '*', '`', '>']);
    // A member of JSON, or of what passes for it, is a sentence of its own.
    const BORDERS: [&str; 8] = ["\":", "':", "\",", "',", "\"}", "'}", "\"},", "'},"];
    if BORDERS.iter().any(|border| run.ends_with(border)) {
        return true;
    }
    let stops = trimmed.ends_with(['.', '!', '?', ';']) || trimmed.ends_with(STOPS);
    let lines = gap.bytes().filter(|b| *b == b'\n').count();
    if lines > 1 && gap.contains("\n\n") {
        return true;
    }
    let next = after.bytes().next().unwrap_or_default();
    if lines > 0 {
        return stops
            || trimmed.ends_with(':')
            || next.is_ascii_uppercase()
            || matches!(next, b'-' | b'*' | b'#' | b'|' | b'0'..=b'9');
    }
    // "e.g. this" goes on; "file. Then" does not.
    stops
        && !(next.is_ascii_lowercase()
            && matches!(trimmed, "e.g." | "i.e." | "etc." | "vs." | "(e.g." | "(i.e."))
}

fn letter(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

/// Shapes are short; a run of megabytes is judged by its beginning.
fn clip(run: &str) -> &str {
    if run.len() <= 512 { run } else { run.get(..run.floor_char_boundary(512)).unwrap_or(run) }
}
