//! Finds members of a JSON object without building a tree: a benchmark's upstream must cost next to nothing.
//!
//! It trusts that the text is JSON and only looks at its structure. Keys are compared as they are written, so a key
//! spelled with escapes is not found; ordinary clients do not write such keys, and the door refuses those who do.

use std::borrow::Cow;

/// The raw values of the named members of `object`, each without surrounding space; `None` if it is no object.
pub(crate) fn members<'a, const N: usize>(
    object: &'a [u8],
    names: [&str; N],
) -> Option<[Option<&'a [u8]>; N]> {
    let mut found = [None; N];
    let mut cursor = Cursor { rest: object };
    cursor.space();
    if !cursor.eat(b'{') {
        return None;
    }
    cursor.space();
    if cursor.eat(b'}') {
        return Some(found);
    }
    loop {
        cursor.space();
        let key = cursor.string()?;
        cursor.space();
        if !cursor.eat(b':') {
            return None;
        }
        cursor.space();
        let value = cursor.value()?;
        for (name, slot) in names.iter().zip(found.iter_mut()) {
            if name.as_bytes() == key {
                *slot = Some(value);
            }
        }
        cursor.space();
        if cursor.eat(b'}') {
            return Some(found);
        }
        if !cursor.eat(b',') {
            return None;
        }
    }
}

/// One member of `object`, raw.
pub(crate) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let [found] = members(object, [name])?;
    found
}

/// The text of a raw JSON string; borrowed unless it holds escapes.
pub(crate) fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return serde_json::from_slice::<String>(raw).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// A raw JSON number as an unsigned integer.
pub(crate) fn unsigned(raw: &[u8]) -> Option<u64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// `text` as a JSON string literal.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// What stands between the quotes, escapes and all.
    fn string(&mut self) -> Option<&'a [u8]> {
        if !self.eat(b'"') {
            return None;
        }
        let start = self.rest;
        loop {
            self.skip(quote_or_escape(self.rest)?)?;
            if self.rest.first() == Some(&b'"') {
                let inner = start.get(..start.len() - self.rest.len());
                self.skip(1)?;
                return inner;
            }
            self.skip(2)?;
        }
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        match start.first()? {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.container()?,
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let length = start.iter().position(ends).unwrap_or(start.len());
                if length == 0 {
                    return None;
                }
                self.skip(length)?;
            }
        }
        start.get(..start.len() - self.rest.len())
    }

    fn container(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.rest.first()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.skip(1)?;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Where the next quote or backslash is. Thirty-two bytes a step, a shape the compiler turns into vector code.
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| (*byte == b'"') | (*byte == b'\\');
    let clean =
        bytes.chunks_exact(32).take_while(|chunk| !chunk.iter().fold(false, |hit, byte| hit | is_end(byte)));
    let skipped = clean.count() * 32;
    bytes.get(skipped..)?.iter().position(is_end).map(|at| at + skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_as_they_are_written() {
        let object = br#" { "a" : [1, {"b":"]}"}] ,"id": -1.50e3, "s":"x\"}\\", "o":{ } , "n":null } "#;
        let [a, id, s, o, n, missing] = members(object, ["a", "id", "s", "o", "n", "b"]).unwrap();
        assert_eq!(a, Some(&br#"[1, {"b":"]}"}]"#[..]));
        assert_eq!(id, Some(&b"-1.50e3"[..]));
        assert_eq!(s, Some(&br#""x\"}\\""#[..]));
        assert_eq!(o, Some(&b"{ }"[..]));
        assert_eq!(n, Some(&b"null"[..]));
        assert_eq!(missing, None);
    }

    #[test]
    fn a_long_string_is_crossed_in_steps() {
        for length in [0, 1, 31, 32, 33, 64, 1000] {
            let object = format!(r#"{{"t":"{}\"","id":7}}"#, "x".repeat(length));
            assert_eq!(member(object.as_bytes(), "id"), Some(&b"7"[..]), "{length}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in [
            "",
            "[]",
            "7",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\"x",
            "{\"a\":}",
            "{a:1}",
        ] {
            assert_eq!(members(text.as_bytes(), ["a"]), None, "{text}");
        }
    }

    #[test]
    fn text_is_borrowed_until_it_has_escapes() {
        assert!(matches!(text(br#""plain""#), Some(Cow::Borrowed("plain"))));
        assert_eq!(text(br#""\u0041\n""#).as_deref(), Some("A\n"));
        assert_eq!(text(b"7"), None);
    }
}
