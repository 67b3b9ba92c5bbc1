//! The words of PDF: the same in the file, in streams of objects, in what paints a page, and in the tables of fonts.

/// A value, or an operator among values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Obj {
    Num(f64),
    Name(Vec<u8>),
    Str(Vec<u8>),
    Array(Vec<Obj>),
    /// Its values in pairs of name and value, as they stood there.
    Dict(Vec<(Vec<u8>, Obj)>),
    Ref(u32),
    Word(Vec<u8>),
}

impl Obj {
    pub(crate) fn num(&self) -> Option<f64> {
        if let Self::Num(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn whole(&self) -> Option<usize> {
        self.num().filter(|number| (0.0..4e9).contains(number)).map(|number| number as usize)
    }

    pub(crate) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(crate) fn items(&self) -> &[Obj] {
        if let Self::Array(items) = self { items } else { &[] }
    }

    pub(crate) fn members(&self) -> &[(Vec<u8>, Obj)] {
        if let Self::Dict(members) = self { members } else { &[] }
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Obj> {
        self.members().iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    pub(crate) fn is(&self, name: &[u8], value: &[u8]) -> bool {
        self.get(name).and_then(Obj::name) == Some(value)
    }
}

/// How deep arrays and dictionaries lie in each other.
const DEEPEST: u8 = 32;

/// Reads values one after another.
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
    /// How many values may still be made.
    pub(crate) left: usize,
}

fn is_blank(b: u8) -> bool {
    matches!(b, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(b: u8) -> bool {
    matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn is_regular(b: u8) -> bool {
    !is_blank(b) && !is_delimiter(b)
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize, left: usize) -> Self {
        Self { bytes, at, left }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    pub(crate) fn blanks(&mut self) {
        while let Some(b) = self.peek(0) {
            if b == b'%' {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if !is_blank(b) {
                return;
            } else {
                self.at += 1;
            }
        }
    }

    /// The next value; at the end, or where no more may be made, none.
    pub(crate) fn next(&mut self) -> Option<Obj> {
        self.value(0)
    }

    fn value(&mut self, depth: u8) -> Option<Obj> {
        loop {
            self.blanks();
            self.left = self.left.checked_sub(1)?;
            let first = self.peek(0)?;
            return Some(match (first, self.peek(1)) {
                (b'/', _) => {
                    self.at += 1;
                    Obj::Name(self.name())
                }
                (b'(', _) => Obj::Str(self.string()),
                (b'<', Some(b'<')) if depth < DEEPEST => {
                    self.at += 2;
                    Obj::Dict(pairs(self.list(b'>', depth)))
                }
                (b'<', Some(b'<')) | (b'>', _) | (b')' | b']' | b'{' | b'}', _) => {
                    self.at += 1;
                    continue;
                }
                (b'<', _) => Obj::Str(self.hex()),
                (b'[', _) => {
                    self.at += 1;
                    if depth == DEEPEST {
                        continue;
                    }
                    Obj::Array(self.list(b']', depth))
                }
                _ => self.word(),
            });
        }
    }

    /// Passes over the bytes of a picture that stands among operators.
    pub(crate) fn picture(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = memchr::memmem::find_iter(rest, b"EI").find(|at| {
            let before = at.checked_sub(1).and_then(|at| rest.get(at));
            before.is_some_and(|b| is_blank(*b)) && rest.get(at + 2).is_none_or(|b| is_blank(*b))
        });
        match ends {
            Some(end) => self.at += end + 2,
            None => self.unclosed(rest.len()),
        }
    }

    /// The values up to a closing sign. A word that begins or ends an object ends whatever was open.
    fn list(&mut self, close: u8, depth: u8) -> Vec<Obj> {
        let mut found = Vec::new();
        loop {
            self.blanks();
            match self.peek(0) {
                None => return found,
                Some(b) if b == close => {
                    self.at += 1;
                    if close == b'>' && self.peek(0) == Some(b'>') {
                        self.at += 1;
                    }
                    return found;
                }
                // Another kind of list was left open around this.
                Some(b'>') if close == b']' => return found,
                _ => {}
            }
            let before = self.at;
            match self.value(depth + 1) {
                None => return found,
                Some(Obj::Word(word)) if word == b"R" => {
                    let number = found.len().checked_sub(2).and_then(|at| found.get(at)).and_then(Obj::whole);
                    if let Some(number) = number {
                        found.truncate(found.len() - 2);
                        found.push(Obj::Ref(number as u32));
                    }
                }
                Some(Obj::Word(word)) if matches!(&*word, b"obj" | b"endobj" | b"stream" | b"endstream") => {
                    self.at = before;
                    return found;
                }
                Some(value) => found.push(value),
            }
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let start = self.at;
        while self.peek(0).is_some_and(is_regular) {
            self.at += 1;
        }
        let raw = self.bytes.get(start..self.at).unwrap_or_default();
        if memchr::memchr(b'#', raw).is_some() { crate::mail::escapes(raw, b'#') } else { raw.to_vec() }
    }

    fn word(&mut self) -> Obj {
        let start = self.at;
        while self.peek(0).is_some_and(is_regular) {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let is_number = word.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'+' | b'-'));
        let number = is_number.then(|| str::from_utf8(word).ok()?.parse().ok()).flatten();
        number.filter(|number: &f64| number.is_finite()).map_or_else(|| Obj::Word(word.to_vec()), Obj::Num)
    }

    fn hex(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'>', rest) else {
            self.unclosed(rest.len());
            return Vec::new();
        };
        self.at += end + 1;
        hex(rest.get(..end).unwrap_or_default())
    }

    /// A string that nobody closes is none, or it would swallow all that follows. That one was looked for costs something, for
    /// there may be many.
    fn unclosed(&mut self, looked_at: usize) {
        self.left = self.left.saturating_sub(looked_at / 16);
    }

    /// What stands between round brackets, which may stand in each other.
    fn string(&mut self) -> Vec<u8> {
        self.at += 1;
        let start = self.at;
        let (mut out, mut open) = (Vec::new(), 1);
        while let Some(b) = self.peek(0) {
            self.at += 1;
            match b {
                b'(' => open += 1,
                b')' => open -= 1,
                b'\\' => {
                    out.extend(self.escape());
                    continue;
                }
                _ => {}
            }
            if open == 0 {
                return out;
            }
            out.push(b);
        }
        self.unclosed(self.at - start);
        self.at = start;
        Vec::new()
    }

    fn escape(&mut self) -> Option<u8> {
        let b = self.peek(0)?;
        self.at += 1;
        Some(match b {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' | b'f' => b' ',
            b'0'..=b'7' => {
                let mut code = u32::from(b - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek(0) else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                (code & 0xFF) as u8
            }
            // A line that goes on.
            b'\r' => {
                self.at += usize::from(self.peek(0) == Some(b'\n'));
                return None;
            }
            b'\n' => return None,
            other => other,
        })
    }
}

/// The bytes of hexadecimal digits; what is none is passed over, and an odd one has a zero behind it.
pub(crate) fn hex(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        text.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|digit| digit as u8).collect();
    digits
        .chunks(2)
        .map(|pair| pair.first().map_or(0, |high| high << 4) | pair.get(1).copied().unwrap_or(0))
        .collect()
}

fn pairs(list: Vec<Obj>) -> Vec<(Vec<u8>, Obj)> {
    let mut found: Vec<(Vec<u8>, Obj)> = Vec::with_capacity(list.len() / 2);
    let mut name = None;
    for value in list {
        match (name.take(), value) {
            (None, Obj::Name(key)) => name = Some(key),
            (None, _) => {}
            (Some(key), value) => found.push((key, value)),
        }
    }
    found
}
