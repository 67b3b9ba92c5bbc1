//! YAML, as far as configuration files need it: anchors, aliases, tags and merge keys are refused, since a reader that
//! does not follow them sees another file than one that does.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::node::{Item, Layout, MAX_DEPTH, Member, Node, ReadError, Value, refuse_duplicates};

/// Largest text in bytes: far above any configuration, and this parser takes its time.
const MAX_YAML: usize = 1 << 20;

pub(crate) fn read(text: &str) -> Result<Node, ReadError> {
    if text.len() > MAX_YAML {
        return Err(ReadError::at(text, MAX_YAML, "the document is too large"));
    }
    let offsets = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut reader = Reader { text, offsets, parser: Parser::new_from_str(text) };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_none() => {
                let (event, span) = reader.next()?;
                root = Some(reader.node(event, span, 0)?);
            }
            Event::StreamEnd => break,
            _ => return Err(ReadError::at(text, span.start, "a second document follows the first")),
        }
    }
    Ok(root.unwrap_or(Node { span: 0..0, value: Value::Map(Vec::new(), Layout::Block) }))
}

struct Reader<'t> {
    text: &'t str,
    /// Where each character begins: the parser counts characters.
    offsets: Vec<usize>,
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), ReadError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.bytes(span))),
            Some(Err(error)) => {
                let at = self.offset(error.marker().index());
                Err(ReadError::at(self.text, at, format!("not YAML: {}", error.info())))
            }
            None => Err(ReadError::at(self.text, self.text.len(), "the document ends too early")),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Result<Node, ReadError> {
        let text = self.text;
        let fault = |what: &str| Err(ReadError::at(text, span.start, what));
        if depth >= MAX_DEPTH {
            return fault("lists and maps are nested too deep");
        }
        match event {
            Event::Scalar(_, _, anchor, ref tag)
            | Event::SequenceStart(anchor, ref tag)
            | Event::MappingStart(anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                fault("anchors and tags are not supported here: write the value out")
            }
            Event::Alias(_) => fault("aliases are not supported here: write the value out"),
            Event::Scalar(value, style, ..) => {
                let nothing =
                    style == ScalarStyle::Plain && matches!(&*value, "" | "~" | "null" | "Null" | "NULL");
                let value = if nothing { Value::Other } else { Value::Text(value.into_owned()) };
                Ok(Node { span: self.trimmed(span, style), value })
            }
            Event::SequenceStart(..) => {
                let layout = self.layout(&span, '[');
                let mut items: Vec<Item> = Vec::new();
                loop {
                    let (event, at) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        let last = items.last().map_or(span.end, |item| item.node.span.end);
                        let end = if layout == Layout::Flow { at.start + 1 } else { last };
                        return Ok(Node { span: span.start..end, value: Value::List(items, layout) });
                    }
                    let node = self.node(event, at, depth + 1)?;
                    let from =
                        if layout == Layout::Flow { node.span.start } else { self.dash(node.span.start) };
                    items.push(Item { from, node });
                }
            }
            Event::MappingStart(..) => {
                let layout = self.layout(&span, '{');
                let mut members = Vec::new();
                loop {
                    let (event, at) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        refuse_duplicates(self.text, &members)?;
                        return Ok(Node { span: span.start..at.end, value: Value::Map(members, layout) });
                    }
                    let start = at.start;
                    let name = self.name(event, at)?;
                    let (event, at) = self.next()?;
                    members.push(Member { name, at: start, node: self.node(event, at, depth + 1)? });
                }
            }
            _ => fault("not YAML"),
        }
    }

    fn name(&self, event: Event<'t>, span: Range<usize>) -> Result<String, ReadError> {
        match event {
            Event::Scalar(name, _, 0, None) if name != "<<" => Ok(name.into_owned()),
            _ => Err(ReadError::at(
                self.text,
                span.start,
                "this key is not supported here: write a plain name",
            )),
        }
    }

    /// Between brackets, which the text then shows at the place.
    fn layout(&self, span: &Range<usize>, bracket: char) -> Layout {
        let flow = self.text.get(span.start..).is_some_and(|rest| rest.starts_with(bracket));
        if flow { Layout::Flow } else { Layout::Block }
    }

    /// Where an item of a list begins: at the dash before it, or itself where that stands on another line.
    fn dash(&self, item: usize) -> usize {
        let before = self.text.get(..item).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.strip_suffix('-').map_or(item, str::len)
    }

    /// A scalar without what the parser counts to it: the space after a plain one, and a comment after a quoted one.
    fn trimmed(&self, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let quoted = raw.get(1..).unwrap_or_default();
        let length = match style {
            ScalarStyle::SingleQuoted => quoted.replace("''", "  ").find('\'').map(|end| end + 2),
            ScalarStyle::DoubleQuoted => {
                let mut escaped = false;
                let end = quoted.find(|c| {
                    let is_end = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    is_end
                });
                end.map(|end| end + 2)
            }
            _ => None,
        };
        span.start..span.start + length.unwrap_or(raw.trim_end().len())
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.offset(span.start.index())..self.offset(span.end.index())
    }

    fn offset(&self, character: usize) -> usize {
        self.offsets.get(character).copied().unwrap_or(self.text.len())
    }
}
