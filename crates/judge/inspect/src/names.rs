//! The names of the tools of a list: which words are one of them, and which look like another.

use doorward_text::{Limits, read};

/// The names of all tools that one client sees, of all its servers. Made once for a list.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Those that in a sentence can mean nothing but the tool, in small letters, sorted.
    telling: Vec<String>,
    /// How each name looks, and the name; sorted.
    looks: Vec<(String, String)>,
}

impl Names {
    /// Takes the names of a list; the tool that is judged may be among them.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for name in names {
            if is_telling(name) {
                all.telling.push(name.to_ascii_lowercase());
            }
            all.looks.push((look(name), name.to_owned()));
        }
        all.telling.sort_unstable();
        all.looks.sort_unstable();
        all
    }

    /// Whether no name of the list can be told from a word.
    pub(crate) fn is_empty(&self) -> bool {
        self.telling.is_empty()
    }

    /// Whether a word is the name of a tool, other than `own`.
    pub(crate) fn has(&self, word: &str, own: &str) -> bool {
        !self.telling.is_empty() && is_telling(word) && !word.eq_ignore_ascii_case(own) && {
            let word = word.to_ascii_lowercase();
            self.telling.binary_search(&word).is_ok()
        }
    }

    /// A name that looks the same as `own` to whoever glances at it and is another: letters folded, signs left out, or two
    /// letters swapped.
    pub(crate) fn look_alike(&self, own: &str) -> Option<&str> {
        let look = look(own);
        let other = |look: &str| {
            let start = self.looks.partition_point(|(other, _)| other.as_str() < look);
            let same = self.looks.iter().skip(start).take_while(|(other, _)| other == look);
            same.map(|(_, name)| name.as_str()).find(|name| *name != own)
        };
        // A letter more or less is a plural, and one that differs tells versions apart; a swap is neither.
        other(&look).or_else(|| swaps(&look).find_map(|swapped| other(&swapped)))
    }
}

/// A name as whoever glances at it sees it, for whom the names of one list are not enough.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look(String);

impl Look {
    /// Looks at a name.
    pub fn of(name: &str) -> Self {
        Self(look(name))
    }

    /// Returns what passes for it at a glance besides: two letters swapped.
    pub fn near(&self) -> impl Iterator<Item = Self> {
        swaps(&self.0).map(Self)
    }
}

/// Whether a word can mean nothing but a tool: `search` is a word as well.
fn is_telling(name: &str) -> bool {
    name.contains(['_', '-']) || name.bytes().skip(1).any(|b| b.is_ascii_uppercase())
}

/// The letters of a name, as they look.
fn look(name: &str) -> String {
    // Plain names, which nearly all are, look as they are written.
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let reading = if is_plain { None } else { Some(read(name, &Limits::default())) };
    let layer = reading.as_ref().and_then(|reading| reading.layers().first());
    let text = layer.map_or(name, |layer| layer.text());
    let letters = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            _ => c,
        })
        .collect()
}

/// The name with each two neighbours swapped in turn; of a long enough name, or many honest pairs would be found.
fn swaps(look: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = look.chars().take(64).collect();
    let count = if letters.len() >= 8 { letters.len() } else { 0 };
    (1..count).map(move |n| {
        let mut swapped = letters.clone();
        swapped.swap(n - 1, n);
        swapped.into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: TPO-08: A tool name that differs from another's in look-alike letters, signs or a swap is found.
    #[test]
    fn names_that_pass_for_others_are_found() {
        let look_alike =
            |name: &str, other: &str| Names::new([name, "other_tool", other]).look_alike(name).is_some();
        for (a, b) in [
            ("send_email", "send_emaiI"),
            ("send_email", "send-email"),
            ("send_email", "send_еmail"),
            ("send_email", "send\u{200b}_email"),
            ("read_file", "raed_file"),
            ("get_token", "get_t0ken"),
        ] {
            assert!(look_alike(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("send_email", "send_email"),
            ("get_user", "get_users"),
            ("list_files", "list_filters"),
            ("create_item_v1", "create_item_v2"),
            ("get_input", "set_input"),
        ] {
            assert!(!look_alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_word_is_a_name_where_it_can_be_nothing_else() {
        let names = Names::new(["send_email", "search", "getUser"]);
        assert!(names.has("Send_Email", "") && names.has("getUser", ""));
        assert!(
            !names.has("search", "") && !names.has("send_email", "send_email") && !names.has("send_mail", "")
        );
    }
}
