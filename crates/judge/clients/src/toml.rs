//! TOML, whose own reader knows where every value stands and refuses a key that occurs twice.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::node::{Item, Layout, MAX_BYTES, Member, Node, ReadError, Value};

pub(crate) fn read(text: &str) -> Result<Node, ReadError> {
    if text.len() > MAX_BYTES {
        return Err(ReadError::at(text, MAX_BYTES, "the document is too large"));
    }
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        // The reader's messages may quote the file, and this file may hold secrets: only their first line is kept.
        ReadError::at(text, at, format!("not TOML: {}", error.message().lines().next().unwrap_or_default()))
    })?;
    let span = table.span();
    Ok(Node { span, value: map(text, table.into_inner(), Layout::Block) })
}

fn map(text: &str, table: DeTable<'_>, layout: Layout) -> Value {
    let mut members: Vec<_> = table
        .into_iter()
        .map(|(name, value)| Member {
            at: name.span().start,
            name: name.into_inner().into_owned(),
            node: node(text, value),
        })
        .collect();
    members.sort_by_key(|member| member.at);
    Value::Map(members, layout)
}

fn node(text: &str, value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::String(string) => Value::Text(string.into_owned()),
        DeValue::Array(array) => {
            let layout = layout(text, &span, '[');
            let items =
                array.into_iter().map(|item| Item { from: item.span().start, node: node(text, item) });
            Value::List(items.collect(), layout)
        }
        DeValue::Table(table) => {
            let layout = layout(text, &span, '{');
            map(text, table, layout)
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => Value::Other,
    };
    Node { span, value }
}

/// A table between braces is one of its line; every other one is spread over headers and dotted keys.
fn layout(text: &str, span: &Range<usize>, bracket: char) -> Layout {
    let flow = text.get(span.clone()).is_some_and(|raw| raw.starts_with(bracket) && !raw.starts_with("[["));
    if flow { Layout::Flow } else { Layout::Block }
}
