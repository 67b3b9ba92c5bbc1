//! The tree: a flat tape of nodes over the bytes, and the values that borrow from it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::parse::parse;
use super::text::{decode, written_at};
use super::{Kind, Limits, ParseError, Span, Surrogates};

/// One entry of the tape, 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Index of the first node after this one and everything in it.
    pub(super) skip: u32,
    /// Kind (3 bits), mark (1 bit), number of children (28 bits).
    packed: u32,
}

const KINDS: [Kind; 6] = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];
const MARK: u32 = 1 << 3;

impl Node {
    /// The most nodes a tape may have: what 28 bits can count.
    pub(super) const MAX_COUNT: u32 = (1 << 28) - 1;

    /// A value without children. The mark means: a string with escapes, a number that is not a plain integer, `true`.
    pub(super) fn scalar(kind: Kind, start: u32, end: u32, skip: u32, mark: bool) -> Self {
        Self { start, end, skip, packed: kind as u32 | u32::from(mark) << 3 }
    }

    /// A container that has just begun; `around` is the one it stands in.
    pub(super) fn open(kind: Kind, start: u32, around: u32) -> Self {
        Self { start, end: start, skip: around, packed: kind as u32 }
    }

    /// Ends a container.
    pub(super) fn close(&mut self, end: u32, skip: u32, count: u32) {
        self.end = end;
        self.skip = skip;
        self.packed |= count << 4;
    }

    pub(super) fn kind(&self) -> Kind {
        KINDS.get((self.packed & 7) as usize).copied().unwrap_or(Kind::Null)
    }

    fn mark(&self) -> bool {
        self.packed & MARK != 0
    }

    pub(super) fn is_escaped(&self) -> bool {
        self.mark()
    }

    fn count(&self) -> usize {
        (self.packed >> 4) as usize
    }
}

/// A parsed document: the bytes as they came, and where in them each value stands. Cloning shares both.
#[derive(Clone)]
pub struct Tree {
    bytes: Bytes,
    nodes: Arc<Vec<Node>>,
    limits: Limits,
}

impl Tree {
    /// Parses one strict JSON document.
    ///
    /// # Errors
    /// A [`ParseError`] for everything that is not RFC 8259, and for what two readers could take differently.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, ParseError> {
        let parsed = parse(&bytes, limits, Surrogates::Refuse)?;
        Ok(Self { bytes, nodes: Arc::new(parsed.nodes), limits: *limits })
    }

    /// Parses a document that came from a server: lone surrogates become U+FFFD (D-04). Returns the tree, over edited
    /// bytes if there were any, and how many were replaced.
    ///
    /// # Errors
    /// As [`Tree::parse`], without `LoneSurrogate`.
    pub fn parse_result(bytes: Bytes, limits: &Limits) -> Result<(Self, u32), ParseError> {
        let parsed = parse(&bytes, limits, Surrogates::Replace)?;
        let replaced = u32::try_from(parsed.lone.len()).unwrap_or(u32::MAX);
        let bytes = if parsed.lone.is_empty() { bytes } else { replace_lone(&bytes, &parsed.lone) };
        Ok((Self { bytes, nodes: Arc::new(parsed.nodes), limits: *limits }, replaced))
    }

    /// Returns the outermost value.
    pub fn root(&self) -> Value<'_> {
        self.value(0)
    }

    /// Returns the document.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the limits the document was parsed under; an edited copy is held to the same.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn value(&self, index: u32) -> Value<'_> {
        Value { tree: self, index }
    }

    pub(crate) fn checked_value(&self, index: u32) -> Option<Value<'_>> {
        self.nodes.get(index as usize).map(|_| self.value(index))
    }

    fn node(&self, index: u32) -> Node {
        // An index is only ever made by walking this tape; the fallback keeps a mistake from becoming a panic.
        self.nodes.get(index as usize).copied().unwrap_or(Node::scalar(Kind::Null, 0, 0, u32::MAX, false))
    }

    fn text(&self, start: u32, end: u32) -> &str {
        let slice = self.bytes.get(start as usize..end as usize).unwrap_or_default();
        // The document was checked as a whole; spans begin and end at ASCII characters.
        std::str::from_utf8(slice).unwrap_or_default()
    }
}

impl fmt::Debug for Tree {
    /// Shape only: a message must not reach a log through `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("bytes", &self.bytes.len()).field("nodes", &self.nodes.len()).finish()
    }
}

/// Writes `\ufffd` over each escape that is half of a pair: the same six bytes, so that every span still holds.
fn replace_lone(bytes: &Bytes, lone: &[usize]) -> Bytes {
    let mut edited = BytesMut::from(bytes.as_ref());
    for &at in lone {
        if let Some(escape) = edited.get_mut(at..at + 6) {
            escape.copy_from_slice(b"\\ufffd");
        }
    }
    edited.freeze()
}

/// One value of a [`Tree`], borrowed.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tree: &'t Tree,
    index: u32,
}

impl<'t> Value<'t> {
    /// Returns what kind of value this is.
    pub fn kind(&self) -> Kind {
        self.node().kind()
    }

    /// Returns where the value stands in the document; a string's quotes and a container's brackets are included.
    pub fn span(&self) -> Span {
        let node = self.node();
        Span { start: node.start, end: node.end }
    }

    /// Returns the value as it was written.
    pub fn raw(&self) -> &'t str {
        let node = self.node();
        self.tree.text(node.start, node.end)
    }

    /// Says whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Says whether this is an object.
    pub fn is_object(&self) -> bool {
        self.kind() == Kind::Object
    }

    /// Returns a boolean's value.
    pub fn as_bool(&self) -> Option<bool> {
        let node = self.node();
        (node.kind() == Kind::Bool).then(|| node.mark())
    }

    /// Returns a string's text, borrowed when it was written without escapes.
    pub fn as_str(&self) -> Option<Cow<'t, str>> {
        let node = self.node();
        (node.kind() == Kind::String).then(|| self.decoded(&node))
    }

    /// Says whether this is a string that reads `text`, without copying it.
    pub fn is_str(&self, text: &str) -> bool {
        let node = self.node();
        node.kind() == Kind::String && self.reads(&node, text)
    }

    /// Returns the byte of the document at which the byte `at` of a string's text was written; for what is no string, where it
    /// begins.
    pub fn written_at(&self, at: usize) -> usize {
        let node = self.node();
        match node.kind() {
            Kind::String => node.start as usize + 1 + written_at(self.inner(&node), at),
            _ => node.start as usize,
        }
    }

    /// Returns an integer that was written without fraction and exponent and fits 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        let node = self.node();
        if node.kind() == Kind::Number && !node.mark() { self.raw().parse().ok() } else { None }
    }

    /// Returns a number as it was written.
    pub fn number_text(&self) -> Option<&'t str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// Returns the member of an object whose decoded name is `name`.
    pub fn get(&self, name: &str) -> Option<Value<'t>> {
        self.pairs().find(|(key, _)| key.reads(&key.node(), name)).map(|(_, value)| value)
    }

    /// Follows member names inwards.
    pub fn path(&self, names: &[&str]) -> Option<Value<'t>> {
        names.iter().try_fold(*self, |value, name| value.get(name))
    }

    /// Returns how many items or members a container has, 0 for a scalar.
    pub fn len(&self) -> usize {
        self.node().count()
    }

    /// Says whether [`len`](Self::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over an array in source order; nothing for any other kind.
    pub fn items(&self) -> Items<'t> {
        let (at, end) = self.children(Kind::Array);
        Items { tree: self.tree, at, end }
    }

    /// Iterates over an object's members in source order, names decoded; nothing for any other kind.
    pub fn members(&self) -> Members<'t> {
        let (at, end) = self.children(Kind::Object);
        Members { tree: self.tree, at, end }
    }

    /// As [`members`](Self::members), with the name as a value: it has a span.
    pub fn pairs(&self) -> impl Iterator<Item = (Value<'t>, Value<'t>)> + use<'t> {
        let (mut at, end) = self.children(Kind::Object);
        let tree = self.tree;
        std::iter::from_fn(move || next_pair(tree, &mut at, end))
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    fn node(&self) -> Node {
        self.tree.node(self.index)
    }

    fn children(&self, kind: Kind) -> (u32, u32) {
        let node = self.node();
        if node.kind() == kind { (self.index + 1, node.skip) } else { (0, 0) }
    }

    fn inner(&self, node: &Node) -> &'t str {
        self.tree.text(node.start + 1, node.end.saturating_sub(1))
    }

    fn decoded(&self, node: &Node) -> Cow<'t, str> {
        let inner = self.inner(node);
        if node.is_escaped() { decode(inner) } else { Cow::Borrowed(inner) }
    }

    fn reads(&self, node: &Node, text: &str) -> bool {
        if node.is_escaped() {
            return decode(self.inner(node)) == text;
        }
        let inner = node.start as usize + 1..(node.end as usize).saturating_sub(1);
        inner.len() == text.len() && self.tree.bytes.get(inner) == Some(text.as_bytes())
    }
}

impl fmt::Debug for Value<'_> {
    /// Shape only, as for [`Tree`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("kind", &self.kind()).field("span", &self.span()).finish()
    }
}

/// The items of an array, in source order.
#[derive(Debug, Clone)]
pub struct Items<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let item = self.tree.value(self.at);
        self.at = item.node().skip;
        Some(item)
    }
}

/// The members of an object, in source order.
#[derive(Debug, Clone)]
pub struct Members<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Members<'t> {
    type Item = (Cow<'t, str>, Value<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = next_pair(self.tree, &mut self.at, self.end)?;
        Some((name.decoded(&name.node()), value))
    }
}

fn next_pair<'t>(tree: &'t Tree, at: &mut u32, end: u32) -> Option<(Value<'t>, Value<'t>)> {
    if *at >= end {
        return None;
    }
    let (name, value) = (tree.value(*at), tree.value(*at + 1));
    *at = value.node().skip;
    Some((name, value))
}
