//! A text as a person has to see it: with what is invisible in it.

use std::fmt::Write as _;

use doorward_text::is_unseen;

/// Writes every character that is not seen, or that moves others, as its number: `⟨U+200B⟩`. A letter of another script in
/// a Latin word, which passes for one of its letters, has its number beside it. The result steers no terminal and holds no
/// line break: a line's end is `↵`, a tab `⇥`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Words, with the sign that ends each.
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric() && !is_unseen(c)) {
        let is_latin = word.chars().any(|c| c.is_ascii_alphabetic());
        for c in word.chars() {
            match c {
                '\n' => out.push('↵'),
                '\t' => out.push('⇥'),
                // The brackets stand for what is not seen; where they are written, they are numbers too.
                '⟨' | '⟩' | '↵' | '⇥' => number(c, &mut out),
                c if is_unseen(c) || c.is_control() || c.is_whitespace() && c != ' ' => number(c, &mut out),
                c if is_latin && c.is_alphabetic() && !is_latin_letter(c) => {
                    out.push(c);
                    number(c, &mut out);
                }
                c => out.push(c),
            }
        }
    }
    out
}

fn number(c: char, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
}

fn is_latin_letter(c: char) -> bool {
    matches!(u32::from(c), 0..=0x24f | 0x1e00..=0x1eff)
}

#[cfg(test)]
mod tests {
    use super::*;

    // control-off: TPO-02: A text printed as it came shows nothing of what is invisible in it, and turns what is behind it.
    #[test]
    fn without_numbers_nothing_is_seen() {
        assert_eq!("a\u{200b}\u{202e}b".chars().filter(|c| c.is_ascii_graphic()).count(), 2);
    }

    // control: TPO-02: What is invisible in a text is shown to a person by its number.
    #[test]
    fn what_is_not_seen_is_shown() {
        for (text, shown) in [
            ("a\u{200b}b", "a⟨U+200B⟩b"),
            ("\u{202e}abc", "⟨U+202E⟩abc"),
            ("x\u{e0041}", "x⟨U+E0041⟩"),
            ("\u{1b}[31mred", "⟨U+001B⟩[31mred"),
            ("аdmin", "а⟨U+0430⟩dmin"),
            ("админ", "админ"),
            ("naïve café", "naïve café"),
            ("one\ntwo\tthree\r\n", "one↵two⇥three⟨U+000D⟩↵"),
            ("wide\u{2003}blank\u{2028}", "wide⟨U+2003⟩blank⟨U+2028⟩"),
            ("⟨U+200B⟩", "⟨U+27E8⟩U+200B⟨U+27E9⟩"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
