//! Which strings of a message a model reads: all but those that are names, types and pictures.

use std::borrow::Cow;

use bytes::Bytes;
use doorward_document::{Budget, Held, Unread, held, read};
use doorward_wire::{Kind, Tree, Value};

/// One text.
pub(crate) struct Text<'t> {
    pub(crate) text: Cow<'t, str>,
    /// It is shown after others of its kind, so that an order may be spread over several of them.
    pub(crate) is_shown: bool,
    /// It is a document, or holds one, of the type that stands beside it.
    held: Option<(Held, Cow<'t, str>)>,
    /// The protocol has bytes there, which nobody reads as letters.
    is_bytes: bool,
}

impl<'t> Text<'t> {
    /// A text that is no more than what stands in it.
    pub(crate) fn plain(text: impl Into<Cow<'t, str>>, is_shown: bool) -> Self {
        Self { text: text.into(), is_shown, held: None, is_bytes: false }
    }

    /// It is base64 and nothing else: words have blanks.
    fn is_blob(&self) -> bool {
        matches!(self.held, Some((Held::Blob, _))) && memchr::memchr(b' ', self.text.as_bytes()).is_none()
    }
}

/// What stands beside a string and says what it is.
#[derive(Clone, Copy)]
struct Beside<'b> {
    media: &'b str,
    /// The protocol has bytes in base64 there.
    is_blob: bool,
}

const NOTHING: Beside<'_> = Beside { media: "", is_blob: false };

/// Members that a protocol reads and no model does. Each is bounded by what a client takes there.
pub(super) const DRY: [&str; 8] =
    ["_meta", "type", "mimeType", "role", "requestState", "resultType", "taskId", "progressToken"];
/// Members that hosts show one after another.
const SHOWN: [&str; 4] = ["text", "message", "statusMessage", "data"];
/// What is seen or heard, and not read.
const MEDIA: [&str; 4] = ["image/", "audio/", "video/", "font/"];

/// Opens the documents among texts: what each says is judged like any other text. Gives back why not all was read.
pub(crate) fn open(texts: &mut Vec<Text<'_>>) -> Option<Unread> {
    let (said, unread) = inside(texts);
    if texts.iter().all(|text| text.held.is_none()) {
        return unread;
    }
    // Base64 is read as it stands as well, but behind all else: it is long, and hardly anything is read in it.
    let (blobs, others) = std::mem::take(texts).into_iter().partition::<Vec<_>, _>(Text::is_blob);
    texts.extend(said.into_iter().map(|said| Text::plain(said, false)));
    texts.extend(others);
    texts
        .extend(blobs.into_iter().filter(|blob| !blob.is_bytes).map(|blob| Text { is_shown: false, ..blob }));
    unread
}

/// What the documents among texts say, within one budget for all of them, and why that is not all.
pub(crate) fn inside(texts: &[Text<'_>]) -> (Vec<String>, Option<Unread>) {
    let (mut said, mut unread) = (Vec::new(), None);
    let mut budget = Budget::default();
    for text in texts {
        let Some((held, media)) = &text.held else { continue };
        let document = read(&text.text, *held, media, &mut budget);
        unread = unread.or(document.unread);
        said.extend(document.parts.into_iter().map(|part| part.text));
    }
    (said, unread)
}

/// Collects the texts of a message's parts, in order.
pub(crate) fn of<'t>(parts: impl Iterator<Item = Value<'t>>) -> Vec<Text<'t>> {
    let mut found = Vec::new();
    for part in parts {
        let structured = part.get("structuredContent");
        walk(part, false, structured, NOTHING, &mut found);
    }
    found
}

/// Depth is bounded by the strict parse, so recursion is too.
fn walk<'t>(
    value: Value<'t>,
    is_shown: bool,
    twin: Option<Value<'t>>,
    beside: Beside<'_>,
    found: &mut Vec<Text<'t>>,
) {
    match value.kind() {
        Kind::String => {
            let text = value.as_str().unwrap_or_default();
            // Read already, as what it is the text of.
            if !text.is_empty() && !twin.is_some_and(|twin| is_twin(&text, twin)) {
                // A server that writes words where bytes belong writes words.
                let is_blob = beside.is_blob && memchr::memchr(b' ', text.as_bytes()).is_none();
                let held =
                    held(&text, beside.media, is_blob).map(|held| (held, beside.media.to_owned().into()));
                if held.is_some() || !(is_blob && is_media(beside.media)) {
                    found.push(Text { text, is_shown, held, is_bytes: is_blob });
                }
            }
        }
        Kind::Array => value.items().for_each(|item| walk(item, is_shown, twin, NOTHING, found)),
        Kind::Object => {
            for (name, member) in value.members() {
                if DRY.contains(&&*name) {
                    continue;
                }
                let shown = is_shown || SHOWN.contains(&&*name);
                let twin = twin.filter(|_| name != "structuredContent");
                // A model reads the names in a table as well.
                if name.len() > 24
                    || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                {
                    found.push(Text::plain(name.clone(), false));
                }
                let is_content = matches!(&*name, "text" | "data" | "blob");
                let media = is_content.then(|| value.get("mimeType")?.as_str()).flatten().unwrap_or_default();
                let is_blob = name == "blob" || name == "data" && !media.is_empty();
                walk(member, shown, twin, Beside { media: &media, is_blob }, found);
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}

/// Says whether a member of an object is a picture, a sound, or the like.
pub(super) fn is_media_member(of: Value<'_>, name: &str) -> bool {
    matches!(name, "data" | "blob")
        && of.get("mimeType").and_then(|kind| kind.as_str()).is_some_and(|kind| is_media(&kind))
}

fn is_media(media: &str) -> bool {
    MEDIA.iter().any(|kind| media.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind)))
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
