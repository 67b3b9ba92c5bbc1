//! The parser: one pass, no recursion, one allocation.

use super::text::{decode, end_of_plain, hex4, pair};
use super::tree::Node;
use super::{Kind, Limits, ParseError, ParseErrorKind, Surrogates};

/// What a parse leaves behind: the tape, and where lone surrogates stand (only ever with [`Surrogates::Replace`]).
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) lone: Vec<usize>,
}

/// Parses one document. The tape holds nodes in source order; a member is its name followed by its value.
pub(super) fn parse(text: &[u8], limits: &Limits, surrogates: Surrogates) -> Result<Parsed, ParseError> {
    // Spans are 32 bits wide, whatever the caller allows.
    let max_bytes = limits.max_bytes.min(u32::MAX as usize);
    if text.len() > max_bytes {
        return Err(ParseError { kind: ParseErrorKind::TooLarge, at: max_bytes });
    }
    if let Err(fault) = std::str::from_utf8(text) {
        return Err(ParseError { kind: ParseErrorKind::InvalidUtf8, at: fault.valid_up_to() });
    }
    let max_nodes = limits.max_nodes.min(Node::MAX_COUNT) as usize;
    let mut parser = Parser {
        text,
        at: 0,
        nodes: Vec::with_capacity((text.len() / 6 + 4).min(max_nodes).min(1 << 14)),
        open: NOTHING,
        depth: 0,
        max_nodes,
        max_depth: limits.max_depth,
        surrogates,
        lone: Vec::new(),
    };
    parser.document()?;
    Ok(Parsed { nodes: parser.nodes, lone: parser.lone })
}

/// Marks "no container is open".
const NOTHING: u32 = u32::MAX;
/// Up to here members are compared pair by pair; above, they are sorted, so that no choice of names costs more than
/// n log n (a hash table could be flooded).
const PAIRWISE: usize = 16;

struct Parser<'b> {
    text: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Innermost open container. While a container is open its node's `skip` holds the one around it: the tape is
    /// the stack.
    open: u32,
    depth: u16,
    max_nodes: usize,
    max_depth: u16,
    surrogates: Surrogates,
    lone: Vec<usize>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), ParseError> {
        self.skip_space();
        loop {
            if !self.begin_value()? && !self.after_value()? {
                self.skip_space();
                return if self.at == self.text.len() {
                    Ok(())
                } else {
                    Err(self.fault(ParseErrorKind::TrailingBytes))
                };
            }
        }
    }

    /// Reads a scalar or an empty container whole and returns `false`; or opens a container, stops at its first value
    /// and returns `true`.
    fn begin_value(&mut self) -> Result<bool, ParseError> {
        match self.peek()? {
            b'"' => self.string()?,
            b'{' => return self.begin_object(),
            b'[' => return self.begin_array(),
            b't' => self.word(b"true", Kind::Bool)?,
            b'f' => self.word(b"false", Kind::Bool)?,
            b'n' => self.word(b"null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.fault(ParseErrorKind::Syntax)),
        }
        Ok(false)
    }

    /// Closes containers until a comma promises another value (`true`) or the root is complete (`false`).
    fn after_value(&mut self) -> Result<bool, ParseError> {
        loop {
            let Some(container) = self.nodes.get(self.open as usize) else { return Ok(false) };
            let is_object = container.kind() == Kind::Object;
            self.skip_space();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    self.skip_space();
                    if is_object {
                        self.name()?;
                    }
                    return Ok(true);
                }
                b'}' if is_object => self.close()?,
                b']' if !is_object => self.close()?,
                _ => return Err(self.fault(ParseErrorKind::Syntax)),
            }
        }
    }

    fn begin_object(&mut self) -> Result<bool, ParseError> {
        self.begin_container(Kind::Object)?;
        if self.peek()? == b'}' {
            self.close()?;
            return Ok(false);
        }
        self.name()?;
        Ok(true)
    }

    fn begin_array(&mut self) -> Result<bool, ParseError> {
        self.begin_container(Kind::Array)?;
        if self.peek()? == b']' {
            self.close()?;
            return Ok(false);
        }
        Ok(true)
    }

    fn begin_container(&mut self, kind: Kind) -> Result<(), ParseError> {
        if self.depth >= self.max_depth {
            return Err(self.fault(ParseErrorKind::TooDeep));
        }
        self.depth += 1;
        let index = self.next_index();
        self.push(Node::open(kind, offset(self.at), self.open))?;
        self.open = index;
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Ends the innermost container; the cursor is at its closing bracket.
    fn close(&mut self) -> Result<(), ParseError> {
        let (index, end, skip) = (self.open as usize, offset(self.at + 1), self.next_index());
        let mut count = 0;
        let mut child = index + 1;
        let is_object = self.nodes.get(index).is_some_and(|node| node.kind() == Kind::Object);
        while let Some(node) = self.nodes.get(child + usize::from(is_object)) {
            count += 1;
            child = node.skip as usize;
        }
        if is_object && count > 1 {
            self.refuse_duplicates(index, count)?;
        }
        if let Some(node) = self.nodes.get_mut(index) {
            self.open = node.skip;
            node.close(end, skip, offset(count));
        }
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    /// Compares the names of the object at `index`, decoded: `"a"` and `"\u0061"` are one name to every reader.
    fn refuse_duplicates(&self, index: usize, count: usize) -> Result<(), ParseError> {
        if count > PAIRWISE {
            return self.refuse_duplicates_sorted(index, count);
        }
        let mut seen: [&[u8]; PAIRWISE] = [&[]; PAIRWISE];
        for (position, name) in self.names(index).enumerate() {
            if name.is_escaped() {
                return self.refuse_duplicates_sorted(index, count);
            }
            let text = self.inner(name);
            let (before, rest) = seen.split_at_mut_checked(position).unwrap_or((&mut [], &mut []));
            if before.contains(&text) {
                return Err(duplicate(name));
            }
            if let Some(slot) = rest.first_mut() {
                *slot = text;
            }
        }
        Ok(())
    }

    fn refuse_duplicates_sorted(&self, index: usize, count: usize) -> Result<(), ParseError> {
        let mut names = Vec::with_capacity(count);
        for name in self.names(index) {
            names.push((decode(std::str::from_utf8(self.inner(name)).unwrap_or_default()), name));
        }
        names.sort_unstable_by(|(a, at_a), (b, at_b)| a.cmp(b).then(at_a.start.cmp(&at_b.start)));
        let mut pairs = names.iter().zip(names.iter().skip(1));
        match pairs.find(|((a, _), (b, _))| a == b) {
            Some((_, (_, second))) => Err(duplicate(second)),
            None => Ok(()),
        }
    }

    /// The name nodes of an object whose members are all on the tape.
    fn names(&self, index: usize) -> impl Iterator<Item = &Node> {
        let mut at = index + 1;
        std::iter::from_fn(move || {
            let name = self.nodes.get(at)?;
            at = self.nodes.get(at + 1)?.skip as usize;
            Some(name)
        })
    }

    /// The text between a literal's quotes.
    fn inner(&self, node: &Node) -> &[u8] {
        self.text.get(node.start as usize + 1..(node.end as usize).saturating_sub(1)).unwrap_or_default()
    }

    /// Reads a member name and its colon; stops at the value.
    fn name(&mut self) -> Result<(), ParseError> {
        if self.peek()? != b'"' {
            return Err(self.fault(ParseErrorKind::Syntax));
        }
        self.string()?;
        self.skip_space();
        if self.peek()? != b':' {
            return Err(self.fault(ParseErrorKind::Syntax));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn string(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = end_of_plain(self.text, self.at);
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                // A control character: editors and terminals act on it, JSON forbids it.
                _ => return Err(self.fault(ParseErrorKind::Syntax)),
            }
        }
        self.at += 1;
        let (end, skip) = (offset(self.at), self.next_index() + 1);
        self.push(Node::scalar(Kind::String, offset(start), end, skip, escaped))
    }

    /// Steps over one escape sequence; the cursor is at its backslash.
    fn escape(&mut self) -> Result<(), ParseError> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            Some(_) => Err(self.fault(ParseErrorKind::Syntax)),
            None => Err(self.end()),
        }
    }

    fn unicode_escape(&mut self) -> Result<(), ParseError> {
        let unit = self.unit(self.at)?;
        if !(0xd800..0xe000).contains(&unit) {
            self.at += 6;
            return Ok(());
        }
        if self.text.get(self.at + 6..self.at + 8) == Some(b"\\u") {
            let low = self.unit(self.at + 6)?;
            if pair(unit, low).is_some() {
                self.at += 12;
                return Ok(());
            }
        }
        if self.surrogates == Surrogates::Refuse {
            return Err(self.fault(ParseErrorKind::LoneSurrogate));
        }
        self.lone.push(self.at);
        self.at += 6;
        Ok(())
    }

    /// The code unit of the `\uXXXX` that begins at `at`.
    fn unit(&self, at: usize) -> Result<u32, ParseError> {
        match hex4(self.text, at + 2) {
            Some(unit) => Ok(unit),
            None if at + 6 > self.text.len() => Err(self.end()),
            None => Err(ParseError { kind: ParseErrorKind::Syntax, at }),
        }
    }

    fn number(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let mut whole = true;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        // "01" would be 1 to one reader and 0 with rubbish to another.
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            whole = false;
            self.at += 1;
            if let b'+' | b'-' = self.peek()? {
                self.at += 1;
            }
            self.digits()?;
        }
        let (end, skip) = (offset(self.at), self.next_index() + 1);
        self.push(Node::scalar(Kind::Number, offset(start), end, skip, !whole))
    }

    /// Steps over one digit or more.
    fn digits(&mut self) -> Result<(), ParseError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(self.fault(ParseErrorKind::Syntax));
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), ParseError> {
        let start = self.at;
        for expected in word {
            if self.peek()? != *expected {
                return Err(self.fault(ParseErrorKind::Syntax));
            }
            self.at += 1;
        }
        let (end, skip) = (offset(self.at), self.next_index() + 1);
        self.push(Node::scalar(kind, offset(start), end, skip, word.first() == Some(&b't')))
    }

    fn push(&mut self, node: Node) -> Result<(), ParseError> {
        if self.nodes.len() >= self.max_nodes {
            return Err(ParseError { kind: ParseErrorKind::TooManyNodes, at: node.start as usize });
        }
        self.nodes.push(node);
        Ok(())
    }

    fn next_index(&self) -> u32 {
        offset(self.nodes.len())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, ParseError> {
        self.text.get(self.at).copied().ok_or_else(|| self.end())
    }

    fn end(&self) -> ParseError {
        ParseError { kind: ParseErrorKind::UnexpectedEnd, at: self.text.len() }
    }

    fn fault(&self, kind: ParseErrorKind) -> ParseError {
        ParseError { kind, at: self.at }
    }
}

fn duplicate(name: &Node) -> ParseError {
    ParseError { kind: ParseErrorKind::DuplicateMember, at: name.start as usize }
}

/// Every offset and count fits: `parse` refuses longer documents first.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
