//! Names that look like others.

use doorward_text::{Limits, read};

/// A name as whoever glances at it sees it. Made once, so that many names are compared without reading each again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look(String);

impl Look {
    /// Looks at a name.
    pub fn of(name: &str) -> Self {
        Self(skeleton(name))
    }

    /// Whether two names look the same: letters folded, signs left out, or one letter off. Equal names do.
    pub fn passes_for(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        a == b || a.len() >= 8 && a.is_ascii() && b.is_ascii() && is_one_off(a.as_bytes(), b.as_bytes())
    }
}

/// Whether two different names look the same.
pub(crate) fn look_alike(name: &str, other: &str) -> bool {
    name != other && Look::of(name).passes_for(&Look::of(other))
}

/// The letters of a name, as they look.
fn skeleton(name: &str) -> String {
    let reading = read(name, &Limits::default());
    let text = reading.layers().first().map_or(name, |layer| layer.text());
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            _ => c,
        })
        .collect()
}

/// One letter changed for another or two swapped. A letter more or less is a plural, and numbers tell versions apart.
fn is_one_off(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let differ: Vec<(usize, u8, u8)> = a
        .iter()
        .zip(b)
        .enumerate()
        .filter(|(_, (x, y))| x != y)
        .map(|(n, (x, y))| (n, *x, *y))
        .take(3)
        .collect();
    match differ.as_slice() {
        [(n, x, y), (m, z, w)] => m - n == 1 && x == w && y == z,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: TPO-08: A tool name that differs from another's in look-alike letters, signs or a swap is found.
    #[test]
    fn names_that_pass_for_others_are_found() {
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
}
