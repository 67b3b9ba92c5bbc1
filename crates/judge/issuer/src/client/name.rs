//! What a client calls itself, made fit to be shown.

/// The longest name, in characters.
const MAX_NAME: usize = 128;

/// Returns a name that can stand in a sentence: without control characters, without those that turn or hide the text
/// around them (`Claude\u{202e}…` would rewrite the sentence that warns of it), white space folded, at most 128
/// characters. `None` if nothing is left.
pub fn clean_name(text: &str) -> Option<String> {
    let shown: String = text
        .chars()
        .filter(|c| !is_hidden(*c))
        .map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c })
        .collect();
    let folded = shown.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let cut: String = folded.chars().take(MAX_NAME).collect();
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// Characters without a shape of their own that change how others are shown.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // control: CDP-03: a client's name cannot turn, hide or break the text around it
    #[test]
    fn names_are_cleaned() {
        for (text, expected) in [
            ("Claude", Some("Claude")),
            ("  Visual \t Studio\r\n Code ", Some("Visual Studio Code")),
            ("Cla\u{202e}edu", Some("Claedu")),
            ("\u{2066}x\u{2069}", Some("x")),
            ("a\u{0}b\u{1b}[31mc", Some("a b [31mc")),
            ("\u{200b}\u{e0041}", None),
            ("", None),
            (" \u{2028} ", None),
            ("Zürich 東京", Some("Zürich 東京")),
        ] {
            assert_eq!(clean_name(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(clean_name(&"é".repeat(500)).unwrap().chars().count(), 128);
    }

    proptest! {
        #[test]
        fn no_name_steers_a_display(text in "\\PC{0,20}[\\x00-\\x1f\\u{2028}-\\u{202f}]{0,4}\\PC{0,200}") {
            if let Some(name) = clean_name(&text) {
                prop_assert!(name.chars().count() <= 128 && !name.is_empty());
                let steers = |c: char| c.is_control() || is_hidden(c) || (c.is_whitespace() && c != ' ');
                prop_assert!(!name.contains(steers));
                prop_assert_eq!(clean_name(&name), Some(name.clone()));
            }
        }
    }
}
