//! The lexicon made ready for looking up.

use std::sync::LazyLock;

use crate::concept::{Concept, Concepts};
use crate::lexicon::{Class, LEXICON};

/// All words and phrases, made once.
pub(crate) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::new);

/// What a word stands for.
#[derive(Debug, Clone, Default)]
struct Entry {
    word: String,
    concepts: Concepts,
    phrases: Vec<Phrase>,
}

/// Words that continue the first, and what all of them stand for together.
#[derive(Debug, Clone)]
struct Phrase {
    rest: Vec<String>,
    concepts: Concepts,
}

/// A hash table of our own: std's draws random seeds, which a pure crate may not.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    slots: Vec<Option<Entry>>,
    /// Of each slot the hash of its word, and 0 where there is none: most words of a text are turned away here, without a
    /// look at the entries.
    hashes: Vec<u32>,
    words: usize,
}

impl Vocabulary {
    /// One without words.
    pub(crate) fn empty() -> Self {
        Self { slots: vec![None; SLOTS], hashes: vec![0; SLOTS], words: 0 }
    }

    fn new() -> Self {
        let mut vocabulary = Self::empty();
        for (concept, class, words) in LEXICON {
            for words in words.split(',') {
                vocabulary.add(&words.split_ascii_whitespace().collect::<Vec<_>>(), *concept, *class);
            }
        }
        vocabulary
    }

    /// What `word`, in small letters, stands for, alone and with those after it, which `ahead` gives by their number.
    pub(crate) fn find<'a>(&self, word: &str, mut ahead: impl FnMut(usize) -> Option<&'a str>) -> Concepts {
        let Some(entry) = self.slot(word).1 else { return Concepts::NONE };
        let mut found = entry.concepts;
        if entry.phrases.is_empty() {
            return found;
        }
        let bare = |word: &'a str| word.strip_suffix("'s").unwrap_or(word);
        // The next word turns away most of them.
        let Some(next) = ahead(0).map(bare) else { return found };
        for phrase in &entry.phrases {
            let Some((first, rest)) = phrase.rest.split_first() else { continue };
            let mut fits = || {
                rest.iter().enumerate().all(|(n, word)| ahead(n + 1).is_some_and(|other| word == bare(other)))
            };
            if first.len() == next.len() && first == next && fits() {
                found = found.and(phrase.concepts);
            }
        }
        found
    }

    /// Adds a word or a phrase, in small letters, in all its forms. There is room for a thousand of a caller's own.
    pub(crate) fn add(&mut self, words: &[&str], concept: Concept, class: Class) {
        let Some((last, before)) = words.split_last() else { return };
        match class {
            Class::Fixed => self.insert(words, Concepts::of(concept)),
            Class::Order => self.insert(words, Concepts::of(concept).and(Concepts::of(Concept::Plain))),
            Class::Noun => {
                for last in [(*last).to_owned(), plural(last)] {
                    self.insert(&[before, &[last.as_str()]].concat(), Concepts::of(concept));
                }
            }
            Class::Verb => {
                // The first word of a phrase is the one that changes: "look up", "looks up".
                let Some((first, rest)) = words.split_first() else { return };
                for (form, manner) in forms(first) {
                    let concepts = Concepts::of(concept).and(manner);
                    self.insert(&[&[form.as_str()], rest].concat(), concepts);
                }
            }
        }
    }

    fn insert(&mut self, words: &[&str], concepts: Concepts) {
        let Some((first, rest)) = words.split_first() else { return };
        let (slot, hash) = (self.slot(first).0, short(first));
        let Some(place) = self.slots.get_mut(slot) else { return };
        if place.is_none() {
            self.words += 1;
            self.hashes.iter_mut().skip(slot).take(1).for_each(|slot| *slot = hash);
        }
        let entry = place.get_or_insert_with(|| Entry { word: (*first).to_owned(), ..Entry::default() });
        if rest.is_empty() {
            entry.concepts = entry.concepts.and(concepts);
        } else {
            entry
                .phrases
                .push(Phrase { rest: rest.iter().map(|word| (*word).to_owned()).collect(), concepts });
        }
    }

    /// The slot of a word, and what is in it.
    fn slot(&self, word: &str) -> (usize, Option<&Entry>) {
        let hash = short(word);
        let mut at = hash as usize % SLOTS;
        loop {
            match self.hashes.get(at) {
                None | Some(0) => return (at, None),
                Some(other) if *other == hash => match self.slots.get(at).and_then(Option::as_ref) {
                    Some(entry) if entry.word != word => {}
                    found => return (at, found),
                },
                Some(_) => {}
            }
            at = (at + 1) % SLOTS;
        }
    }
}

/// How many words there is room for.
const SLOTS: usize = 1 << 13;

/// A hash for the table, never 0, of a word in small letters: its two ends and its length. It is asked for each word there is,
/// so that it multiplies once.
fn short(word: &str) -> u32 {
    let bytes = word.as_bytes();
    let ends = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(head), Some(tail)) => u64::from_le_bytes(*head) ^ u64::from_le_bytes(*tail).rotate_left(29),
        _ => bytes.iter().fold(0, |all, b| all << 8 | u64::from(*b)),
    };
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    let mixed = (ends ^ length << 59).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    u32::try_from(mixed >> 32).unwrap_or_default().max(1)
}

/// The forms of a regular verb, and whether each orders or describes.
fn forms(verb: &str) -> Vec<(String, Concepts)> {
    let plain = Concepts::of(Concept::Plain);
    let told = Concepts::of(Concept::Told);
    let stem = verb.strip_suffix('e').unwrap_or(verb);
    let ends = |letters: &[char]| verb.ends_with(letters);
    let soft_y = verb.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    let third = match soft_y {
        Some(stem) => format!("{stem}ies"),
        None if ends(&['s', 'x', 'z'])
            || verb.ends_with("ch")
            || verb.ends_with("sh")
            || verb.ends_with('o') =>
        {
            format!("{verb}es")
        }
        None => format!("{verb}s"),
    };
    let past = soft_y.map_or_else(|| format!("{stem}ed"), |stem| format!("{stem}ied"));
    let mut forms = vec![(verb.to_owned(), plain), (third, told), (past, told), (format!("{stem}ing"), told)];
    let last = verb.chars().next_back().unwrap_or_default();
    // Short verbs double: run, running; submit, submitted. A form that nobody writes does no harm.
    if matches!(last, 'b' | 'd' | 'g' | 'l' | 'm' | 'n' | 'p' | 'r' | 't') {
        forms.push((format!("{verb}{last}ing"), told));
        forms.push((format!("{verb}{last}ed"), told));
    }
    forms
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Concepts {
        let words: Vec<&str> = text.split(' ').collect();
        VOCABULARY.find(words[0], |n| words.get(n + 1).copied())
    }

    #[test]
    fn words_are_found_in_their_forms() {
        for word in ["read", "reads", "reading", "copied", "sends", "submitted", "included"] {
            assert!(!find(word).is_none(), "{word}");
        }
        assert!(find("read").has(Concept::Plain) && find("reads").has(Concept::Told));
        assert!(find("credentials").has(Concept::Secret));
        assert!(find("unrelated").is_none());
    }

    #[test]
    fn phrases_are_found_where_they_are_whole() {
        assert!(find("system prompts here").has(Concept::SystemPrompt));
        assert!(!find("system default").has(Concept::SystemPrompt));
        assert!(VOCABULARY.words * 2 < VOCABULARY.slots.len(), "{} words", VOCABULARY.words);
    }
}
