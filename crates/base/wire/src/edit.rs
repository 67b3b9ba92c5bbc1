//! Edits by span (D-02): what is not edited goes on byte for byte.

use bytes::{Bytes, BytesMut};

use crate::json::{Kind, Span, Tree, Value, quote};

#[cfg(test)]
mod tests;

/// Why edits could not be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A span or a value lies outside the document: the edits were made for another one.
    #[error("an edit lies outside the document")]
    OutOfRange,
    /// Two edits touch the same bytes.
    #[error("two edits overlap")]
    Overlap,
    /// A member was inserted into something that is not an object.
    #[error("a member was inserted into something that is not an object")]
    NotAnObject,
    /// A member was inserted beside one of the same name.
    #[error("a member of that name is there already")]
    DuplicateMember,
}

/// Changes to one document, collected first and applied at once. Make them from values of the tree they are applied to.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Replace { span: Span, text: Vec<u8> },
    Insert { object: u32, name: String, raw: String },
    Cut { container: u32, position: usize },
}

/// A change in terms of bytes.
struct Splice<'e> {
    span: Span,
    text: std::borrow::Cow<'e, [u8]>,
}

impl Edits {
    /// Starts with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `text` in place of the bytes of `span`.
    pub fn replace(&mut self, span: Span, text: impl Into<Vec<u8>>) {
        self.steps.push(Step::Replace { span, text: text.into() });
    }

    /// Appends a member to an object. `raw_json` must be one JSON value.
    pub fn insert_member(&mut self, object: Value<'_>, name: &str, raw_json: &str) {
        self.steps.push(Step::Insert { object: object.index(), name: name.into(), raw: raw_json.into() });
    }

    /// Replaces the value of a member, or appends the member.
    pub fn set_member(&mut self, object: Value<'_>, name: &str, raw_json: &str) {
        match object.get(name) {
            Some(value) => self.replace(value.span(), raw_json),
            None => self.insert_member(object, name, raw_json),
        }
    }

    /// Cuts a member out of an object, with its comma; says whether it was there.
    pub fn remove_member(&mut self, object: Value<'_>, name: &str) -> bool {
        let position = object.members().position(|(member, _)| member == name);
        if let Some(position) = position {
            self.steps.push(Step::Cut { container: object.index(), position });
        }
        position.is_some()
    }

    /// Cuts the item at `position` out of an array, with its comma.
    pub fn remove_item(&mut self, array: Value<'_>, position: usize) {
        self.steps.push(Step::Cut { container: array.index(), position });
    }

    /// Says whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns the edited document. It is not parsed here: see [`Frame::edited`](crate::Frame::edited).
    ///
    /// # Errors
    /// An [`EditError`] if the edits contradict each other or belong to another document.
    pub fn apply(&self, tree: &Tree) -> Result<Bytes, EditError> {
        if self.steps.is_empty() {
            return Ok(tree.bytes().clone());
        }
        let mut splices = self.splices(tree)?;
        splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
        let source = tree.bytes();
        let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
        let mut out = BytesMut::with_capacity(source.len() + added);
        let mut at = 0;
        for splice in &splices {
            let range = splice.span.range();
            if range.start < at {
                return Err(EditError::Overlap);
            }
            if range.end < range.start || range.end > source.len() {
                return Err(EditError::OutOfRange);
            }
            out.extend_from_slice(source.get(at..range.start).ok_or(EditError::OutOfRange)?);
            out.extend_from_slice(&splice.text);
            at = range.end;
        }
        out.extend_from_slice(source.get(at..).ok_or(EditError::OutOfRange)?);
        Ok(out.freeze())
    }

    fn splices(&self, tree: &Tree) -> Result<Vec<Splice<'_>>, EditError> {
        let mut splices = Vec::with_capacity(self.steps.len());
        let mut containers = Vec::new();
        for step in &self.steps {
            match step {
                Step::Replace { span, text } => {
                    splices.push(Splice { span: *span, text: text.as_slice().into() });
                }
                Step::Insert { object, .. } => containers.push(*object),
                Step::Cut { container, .. } => containers.push(*container),
            }
        }
        // Commas depend on everything that happens to a container, so its cuts and inserts are worked out together.
        containers.sort_unstable();
        containers.dedup();
        for container in containers {
            self.restructure(tree, container, &mut splices)?;
        }
        Ok(splices)
    }

    fn restructure(&self, tree: &Tree, container: u32, out: &mut Vec<Splice<'_>>) -> Result<(), EditError> {
        let value = tree.checked_value(container).ok_or(EditError::OutOfRange)?;
        let elements = elements(value);
        let mut kept = vec![true; elements.len()];
        for step in &self.steps {
            if let Step::Cut { container: at, position } = step
                && *at == container
            {
                *kept.get_mut(*position).ok_or(EditError::OutOfRange)? = false;
            }
        }
        cut(&elements, &kept, out);
        self.insert(value, &kept, out)
    }

    fn insert(&self, object: Value<'_>, kept: &[bool], out: &mut Vec<Splice<'_>>) -> Result<(), EditError> {
        let mut names: Vec<String> = Vec::new();
        for step in &self.steps {
            let Step::Insert { object: at, name, raw } = step else { continue };
            if *at != object.index() {
                continue;
            }
            if object.kind() != Kind::Object {
                return Err(EditError::NotAnObject);
            }
            let mut staying = object.members().zip(kept).filter(|(_, kept)| **kept);
            if names.contains(name) || staying.any(|((member, _), _)| member == *name) {
                return Err(EditError::DuplicateMember);
            }
            let comma = if names.is_empty() && !kept.contains(&true) { "" } else { "," };
            names.push(name.clone());
            let bracket = object.span().end.saturating_sub(1);
            let text = format!("{comma}{}:{raw}", quote(name)).into_bytes();
            out.push(Splice { span: Span { start: bracket, end: bracket }, text: text.into() });
        }
        Ok(())
    }
}

/// Where the items of an array, or the members of an object with their names, stand.
fn elements(container: Value<'_>) -> Vec<Span> {
    if container.kind() == Kind::Array {
        return container.items().map(|item| item.span()).collect();
    }
    container.pairs().map(|(name, value)| Span { start: name.span().start, end: value.span().end }).collect()
}

/// Cuts the elements that are not kept, each with exactly one comma, so that what stays is well formed.
fn cut(elements: &[Span], kept: &[bool], out: &mut Vec<Splice<'_>>) {
    let mut one_stays = false;
    let mut before_end = 0;
    for (position, (element, keep)) in elements.iter().zip(kept).enumerate() {
        if *keep {
            one_stays = true;
        } else {
            let next = elements.get(position + 1).map_or(element.end, |next| next.start);
            let span = if one_stays {
                Span { start: before_end, end: element.end }
            } else {
                Span { start: element.start, end: next }
            };
            out.push(Splice { span, text: (&[]).into() });
        }
        before_end = element.end;
    }
}
