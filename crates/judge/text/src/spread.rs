//! Words in disguise that need no decoder: letters set apart, letters in reverse, letters turned by thirteen.

use std::sync::LazyLock;

use crate::map::Traced;

/// Words of English and of orders, of which none is a word in reverse or turned by thirteen. A text in disguise shows itself
/// by holding them so.
const COMMON: &str = "about above access additional address administrator after again agent all allowed also always and another \
    any anything api appear append apply argument arguments assistant attach attacker audit authentication \
    automatically available avoid backup because before being below between block body browser bucket cache call \
    called change channel check client code collect command complete config configuration confirm confirmation \
    connect content contents context conversation copy could create credentials current customer data database \
    decode decoding default delete description developer directory disable document domain download during each \
    email enable encode ensure environment error event every everything exactly example execute executing expand \
    export external extract field file files first follow following for format forward found from full function \
    given grant have header here hidden history host http https identifier ignore image immediately important \
    include information initial input insert install instead instructions internal into invocation invoke its \
    keys later link list local location logging login logs make malicious memory mention message metadata method \
    mode model modify more most must name network never next not notify number objects once only operation \
    original other output over override package page parameter password path payload permission permissions \
    personal plain please policy prefix present previous private process project prompt proper provide python \
    query quietly raise read receive recipient record redirect remote remove render repeat replace reply report \
    request requests resource response result results retrieve return returned returning reveal root rule safety \
    same sandbox schema script search secret secrets security select send sensitive sent separate server service \
    session settings shell should show silently skip some source start stored string subsequent such summary \
    system target task tell temporary text than that the their them then there these they this those through \
    token tokens tool transfer trusted under unless until update upload use user using validation value \
    variables verify version victim visible warning webhook what when whenever where which while whole whose \
    will with without would write you your";

/// Words that were set apart, letter by letter: `i g n o r e`, `i.g.n.o.r.e`. Two blanks part words, where they do.
pub(crate) fn joined(from: &Traced) -> Option<Traced> {
    let bytes = from.text.as_bytes();
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_single = |at: usize| is_letter(at) && !is_letter(at + 1) && (at == 0 || !is_letter(at - 1));
    let mut out = Traced::default();
    let mut at = 0;
    while at + 8 < bytes.len() {
        let Some(sign) = bytes
            .get(at + 1)
            .copied()
            .filter(|b| matches!(b, b' ' | b'.' | b'-' | b'_' | b'|' | b'*' | b'/' | b'\n'))
        else {
            at += 1;
            continue;
        };
        if !is_single(at) {
            at += 1;
            continue;
        }
        let mut word = Traced::default();
        let (mut place, mut letters) = (at, 0);
        loop {
            word.carry(from, place..place + 1);
            letters += 1;
            let gap = bytes.iter().skip(place + 1).take(3).take_while(|b| **b == sign || **b == b' ').count();
            if gap == 0 || !is_single(place + 1 + gap) {
                place += 1;
                break;
            }
            if gap > 1 {
                word.put(" ", from.source(place + 1..place + 2));
            }
            place += 1 + gap;
        }
        if letters >= 6 {
            let length = word.text.len();
            out.carry(&word, 0..length);
            out.put("\n", from.source(place..place));
        }
        at = place.max(at + 1);
    }
    (!out.text.is_empty()).then_some(out)
}

/// Which disguises the text shows: turned by thirteen, in reverse, and, perhaps, letters set apart.
pub(crate) fn shown(text: &str) -> (bool, bool, bool) {
    let (mut turned, mut reversed) = (Shown::default(), Shown::default());
    let bytes = text.as_bytes();
    let (all_turned, all_reversed) = (&*TURNED, &*REVERSED);
    // Letters alone, one after another.
    let (mut alone, mut is_apart) = (0, false);
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        match length {
            0 => {}
            1 => {
                alone += 1;
                is_apart |= alone >= 3;
            }
            _ => alone = 0,
        }
        if (3..=LONGEST).contains(&length) {
            let word = rest.get(..length).unwrap_or_default();
            let hash = hash(word);
            turned.see(word, hash, all_turned);
            reversed.see(word, hash, all_reversed);
        }
        at += length + 1;
    }
    (turned.enough, reversed.enough, is_apart)
}

/// The longest of the words.
const LONGEST: usize = 14;

/// Of the two ends of a word, its letters large or small, and of its length: words differ in one of those.
fn hash(word: &[u8]) -> u32 {
    let ends = word.first_chunk::<2>().zip(word.last_chunk::<2>());
    let ends = ends.map_or(0, |([a, b], [c, d])| u32::from_be_bytes([*a, *b, *c, *d]) | 0x2020_2020);
    let length = u32::try_from(word.len()).unwrap_or_default();
    (ends ^ length << 24).wrapping_mul(0x9E37_79B1) >> 8
}

/// The text turned by thirteen.
pub(crate) fn turned(from: &Traced) -> Traced {
    let mut out = Traced::with_capacity(from.text.len());
    for (at, c) in from.text.char_indices() {
        out.put_char(turn(c), from.source(at..at + c.len_utf8()));
    }
    out
}

/// The text in reverse.
pub(crate) fn reversed(from: &Traced) -> Traced {
    let mut out = Traced::with_capacity(from.text.len());
    for (at, c) in from.text.char_indices().rev() {
        out.put_char(c, from.source(at..at + c.len_utf8()));
    }
    out
}

fn turn(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(c as u32 + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(c as u32 - 13).unwrap_or(c),
        _ => c,
    }
}

/// Disguised words in order, and a bit for each hash, so that nearly every word is turned away by one look.
struct Disguised {
    bits: [u64; 128],
    words: Vec<String>,
}

impl Disguised {
    fn new(change: impl Fn(&str) -> String) -> Self {
        let mut words: Vec<String> = COMMON.split_ascii_whitespace().map(change).collect();
        words.sort_unstable();
        let mut bits = [0; 128];
        for word in &words {
            let (place, bit) = place(hash(word.as_bytes()));
            if let Some(set) = bits.get_mut(place) {
                *set |= bit;
            }
        }
        Self { bits, words }
    }

    fn find(&self, word: &[u8], hash: u32) -> Option<usize> {
        let (place, bit) = place(hash);
        if self.bits.get(place).copied().unwrap_or_default() & bit == 0 {
            return None;
        }
        let small = || word.iter().map(u8::to_ascii_lowercase);
        self.words.binary_search_by(|other| other.bytes().cmp(small())).ok()
    }
}

fn place(hash: u32) -> (usize, u64) {
    let folded = (hash ^ (hash >> 15)) & 8191;
    ((folded / 64) as usize, 1 << (folded % 64))
}

static TURNED: LazyLock<Disguised> =
    LazyLock::new(|| Disguised::new(|word| word.chars().map(turn).collect()));
static REVERSED: LazyLock<Disguised> = LazyLock::new(|| Disguised::new(|word| word.chars().rev().collect()));

/// Whether two different words of a text were among the disguised ones, or a long one.
#[derive(Default)]
struct Shown {
    first: Option<usize>,
    enough: bool,
}

impl Shown {
    fn see(&mut self, word: &[u8], hash: u32, disguised: &Disguised) {
        if !self.enough
            && let Some(n) = disguised.find(word, hash)
        {
            // A word of five letters is no accident.
            self.enough |= word.len() >= 5 || self.first.is_some_and(|first| first != n);
            self.first = self.first.or(Some(n));
        }
    }
}

/// The lines with a stretch in which a third of the words have digits for letters, `1gn0re`, read as words.
pub(crate) fn lettered(from: &Traced) -> Option<Traced> {
    let bytes = from.text.as_bytes();
    // `i18n` may be all there is of it: most texts are done with here.
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let is_inside = |at: usize| is_letter(at.wrapping_sub(1)) && is_letter(at + 1);
    let stands = bytes.iter().enumerate().filter(|(_, b)| stands(**b).is_some());
    stands.filter(|(at, _)| is_inside(*at)).nth(1)?;
    let mut out = Traced::default();
    let mut at = 0;
    while at < bytes.len() {
        let line = memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default())
            .map_or(bytes.len(), |end| at + end + 1);
        lettered_line(from, at, line, &mut out);
        at = line;
    }
    (!out.text.is_empty()).then_some(out)
}

fn lettered_line(from: &Traced, start: usize, end: usize, out: &mut Traced) {
    let bytes = from.text.as_bytes();
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'$' | b'!');
    // Of the words from the first such one to the last: an honest line may lead up to it.
    let (mut places, mut words, mut all, mut since, mut at) = (Vec::new(), 0, 0, 0, start);
    while at < end {
        let length = bytes.get(at..end).unwrap_or_default().iter().take_while(|b| is_part(b)).count();
        let word = bytes.get(at..at + length).unwrap_or_default();
        if word.iter().any(u8::is_ascii_alphabetic) {
            since += usize::from(words > 0);
            if is_lettered(word) {
                words += 1;
                all += std::mem::take(&mut since);
            }
            // In a line that does so, `th3` is a word as well.
            places.extend(word.iter().enumerate().filter_map(|(n, b)| Some((at + n, stands(*b)?))));
        }
        at += length.max(1);
    }
    // One or two are names.
    if words < 3 || words * 3 < all + 1 {
        return;
    }
    let mut from_here = start;
    for (at, c) in places {
        out.carry(from, from_here..at);
        out.put_char(c, from.source(at..at + 1));
        from_here = at + 1;
    }
    out.carry(from, from_here..end);
}

/// A word in which digits stand before letters, and all of them for letters; `h264` and `sha256` are names.
fn is_lettered(word: &[u8]) -> bool {
    let is_digit = |b: &u8| !b.is_ascii_alphabetic();
    let first = word.iter().position(is_digit);
    (3..=20).contains(&word.len())
        && first.is_some_and(|first| word.iter().skip(first).any(u8::is_ascii_alphabetic))
        && word.iter().filter(|b| is_digit(b)).all(|b| stands(*b).is_some())
}

fn stands(b: u8) -> Option<char> {
    Some(match b {
        b'0' => 'o',
        b'1' | b'!' => 'i',
        b'3' => 'e',
        b'4' | b'@' => 'a',
        b'5' | b'$' => 's',
        b'7' => 't',
        _ => return None,
    })
}
