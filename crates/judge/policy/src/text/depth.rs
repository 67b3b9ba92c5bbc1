//! How deep a policy is. Cedar's parser recurses and does not look at the stack that is left; a stack that overflows
//! takes the whole process with it, and one line of a policy file is enough for that.

/// Deepest policy that is parsed. On the two MiB that worker threads have, twice as much still fits.
pub(crate) const DEEPEST: u32 = 200;

/// What a bracket weighs, in operators: each goes through the parser's whole ladder of precedences.
const BRACKET: u32 = 4;

/// Returns a bound of how deep a policy's expressions are nested, counted in operators that stand in one another.
/// Operators side by side are nested as well: `a && b && c` is `(a && b) && c`.
pub(crate) fn depth(text: &str) -> u32 {
    let mut levels = vec![Level::default()];
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if is_word(c) {
            let mut end = at + c.len_utf8();
            while let Some((more, c)) = chars.next_if(|(_, c)| is_word(*c)) {
                end = more + c.len_utf8();
            }
            if text.get(at..end) == Some("if") {
                on_top(&mut levels, Level::operator);
            }
            continue;
        }
        match c {
            '"' => {
                while let Some((_, c)) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if next == Some('/') => while chars.next_if(|(_, c)| !matches!(c, '\n' | '\r')).is_some() {},
            '(' | '[' | '{' => {
                // An index and a call hang on what is before them, as a member does.
                on_top(&mut levels, Level::member);
                levels.push(Level::default());
            }
            ')' | ']' | '}' => close(&mut levels),
            '.' => on_top(&mut levels, Level::member),
            ',' | ';' => on_top(&mut levels, Level::end_part),
            '&' | '|' => {
                chars.next_if(|(_, next)| *next == c);
                on_top(&mut levels, Level::operator);
            }
            '+' | '-' | '*' => on_top(&mut levels, Level::operator),
            '!' if next != Some('=') => on_top(&mut levels, Level::operator),
            _ if c.is_whitespace() => {}
            _ => on_top(&mut levels, Level::end_chain),
        }
    }
    while levels.len() > 1 {
        close(&mut levels);
    }
    on_top(&mut levels, Level::end_part);
    levels.first().map_or(0, |level| level.deepest)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn on_top(levels: &mut [Level], change: impl FnOnce(&mut Level)) {
    if let Some(level) = levels.last_mut() {
        change(level);
    }
}

/// Ends a bracket; one too many is the parser's to report.
fn close(levels: &mut Vec<Level>) {
    if levels.len() > 1
        && let Some(mut inner) = levels.pop()
    {
        inner.end_part();
        on_top(levels, |outer| outer.inner = outer.inner.max(inner.deepest.saturating_add(BRACKET)));
    }
}

/// What stands between two brackets. Its parts, between commas, are not nested in one another.
#[derive(Default)]
struct Level {
    operators: u32,
    /// Members, calls and indices in a row, and the most there were.
    chain: u32,
    longest: u32,
    /// The deepest bracket within.
    inner: u32,
    /// The deepest part.
    deepest: u32,
}

impl Level {
    fn operator(&mut self) {
        self.end_chain();
        self.operators = self.operators.saturating_add(1);
    }

    fn member(&mut self) {
        self.chain = self.chain.saturating_add(1);
    }

    fn end_chain(&mut self) {
        self.longest = self.longest.max(self.chain);
        self.chain = 0;
    }

    fn end_part(&mut self) {
        self.end_chain();
        let part = self.operators.saturating_add(self.longest).saturating_add(self.inner);
        *self = Self { deepest: self.deepest.max(part), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_one_another_counts_and_what_stands_side_by_side_does_not() {
        assert_eq!(depth(""), 0);
        assert_eq!(depth("a && b || c"), 2);
        assert_eq!(depth("[a && b, c && d, e]"), BRACKET + 1 + 1);
        assert_eq!(depth("a.b.c == d.e && f.g"), 1 + 2);
        assert_eq!(depth("((a))"), 2 * (BRACKET + 1));
        assert_eq!(depth("(a) && (b) && c"), 2 + BRACKET + 1, "what is left of an operator is in it");
        assert_eq!(depth("if a then b else if c then d else e"), 2);
        assert_eq!(depth("a[\"b\"][\"c\"][\"d\"]"), 3 + BRACKET);
        assert_eq!(depth("!a != -b"), 2);
        assert_eq!(depth("a.f(b).g(c)"), 4 + BRACKET);
    }

    #[test]
    fn texts_comments_and_brackets_without_a_partner_are_no_depth_of_their_own() {
        assert_eq!(depth("\"((((\\\"(((\" // ((((\n"), 0);
        assert_eq!(depth("))))]]}}"), 0);
        assert_eq!(depth("((("), 3 * (BRACKET + 1));
        assert_eq!(depth("notif && ifs"), 1);
    }
}
