//! Which strings of a message a model reads: all but those that are names, types and pictures.

use std::borrow::Cow;

use bytes::Bytes;
use doorward_wire::{Kind, Tree, Value};

/// One text.
pub(crate) struct Text<'t> {
    pub(crate) text: Cow<'t, str>,
    /// It is shown after others of its kind, so that an order may be spread over several of them.
    pub(crate) is_shown: bool,
}

/// Members that a protocol reads and no model does. Each is bounded by what a client takes there.
pub(super) const DRY: [&str; 8] =
    ["_meta", "type", "mimeType", "role", "requestState", "resultType", "taskId", "progressToken"];
/// Members that hosts show one after another.
const SHOWN: [&str; 4] = ["text", "message", "statusMessage", "data"];
/// What is seen or heard, and not read.
const MEDIA: [&str; 4] = ["image/", "audio/", "video/", "font/"];

/// Collects the texts of a message's parts, in order.
pub(crate) fn of<'t>(parts: impl Iterator<Item = Value<'t>>) -> Vec<Text<'t>> {
    let mut found = Vec::new();
    for part in parts {
        let structured = part.get("structuredContent");
        walk(part, false, structured, &mut found);
    }
    found
}

/// Depth is bounded by the strict parse, so recursion is too.
fn walk<'t>(value: Value<'t>, is_shown: bool, twin: Option<Value<'t>>, found: &mut Vec<Text<'t>>) {
    match value.kind() {
        Kind::String => {
            let text = value.as_str().unwrap_or_default();
            // Read already, as what it is the text of.
            if !text.is_empty() && !twin.is_some_and(|twin| is_twin(&text, twin)) {
                found.push(Text { text, is_shown });
            }
        }
        Kind::Array => value.items().for_each(|item| walk(item, is_shown, twin, found)),
        Kind::Object => {
            for (name, member) in value.members() {
                if is_media(value, &name) || DRY.contains(&&*name) {
                    continue;
                }
                let shown = is_shown || SHOWN.contains(&&*name);
                let twin = twin.filter(|_| name != "structuredContent");
                // A model reads the names in a table as well.
                if name.len() > 24
                    || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                {
                    found.push(Text { text: name, is_shown: false });
                }
                walk(member, shown, twin, found);
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}

/// Says whether a member of an object is a picture, a sound, or the like.
pub(super) fn is_media(of: Value<'_>, name: &str) -> bool {
    matches!(name, "data" | "blob")
        && of.get("mimeType").and_then(|kind| kind.as_str()).is_some_and(|kind| {
            MEDIA.iter().any(|media| kind.get(..media.len()).is_some_and(|k| k.eq_ignore_ascii_case(media)))
        })
}

/// Says whether a text is the text of a structured result: the protocol has servers send both.
pub(crate) fn is_twin(text: &str, structured: Value<'_>) -> bool {
    let first = text.trim_start().as_bytes().first().copied();
    let fits = match structured.kind() {
        Kind::Object => first == Some(b'{'),
        Kind::Array => first == Some(b'['),
        _ => false,
    };
    let limits = doorward_wire::Limits { max_bytes: text.len(), ..doorward_wire::Limits::default() };
    fits && Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &limits)
        .is_ok_and(|tree| is_same(tree.root(), structured))
}

/// Compared in order: whoever writes the same thing twice writes it in the same order, and a search for each member would
/// cost a hostile server nothing and the door the square of it.
fn is_same(a: Value<'_>, b: Value<'_>) -> bool {
    a.kind() == b.kind()
        && a.len() == b.len()
        && match a.kind() {
            Kind::Null => true,
            Kind::Bool => a.as_bool() == b.as_bool(),
            Kind::Number => a.number_text() == b.number_text(),
            Kind::String => a.as_str() == b.as_str(),
            Kind::Array => a.items().zip(b.items()).all(|(a, b)| is_same(a, b)),
            Kind::Object => {
                a.members().zip(b.members()).all(|((name, a), (other, b))| name == other && is_same(a, b))
            }
        }
}
