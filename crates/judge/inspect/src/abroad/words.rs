//! The words, and where they stand in a text: hundreds in each of some twenty languages, of which a text holds few.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::{ATTACK, idea};
use crate::vocabulary::VOCABULARY;

const WORDS: &str = include_str!("words.txt");

/// Words of every language for what is only written about.
const LOANS: [&str; 4] = ["prompt injection", "prompt-injection", "promptinjection", "jailbreak"];
/// The language of those.
pub(super) const EVERY: u8 = u8::MAX;

/// One word that was found.
pub(super) struct Hit {
    pub(super) at: Range<usize>,
    pub(super) language: u8,
    pub(super) idea: u32,
    pub(super) is_shared: bool,
}

/// How a word may stand in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As a whole word.
    Word,
    /// With any ending.
    Stem,
    /// Behind the short words that Arabic writes together with the next.
    Joined,
    /// Anywhere: there are no blanks between words.
    Anywhere,
}

pub(super) struct Entry {
    pub(super) language: u8,
    pub(super) idea: u32,
    form: Form,
    /// It means something in English too.
    is_shared: bool,
}

pub(super) struct Table {
    /// The words, as many as entries, until somebody writes in other letters than those of ASCII.
    words: Vec<String>,
    all: OnceLock<Option<DFA>>,
    /// Those of ASCII, and which they are: most texts hold no others, and the rest takes long to make.
    latin: NFA,
    latins: Vec<usize>,
    starts: Starts,
    pub(super) entries: Vec<Entry>,
}

/// By which four letters any of the words begins, and which fewer letters any may begin with: most words of English are turned away
/// by theirs.
struct Starts {
    whole: Vec<u64>,
    stems: Vec<u64>,
}

impl Starts {
    const BITS: usize = 1 << 14;
    /// The longest beginning that is looked at.
    const LONGEST: usize = 4;

    fn new() -> Self {
        let none = || vec![0; Self::BITS / 64];
        Self { whole: none(), stems: none() }
    }

    /// The first letters of a word of ASCII, without what follows it.
    fn head(text: &[u8]) -> &[u8] {
        let length = text.iter().take(Self::LONGEST).take_while(|b| is_part(**b)).count();
        text.get(..length).unwrap_or_default()
    }

    /// Takes a word in; one that others begin with stands for all of them.
    fn add(&mut self, word: &[u8], goes_on: bool) {
        let head = Self::head(word);
        let is_stem = goes_on && head.len() < Self::LONGEST;
        let at = Self::place(head);
        let bits = if is_stem { &mut self.stems } else { &mut self.whole };
        if let Some(bits) = bits.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    fn place(head: &[u8]) -> usize {
        Self::folded(head.iter().fold(0, |all, b| Self::with(all, *b)))
    }

    fn with(all: usize, b: u8) -> usize {
        all << 6 ^ usize::from(b | 0x20)
    }

    fn folded(all: usize) -> usize {
        (all ^ all >> 11) % Self::BITS
    }

    fn may_be(&self, text: &[u8]) -> bool {
        let has = |bits: &[u64], at: usize| bits.get(at / 64).is_none_or(|bits| bits >> (at % 64) & 1 == 1);
        let (mut all, mut length) = (0, 0);
        for b in text.iter().take(Self::LONGEST).take_while(|b| is_part(**b)) {
            (all, length) = (Self::with(all, *b), length + 1);
            if length < Self::LONGEST && has(&self.stems, Self::folded(all)) {
                return true;
            }
        }
        has(&self.whole, Self::folded(all))
    }
}

/// A part of a word, where there are no letters but those of ASCII.
fn is_part(b: u8) -> bool {
    static PARTS: [bool; 256] = {
        let mut parts = [false; 256];
        let (mut byte, mut rest) = (0_u8, parts.as_mut_slice());
        while let [first, tail @ ..] = rest {
            *first = byte.is_ascii_alphanumeric() || byte == b'_';
            rest = tail;
            byte = byte.wrapping_add(1);
        }
        parts
    };
    PARTS.get(usize::from(b)).copied().unwrap_or_default()
}

/// Made once. A file that cannot be compiled finds nothing; a test sees to it that it can.
pub(super) static TABLE: LazyLock<Option<Table>> = LazyLock::new(|| {
    let (mut entries, mut words) = (Vec::new(), Vec::new());
    let mut languages = 0_u8;
    let mut form = Form::Word;
    for word in LOANS {
        let form = Form::Stem;
        entries.push(Entry { language: EVERY, idea: ATTACK, form, is_shared: true });
        words.push(word.to_owned());
    }
    for line in WORDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            languages += 1;
            form = match name.trim_end_matches(']') {
                "zh" | "ja" | "ko" => Form::Anywhere,
                "ar" => Form::Joined,
                "hi" => Form::Stem,
                _ => Form::Word,
            };
            continue;
        }
        let (name, list) = line.split_once(' ')?;
        for word in list.split(',').map(str::trim) {
            let stem = word.strip_suffix('*');
            let form = match form {
                _ if stem.is_some() => Form::Stem,
                // Latin letters among others are a word.
                Form::Anywhere if word.is_ascii() => Form::Word,
                form => form,
            };
            let word = folded(stem.unwrap_or(word));
            let is_shared = !VOCABULARY.find(&word, |_| None).is_none();
            entries.push(Entry { language: languages - 1, idea: idea(name), form, is_shared });
            words.push(word);
        }
    }
    let is_latin = |n: &usize| words.get(*n).is_some_and(|word: &String| word.is_ascii());
    let latins: Vec<usize> = (0..words.len()).filter(is_latin).collect();
    let mut starts = Starts::new();
    for (word, entry) in words.iter().zip(&entries).filter(|(word, _)| word.is_ascii()) {
        starts.add(word.as_bytes(), entry.form != Form::Word);
    }
    let latin = latins.iter().filter_map(|n| words.get(*n));
    let latin = NFA::builder().match_kind(MatchKind::Standard).build(latin).ok()?;
    let all = OnceLock::new();
    Some(Table { words, all, latin, latins, starts, entries })
});

/// A word as it stands in a layer: without accents, with look-alikes folded.
fn folded(word: &str) -> String {
    let reading = doorward_text::read(word, &doorward_text::Limits::default());
    reading.layers().first().map_or(word, |layer| layer.text()).to_owned()
}

/// The words that stand in a text, in order.
pub(super) fn hits(table: &Table, text: &str) -> Vec<Hit> {
    if text.is_ascii() {
        return latin(table, text.as_bytes());
    }
    let small = small(text);
    let mut hits = Vec::new();
    let make = || {
        let mut all = DFA::builder();
        all.match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored).build(&table.words).ok()
    };
    let Some(all) = table.all.get_or_init(make) else { return hits };
    let Ok(mut state) = all.start_state(Anchored::No) else { return hits };
    for (last, byte) in small.bytes().enumerate() {
        state = all.next_state(Anchored::No, state, byte);
        each_match(all, state, last + 1, |n, at| {
            let Some(entry) = table.entries.get(n) else { return };
            let fits = match entry.form {
                Form::Anywhere => true,
                Form::Stem => begins(&small, at.start),
                Form::Word => begins(&small, at.start) && ends(&small, at.end),
                Form::Joined => begins_joined(&small, at.start),
            };
            if fits {
                hits.push(Hit { at, language: entry.language, idea: entry.idea, is_shared: entry.is_shared });
            }
        });
    }
    hits.sort_by_key(|hit| hit.at.start);
    hits
}

/// The same in ASCII, where words begin behind what is no part of one: most are turned away by their first letters.
fn latin(table: &Table, text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let Ok(start) = table.latin.start_state(Anchored::Yes) else { return hits };
    let mut at = 0;
    while let Some(b) = text.get(at) {
        let first = at;
        let word = text.get(first..).unwrap_or_default();
        at += 1;
        if !is_part(*b) {
            continue;
        }
        at += word.iter().skip(1).take_while(|b| is_part(**b)).count();
        if !table.starts.may_be(word) {
            continue;
        }
        let mut state = start;
        for (last, b) in text.iter().enumerate().skip(first) {
            state = table.latin.next_state(Anchored::Yes, state, b.to_ascii_lowercase());
            if !table.latin.is_special(state) {
                continue;
            }
            if table.latin.is_dead(state) {
                break;
            }
            each_match(&table.latin, state, last + 1, |n, at| {
                let Some(entry) = table.latins.get(n).and_then(|n| table.entries.get(*n)) else { return };
                let goes_on = text.get(at.end).copied().is_some_and(is_part);
                if matches!(entry.form, Form::Stem | Form::Joined) || !goes_on {
                    hits.push(Hit {
                        at,
                        language: entry.language,
                        idea: entry.idea,
                        is_shared: entry.is_shared,
                    });
                }
            });
        }
    }
    hits
}

/// Calls `each` with the numbers of the words that end here, and where they stand.
fn each_match(by: &impl Automaton, state: StateID, end: usize, mut each: impl FnMut(usize, Range<usize>)) {
    if !by.is_special(state) || !by.is_match(state) {
        return;
    }
    for n in 0..by.match_len(state) {
        let pattern = by.match_pattern(state, n);
        each(pattern.as_usize(), end - by.pattern_len(pattern)..end);
    }
}

/// Small letters, each of the length of the capital: places stay what they are.
fn small(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = |c: char| {
        let mut small = c.to_lowercase();
        match (small.next(), small.next()) {
            (Some(small), None) if small.len_utf8() == c.len_utf8() => small,
            _ => c,
        }
    };
    text.chars().map(lower).collect()
}

fn begins(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn ends(text: &str, at: usize) -> bool {
    let after = text.get(at..).and_then(|text| text.chars().next());
    !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn begins_joined(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let bare = before.trim_end_matches(['و', 'ف', 'ب', 'ل', 'ك', 'ا', 'س']);
    bare.len() + 6 >= before.len() && begins(text, bare.len())
}
