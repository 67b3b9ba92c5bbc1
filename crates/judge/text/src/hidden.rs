//! Characters that are there and are not seen.

/// What an unseen character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// No width: joiners, soft hyphens, fillers, byte order marks.
    ZeroWidth,
    /// One of the tag block.
    Tag,
    /// A variation selector.
    Selector,
    /// A directional mark that moves nothing by itself.
    Mark,
    /// A directional override, embedding or isolate, or its end.
    Bidi,
    /// A control character other than white space.
    Control,
    /// A character of private use.
    Private,
}

/// Whether a character is there and is not seen: without width, a tag, a selector, a mark of direction, a control character
/// other than white space, of private use.
pub fn is_unseen(c: char) -> bool {
    unseen(c).is_some()
}

pub(crate) fn unseen(c: char) -> Option<Unseen> {
    Some(match c as u32 {
        0x09..=0x0D | 0x85 => return None,
        0x00..=0x1F | 0x7F..=0x9F => Unseen::Control,
        0xAD | 0x34F | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200D => {
            Unseen::ZeroWidth
        }
        0x2060..=0x2065 | 0x206A..=0x206F | 0x3164 | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB => Unseen::ZeroWidth,
        0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A => Unseen::ZeroWidth,
        0x061C | 0x200E | 0x200F => Unseen::Mark,
        0x202A..=0x202E | 0x2066..=0x2069 => Unseen::Bidi,
        0xFE00..=0xFE0F | 0xE0100..=0xE01EF => Unseen::Selector,
        0xE0000..=0xE007F => Unseen::Tag,
        0xE000..=0xF8FF | 0xF0000..=0xFFFFD | 0x10_0000..=0x10_FFFD => Unseen::Private,
        _ => return None,
    })
}

/// The ASCII character that a tag character repeats.
pub(crate) fn tag(c: char) -> Option<char> {
    let code = (c as u32).checked_sub(0xE0000)?;
    char::from_u32(code).filter(|c| matches!(c, ' '..='~'))
}

/// The byte that a variation selector carries, of those who number them through.
pub(crate) fn selector(c: char) -> Option<u8> {
    let code = c as u32;
    match code {
        0xFE00..=0xFE0F => u8::try_from(code - 0xFE00).ok(),
        0xE0100..=0xE01EF => u8::try_from(code - 0xE0100 + 16).ok(),
        _ => None,
    }
}

/// Bytes of the terminal sequence that `rest` begins with: ESC and what belongs to it, or the one-character CSI.
pub(crate) fn ansi(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    let kind = match first {
        '\u{1b}' => chars.next().map(|(_, c)| c),
        '\u{9b}' => Some('['),
        _ => return None,
    };
    match kind {
        Some('[') => {
            // Parameters, then one letter. What is longer is no sequence that a terminal knows.
            let end = chars.take(64).find(|(_, c)| !matches!(c, ' '..='?'));
            Some(end.map_or(first.len_utf8(), |(at, c)| at + if c.is_ascii() { 1 } else { 0 }))
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let end = chars.take(4096).find(|(_, c)| matches!(c, '\u{7}' | '\u{1b}' | '\n'));
            Some(match end {
                Some((at, '\u{1b}')) => {
                    at + if rest.get(at + 1..).is_some_and(|t| t.starts_with('\\')) { 2 } else { 0 }
                }
                Some((at, '\u{7}')) => at + 1,
                Some((at, _)) => at,
                None => 1,
            })
        }
        Some(c) if c.is_ascii_graphic() => Some(2),
        _ => Some(1),
    }
}
