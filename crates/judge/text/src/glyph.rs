//! Which ASCII letters a character is read as.

use std::sync::LazyLock;

use unicode_normalization::char::decompose_compatible;
use unicode_security::skeleton;

/// Writes what a character that is not ASCII stands for: its compatibility form without accents, and where `fold` says so
/// the ASCII letter that it looks like.
pub(crate) fn plain(c: char, fold: bool, mut write: impl FnMut(char)) {
    if let Some(letter) = boxed(c) {
        return write(letter);
    }
    decompose_compatible(c, |d| {
        if is_accent(d) {
            return;
        }
        write(if d.is_ascii() { d } else { quote(d).or_else(|| look(d, fold)).unwrap_or(d) });
    });
}

/// The ASCII letter or digit that a letter of another script looks like.
pub(crate) fn look_alike(c: char) -> Option<char> {
    // Greek and Cyrillic come in whole texts; the general table is slow.
    let near = usize::try_from(u32::from(c)).ok().and_then(|code| NEAR.get(code.checked_sub(FIRST)?));
    near.map_or_else(|| by_shape(c), |letter| *letter)
}

const FIRST: usize = 0x370;
static NEAR: LazyLock<Vec<Option<char>>> = LazyLock::new(|| ('\u{370}'..='\u{52F}').map(by_shape).collect());

fn by_shape(c: char) -> Option<char> {
    if let Some((_, letter)) = OWN.iter().find(|(other, _)| *other == c) {
        return Some(*letter);
    }
    let mut shape = skeleton(c.encode_utf8(&mut [0; 4])).collect::<Vec<char>>().into_iter();
    match (shape.next(), shape.next()) {
        (Some(letter), None) if letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    }
}

/// Whether a character is an ASCII letter in fancy dress: mathematical, wide, circled.
pub(crate) fn is_styled(c: char) -> bool {
    matches!(c as u32, 0x1D400..=0x1D7FF | 0xFF21..=0xFF5A | 0x24B6..=0x24E9 | 0x1F130..=0x1F189)
}

fn look(c: char, fold: bool) -> Option<char> {
    if fold && c.is_alphanumeric() { look_alike(c) } else { None }
}

/// Letters in boxes, which have no compatibility form.
fn boxed(c: char) -> Option<char> {
    let code = c as u32;
    let first = [0x1F1E6, 0x1F150, 0x1F170].into_iter().find(|first| (*first..first + 26).contains(&code))?;
    char::from_u32(code - first + u32::from(b'A'))
}

fn quote(c: char) -> Option<char> {
    Some(match c {
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{02BC}' | '\u{00B4}' => '\'',
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '\u{00AB}' | '\u{00BB}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2024}' => '.',
        _ => return None,
    })
}

/// Marks that sit on another letter; those of Indic scripts are vowels and stay.
fn is_accent(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// Where Unicode's table names another prototype than the letter meant (capital I and small l are one to it), and small
/// capitals, which it leaves alone.
const OWN: [(char, char); 46] = [
    ('І', 'I'),
    ('Ι', 'I'),
    ('Ӏ', 'I'),
    ('ӏ', 'l'),
    ('ꓲ', 'I'),
    ('Ⲓ', 'I'),
    ('ᴀ', 'a'),
    ('ʙ', 'b'),
    ('ᴄ', 'c'),
    ('ᴅ', 'd'),
    ('ᴇ', 'e'),
    ('ꜰ', 'f'),
    ('ɢ', 'g'),
    ('ʜ', 'h'),
    ('ɪ', 'i'),
    ('ᴊ', 'j'),
    ('ᴋ', 'k'),
    ('ʟ', 'l'),
    ('ᴍ', 'm'),
    ('ɴ', 'n'),
    ('ᴏ', 'o'),
    ('ᴘ', 'p'),
    ('ʀ', 'r'),
    ('ꜱ', 's'),
    ('ᴛ', 't'),
    ('ᴜ', 'u'),
    ('ᴠ', 'v'),
    ('ᴡ', 'w'),
    ('ʏ', 'y'),
    ('ᴢ', 'z'),
    ('М', 'M'),
    ('м', 'm'),
    ('т', 't'),
    ('к', 'k'),
    ('н', 'h'),
    ('в', 'b'),
    ('г', 'r'),
    ('п', 'n'),
    ('и', 'u'),
    ('η', 'n'),
    ('κ', 'k'),
    ('τ', 't'),
    ('ω', 'w'),
    ('ε', 'e'),
    ('μ', 'u'),
    ('Ь', 'b'),
];
