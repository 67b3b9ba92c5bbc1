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

/// Objects and lists that are no longer than this stand on one line.
const ONE_LINE: usize = 60;

/// Lays JSON out on lines, for a person who has to know what is in it: each character of a string and of a number as it was, what is
/// invisible made [`visible`]. JSON that was cut off is laid out as far as it goes.
pub fn laid_out(json: &str) -> String {
    let mut lines = Lines { out: String::with_capacity(json.len() * 2), depth: 0 };
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => string(rest),
            '{' | '[' => flat(rest),
            ' ' | '\t' | '\n' | '\r' | '}' | ']' | ',' | ':' => 1,
            _ => rest.find(|c: char| "{}[],: \t\n\r\"".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        lines.take(token);
        rest = after;
    }
    lines.out
}

struct Lines {
    out: String,
    depth: usize,
}

impl Lines {
    fn take(&mut self, token: &str) {
        match token {
            "{" | "[" => {
                self.out.push_str(token);
                self.depth += 1;
                self.next();
            }
            "}" | "]" => {
                self.depth = self.depth.saturating_sub(1);
                self.next();
                self.out.push_str(token);
            }
            "," => {
                self.out.push(',');
                self.next();
            }
            ":" => self.out.push_str(": "),
            " " | "\t" | "\n" | "\r" => {}
            _ if token.starts_with(['{', '[']) => one_line(token, &mut self.out),
            _ => self.out.push_str(&visible(token)),
        }
    }

    /// Deeper than anybody reads, lines stand no further in: what is laid out stays in proportion to what came.
    fn next(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth.min(16)));
    }
}

/// Where the string ends that a text begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Where a short object or list ends that a text begins with and that holds no other; else behind its first sign.
fn flat(text: &str) -> usize {
    let mut at = 1;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        at += match first {
            '}' | ']' => return at + 1,
            '{' | '[' => return 1,
            '"' => text.get(at..).map_or(1, string),
            other => other.len_utf8(),
        };
        if at > ONE_LINE {
            return 1;
        }
    }
    1
}

fn one_line(token: &str, out: &mut String) {
    let mut rest = token;
    while let Some(first) = rest.chars().next() {
        let end = if first == '"' { string(rest) } else { first.len_utf8() };
        let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        match piece {
            "," => out.push_str(", "),
            ":" => out.push_str(": "),
            " " | "\t" | "\n" | "\r" => {}
            _ => out.push_str(&visible(piece)),
        }
        rest = after;
    }
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

    // control: TPO-02, D-21: What a call carries is laid out without a character more or less, and what is invisible in it is shown.
    #[test]
    fn json_is_laid_out_as_it_is() {
        let json = r#"{"to":["a@b.example"],"n":1e400,"n":12345678901234567890,"deep":{"list":[{}, {"a":[]}],"text":"a \"quoted\", {text}: \u200b"}}"#;
        let json = json.replace("quoted", "quo\u{200b}ted");
        assert_eq!(
            laid_out(&json),
            r#"{
  "to": ["a@b.example"],
  "n": 1e400,
  "n": 12345678901234567890,
  "deep": {
    "list": [
      {},
      {
        "a": []
      }
    ],
    "text": "a \"quo⟨U+200B⟩ted\", {text}: \u200b"
  }
}"#
        );
        for cut in (0..json.len()).filter_map(|at| json.get(..at)) {
            assert!(laid_out(cut).len() <= 8 * cut.len(), "{cut}");
        }
        assert!(laid_out(&"[".repeat(16_000)).len() < 16_000 * 40);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Without what was put between, it is what came: nothing of a string or number is lost, doubled or moved.
        #[test]
        fn what_is_laid_out_is_what_came(text in "[ -~\n]{0,200}") {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '↵').collect::<String>();
            prop_assert_eq!(bare(&laid_out(&text)), bare(&text));
        }
    }
}
