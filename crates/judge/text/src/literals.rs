//! Hundreds of short literals looked for at once, in letters of any size. An automaton for them has some hundred KiB, of which
//! a text of thirty words touches hundreds of places that are in no cache; here a bit of one KiB turns nearly every place of a
//! text away.

/// Beginnings of three letters are told apart by so many bits.
const BITS: usize = 1 << 13;
/// And literals by their first two letters into so many groups.
const GROUPS: usize = 1 << 10;

/// Literals of two letters or more, made ready.
#[derive(Debug)]
pub struct Literals {
    starts: [u64; BITS / 64],
    /// Where each group ends among all.
    ends: Vec<u16>,
    all: Vec<Literal>,
}

#[derive(Debug)]
struct Literal {
    group: usize,
    /// Its first three letters as a number; of one of two letters none.
    three: Option<usize>,
    /// How many of its letters come before it is told of.
    front: usize,
    /// In small letters.
    text: Box<str>,
    /// Which of those that were given it is.
    number: usize,
}

impl Literals {
    /// Makes them ready. They are found in the order in which `front` letters of each end, or all of a shorter one. The empty
    /// literal, and one of a single letter, stand nowhere.
    pub fn new<'l>(literals: impl IntoIterator<Item = &'l str>, front: usize) -> Self {
        let literal = |(number, text): (usize, &str)| {
            let [first, second] = *text.as_bytes().first_chunk()?;
            let group = group(first, second);
            let three = text.as_bytes().get(2).map(|third| with(group, *third));
            Some(Literal {
                group,
                three,
                front: front.min(text.len()),
                text: text.to_ascii_lowercase().into(),
                number,
            })
        };
        let mut all: Vec<Literal> = literals.into_iter().enumerate().filter_map(literal).collect();
        all.sort_by_key(|literal| literal.group);
        let end = |group| all.partition_point(|literal| literal.group <= group);
        let ends = (0..GROUPS).map(|group| u16::try_from(end(group)).unwrap_or(u16::MAX)).collect();
        let mut starts = [0; BITS / 64];
        for literal in &all {
            // After two letters anything may stand.
            let all = with(literal.group, 0)..=with(literal.group, u8::MAX);
            for three in literal.three.map_or(all, |three| three..=three) {
                let at = start(three);
                starts.iter_mut().skip(at / 64).take(1).for_each(|word| *word |= 1 << (at % 64));
            }
        }
        Self { starts, ends, all }
    }

    /// Calls `each` with the number of every literal that stands in a text and where it begins.
    pub fn find(&self, text: &str, mut each: impl FnMut(usize, usize)) {
        let text = text.as_bytes();
        let (mut three, mut found) = (0, Waiting::default());
        for (last, b) in text.iter().enumerate() {
            three = with(three, *b);
            if self.may_start(three) {
                self.find_at(text, last.wrapping_sub(2), three, &mut found, &mut each);
            }
        }
        // The last two letters, with nothing behind them.
        self.find_at(text, text.len().wrapping_sub(2), with(three, 0), &mut found, &mut each);
        found.release(usize::MAX, &mut each);
    }

    fn may_start(&self, three: usize) -> bool {
        let at = start(three);
        self.starts.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn find_at(
        &self,
        text: &[u8],
        at: usize,
        three: usize,
        found: &mut Waiting,
        each: &mut impl FnMut(usize, usize),
    ) {
        let Some(here) = text.get(at..) else { return };
        let may_be = |literal: &&Literal| literal.three.is_none_or(|own| own == three);
        for literal in self.of(three >> 5).iter().filter(may_be).filter(|literal| literal.begins(here)) {
            // Whatever is found from here on ends behind its first two letters.
            found.release(at + 2, each);
            found.0.push((at + literal.front, at, literal.number));
        }
    }

    fn of(&self, group: usize) -> &[Literal] {
        let end = |group: usize| self.ends.get(group).copied().map_or(0, usize::from);
        let begin = group.checked_sub(1).map_or(0, end);
        self.all.get(begin..end(group)).unwrap_or_default()
    }
}

/// What was found and may have to wait for something else that ends before it: where its front ends, where it begins, its number.
#[derive(Default)]
struct Waiting(Vec<(usize, usize, usize)>);

impl Waiting {
    /// Tells of what ends no later than here.
    fn release(&mut self, end: usize, each: &mut impl FnMut(usize, usize)) {
        self.0.sort_unstable();
        let count = self.0.partition_point(|(front, ..)| *front <= end);
        self.0.drain(..count).for_each(|(_, at, number)| each(number, at));
    }
}

impl Literal {
    fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.text.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.text.as_bytes()))
    }
}

/// Two letters, of any size, as a number below [`GROUPS`].
fn group(first: u8, second: u8) -> usize {
    with(with(0, first), second)
}

/// The last two letters, and one more.
fn with(letters: usize, next: u8) -> usize {
    (letters << 5 | usize::from(next & 31)) % (GROUPS << 5)
}

/// Three letters as a number below [`BITS`].
fn start(three: usize) -> usize {
    (three >> 5 << 3 ^ three & 31) % BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        Literals::new(literals.iter().copied(), usize::MAX).find(text, |number, at| found.push((at, number)));
        found.sort_unstable();
        found
    }

    #[test]
    fn literals_are_found_in_letters_of_any_size() {
        let literals = ["key", "sk", "passw", "f\u{f8}dsel", " -u "];
        let text = "Key SK: sK-1 PASSWORD f\u{f8}DSEL keyskpas -u x -u";
        let expected = [(0, 0), (4, 1), (8, 1), (13, 2), (22, 3), (30, 0), (33, 1), (38, 4)];
        assert_eq!(found(&literals, text), expected);
        assert_eq!(found(&literals, ""), []);
        assert_eq!(found(&["", "a"], "a"), []);
    }

    #[test]
    fn they_come_in_the_order_in_which_their_fronts_end() {
        let literals = ["abcdef", "bc", "cd", "bcde"];
        let order = |front| {
            let mut order = Vec::new();
            Literals::new(literals, front).find("abcdef", |number, at| order.push((number, at)));
            order
        };
        assert_eq!(order(usize::MAX), [(1, 1), (2, 2), (3, 1), (0, 0)]);
        assert_eq!(order(3), [(0, 0), (1, 1), (3, 1), (2, 2)]);
    }

    proptest! {
        #[test]
        fn what_stands_in_a_text_is_found(text in "[abA. ]{0,40}", literals in prop::collection::vec("[ab. ]{2,4}", 1..8)) {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let small = text.to_ascii_lowercase();
            let mut expected = Vec::new();
            for (number, literal) in literals.iter().enumerate() {
                expected.extend((0..small.len()).filter(|at| small.get(*at..).is_some_and(|rest| rest.starts_with(literal))).map(|at| (at, number)));
            }
            expected.sort_unstable();
            prop_assert_eq!(found(&literals, &text), expected);
        }
    }
}
