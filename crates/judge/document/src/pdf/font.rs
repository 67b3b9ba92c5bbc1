//! Fonts: which letters the codes of a text stand for, and how wide they are, as far as that says where words end.

use std::collections::BTreeMap;

use crate::charset::{latin, wide};

use super::lexer::{Lexer, Obj};

/// One font.
#[derive(Debug, Default)]
pub(crate) struct Font {
    /// Codes have two bytes.
    is_wide: bool,
    /// Codes are characters of UTF-16.
    is_unicode: bool,
    /// Codes that a table gives text to, from the first to the last, and the text of the first.
    table: Vec<(u32, u32, String)>,
    /// Codes that have another letter than usual.
    differences: BTreeMap<u8, char>,
    /// Codes that a width is known of, from the first to the last.
    widths: Vec<(u32, u32, f64)>,
}

/// What of a font's dictionary says which letters it has and how wide they are.
pub(crate) struct Parts<'p> {
    pub(crate) dict: &'p Obj,
    pub(crate) encoding: Option<&'p Obj>,
    pub(crate) widths: Option<&'p Obj>,
    /// The widths of a font with codes of two bytes.
    pub(crate) wide: Option<&'p Obj>,
    /// Its table of letters, unpacked.
    pub(crate) table: Option<&'p [u8]>,
}

impl Font {
    pub(crate) fn of(parts: &Parts<'_>, left: &mut usize) -> Self {
        let Parts { dict, encoding, table, .. } = *parts;
        let first = dict.get(b"FirstChar").and_then(Obj::whole).unwrap_or_default() as u32;
        let simple = parts.widths.map_or(&[][..], Obj::items).iter().filter_map(Obj::num);
        let mut font = Self {
            is_wide: dict.is(b"Subtype", b"Type0"),
            is_unicode: encoding.and_then(Obj::name).is_some_and(|name| name.starts_with(b"Uni")),
            widths: (first..).zip(simple).map(|(code, width)| (code, code, width)).collect(),
            ..Self::default()
        };
        if let Some(wide) = parts.wide {
            font.wide_widths(wide.items());
        }
        if let Some(table) = table {
            font.read_table(table, left);
        }
        let mut code = 0_usize;
        for item in encoding.and_then(|encoding| encoding.get(b"Differences")).map_or(&[][..], Obj::items) {
            match item {
                Obj::Num(_) => code = item.whole().unwrap_or_default(),
                Obj::Name(name) => {
                    if let (Ok(code), Some(letter)) = (u8::try_from(code), glyph(name)) {
                        font.differences.insert(code, letter);
                    }
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
        font
    }

    /// Widths of codes with two bytes: `first [width …]`, or `first last width`.
    fn wide_widths(&mut self, mut items: &[Obj]) {
        loop {
            items = match items {
                [first, Obj::Array(each), rest @ ..] => {
                    let first = first.whole().unwrap_or_default() as u32;
                    let each = each.iter().filter_map(Obj::num);
                    self.widths.extend((first..).zip(each).map(|(code, width)| (code, code, width)));
                    rest
                }
                [first, last, width, rest @ ..] => {
                    let code = |value: &Obj| value.whole().unwrap_or_default() as u32;
                    self.widths.push((code(first), code(last), width.num().unwrap_or_default()));
                    rest
                }
                _ => break,
            };
        }
        self.widths.sort_by_key(|(first, last, _)| (*first, *last));
    }

    /// A table of letters (a CMap).
    fn read_table(&mut self, bytes: &[u8], left: &mut usize) {
        let mut lexer = Lexer::new(bytes, 0, *left);
        let mut values: Vec<Obj> = Vec::new();
        while let Some(value) = lexer.next() {
            let Obj::Word(word) = &value else {
                values.push(value);
                continue;
            };
            match &**word {
                b"endcodespacerange" => {
                    let lengths = values
                        .iter()
                        .filter_map(|value| if let Obj::Str(code) = value { Some(code.len()) } else { None });
                    // Where a simple font's table speaks of two bytes it means one.
                    self.is_wide &= lengths.min() != Some(1);
                }
                b"endbfchar" => {
                    let (pairs, _) = values.as_chunks::<2>();
                    self.table.extend(
                        pairs.iter().filter_map(|[from, to]| Some((code(from)?, code(from)?, said(to)?))),
                    );
                }
                b"endbfrange" => {
                    let (ranges, _) = values.as_chunks::<3>();
                    for [from, last, to] in ranges {
                        let (Some(from), Some(last)) = (code(from), code(last)) else { continue };
                        match to {
                            Obj::Array(items) => {
                                self.table.extend(
                                    (from..=last).zip(items).filter_map(|(n, to)| Some((n, n, said(to)?))),
                                );
                            }
                            to => self.table.extend(said(to).map(|to| (from, last, to))),
                        }
                    }
                }
                _ => {}
            }
            values.clear();
        }
        *left = lexer.left;
        self.table.sort_by_key(|(from, last, _)| (*from, *last));
    }

    /// The letters of a text's codes, each with its width in thousandths; a code that has no letter has an empty text.
    pub(crate) fn letters(&self, codes: &[u8], mut each: impl FnMut(&str, f64)) {
        let mut codes = codes.iter();
        let mut short = [0; 4];
        while let Some(first) = codes.next() {
            let code = match self.is_wide {
                true => u32::from(*first) << 8 | u32::from(codes.next().copied().unwrap_or_default()),
                false => u32::from(*first),
            };
            let known = self.known(code, &mut each);
            if known {
                continue;
            }
            // A number in a font that does not say its letters is often that of the letter all the same.
            let letter = match u8::try_from(code) {
                Ok(code) if !self.is_wide => {
                    Some(self.differences.get(&code).copied().unwrap_or_else(|| latin(code)))
                }
                _ => char::from_u32(code).filter(|c| !c.is_control()),
            };
            let letter = letter.unwrap_or('\u{fffd}');
            each(letter.encode_utf8(&mut short), self.width(code, letter));
        }
    }

    /// Says whether the letters of such a text are known, or only guessed.
    pub(crate) fn is_known(&self) -> bool {
        !self.is_wide || self.is_unicode || !self.table.is_empty()
    }

    fn known(&self, code: u32, each: &mut impl FnMut(&str, f64)) -> bool {
        let at = self.table.partition_point(|(from, _, _)| *from <= code);
        let Some((from, last, text)) = at.checked_sub(1).and_then(|at| self.table.get(at)) else {
            return false;
        };
        if *last < code {
            return false;
        }
        let first = text.chars().next().unwrap_or(' ');
        if *from == code {
            each(text, self.width(code, first));
            return true;
        }
        // The last character counts on.
        let mut text = text.clone();
        let next = text.pop().and_then(|c| char::from_u32(u32::from(c) + (code - from)));
        text.extend(next);
        each(&text, self.width(code, next.unwrap_or(first)));
        true
    }

    /// The font's own width, or about that of the letter in most fonts.
    fn width(&self, code: u32, letter: char) -> f64 {
        let at = self.widths.partition_point(|(first, _, _)| *first <= code);
        let own = at.checked_sub(1).and_then(|at| self.widths.get(at)).filter(|(_, last, _)| code <= *last);
        own.map(|(_, _, width)| *width).filter(|width| *width > 0.0).unwrap_or(match letter {
            'i' | 'j' | 'l' | 't' | 'f' | 'I' | '.' | ',' | ':' | ';' | '!' | '|' | '\'' | '(' | ')'
            | ' ' | '/' => 280.0,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 850.0,
            'r' | 's' | 'c' | 'k' | 'v' | 'x' | 'y' | 'z' | '-' => 450.0,
            'A'..='Z' => 690.0,
            _ => 556.0,
        })
    }
}

fn code(value: &Obj) -> Option<u32> {
    let Obj::Str(bytes) = value else { return None };
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |code, b| code << 8 | u32::from(*b)))
}

/// What a table says of a code.
fn said(value: &Obj) -> Option<String> {
    match value {
        Obj::Str(bytes) if bytes.len() == 1 => bytes.first().map(|b| latin(*b).to_string()),
        Obj::Str(bytes) if bytes.len() <= 64 => Some(wide(bytes, u16::from_be_bytes)),
        Obj::Name(name) => glyph(name).map(String::from),
        _ => None,
    }
}

/// The letter of a glyph's name.
fn glyph(name: &[u8]) -> Option<char> {
    const NAMES: [(&str, char); 40] = [
        ("space", ' '),
        ("nbspace", ' '),
        ("period", '.'),
        ("comma", ','),
        ("colon", ':'),
        ("semicolon", ';'),
        ("hyphen", '-'),
        ("slash", '/'),
        ("backslash", '\\'),
        ("underscore", '_'),
        ("at", '@'),
        ("exclam", '!'),
        ("question", '?'),
        ("quotesingle", '\''),
        ("quotedbl", '"'),
        ("quoteright", '’'),
        ("quoteleft", '‘'),
        ("parenleft", '('),
        ("parenright", ')'),
        ("bracketleft", '['),
        ("bracketright", ']'),
        ("braceleft", '{'),
        ("braceright", '}'),
        ("less", '<'),
        ("greater", '>'),
        ("equal", '='),
        ("plus", '+'),
        ("asterisk", '*'),
        ("numbersign", '#'),
        ("ampersand", '&'),
        ("dollar", '$'),
        ("percent", '%'),
        ("zero", '0'),
        ("one", '1'),
        ("two", '2'),
        ("three", '3'),
        ("four", '4'),
        ("five", '5'),
        ("six", '6'),
        ("seven", '7'),
    ];
    let name = str::from_utf8(name).ok()?;
    let base = name.split('.').next().filter(|base| !base.is_empty()).unwrap_or(name);
    let mut letters = base.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(letter);
    }
    let number = base
        .strip_prefix("uni")
        .filter(|rest| rest.len() == 4)
        .or_else(|| base.strip_prefix('u').filter(|rest| rest.len() >= 4));
    if let Some(letter) = number.and_then(|number| char::from_u32(u32::from_str_radix(number, 16).ok()?)) {
        return Some(letter);
    }
    match base {
        "eight" => Some('8'),
        "nine" => Some('9'),
        _ => NAMES.iter().find(|(known, _)| *known == base).map(|(_, letter)| *letter),
    }
}
