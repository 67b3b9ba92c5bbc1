//! Sentences made from templates, the same ones every time.

use std::collections::BTreeMap;
use std::path::Path;

/// A small generator of numbers: what is trained must come out the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for n in (1..list.len()).rev() {
            list.swap(n, self.roll(n + 1));
        }
    }
}

/// Templates and slots.
pub(crate) struct Grammar {
    slots: BTreeMap<String, Vec<String>>,
    templates: Vec<String>,
}

impl Grammar {
    /// Reads a grammar of `lab/corpora`.
    pub(crate) fn load(root: &Path, name: &str) -> Self {
        let path = root.join("lab/corpora").join(name).with_extension("grammar");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut grammar = Self { slots: BTreeMap::new(), templates: Vec::new() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '*'])) {
            if let Some((name, alternatives)) = line.split_once(" = ").filter(|(name, _)| is_name(name)) {
                let list = alternatives.replace("\\|", "\0");
                let list = list.split('|').map(|text| text.trim().replace('\0', "|")).collect();
                grammar.slots.insert(name.to_owned(), list);
            } else {
                grammar.templates.push(line.replace("\\|", "|"));
            }
        }
        grammar
    }

    /// How many templates there are.
    pub(crate) fn len(&self) -> usize {
        self.templates.len()
    }

    /// One sentence of template `n`.
    pub(crate) fn sentence(&self, n: usize, dice: &mut Dice) -> String {
        let template = &self.templates[n % self.templates.len()];
        let text = self.fill(template, dice, 0, true);
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Template `n` as it stands.
    pub(crate) fn template(&self, n: usize) -> &str {
        &self.templates[n]
    }

    /// A text with its slots filled, and nothing else changed.
    pub(crate) fn value(&self, text: &str, dice: &mut Dice) -> String {
        self.fill(text, dice, 0, false)
    }

    fn fill(&self, template: &str, dice: &mut Dice, depth: usize, is_prose: bool) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let slot = after.split_once('}').filter(|(name, _)| depth < 6 && self.slots.contains_key(*name));
            if let Some((name, tail)) = slot {
                let list = &self.slots[name];
                let text = self.fill(&list[dice.roll(list.len())], dice, depth + 1, is_prose);
                let begins = out.trim_end().is_empty() || out.trim_end().ends_with(['.', ':', '>']);
                out.push_str(&if begins && is_prose { capital(&text) } else { text });
                rest = tail;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out + rest
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
