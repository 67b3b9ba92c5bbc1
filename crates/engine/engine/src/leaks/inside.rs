//! Documents in calls and answers. What a PDF or a letter says cannot be taken out of it, so a message with a document that
//! holds what may not be passed on stays where it is (D-04).

use std::sync::LazyLock;

use bytes::Bytes;
use doorward_dlp::{Facts, Treatment};
use doorward_wire::{Limits, Tree, Value, quote};
use memchr::memmem;

use super::people::Of;
use super::{DataRules, Looked, look};
use crate::content::texts;

/// What stands in a message with a document: the protocol's name for bytes, and what a PDF and an archive begin with in base64. Made
/// once: to make ready for a search costs more than a message of some hundred bytes.
static SIGNS: LazyLock<[memmem::Finder<'static>; 3]> =
    LazyLock::new(|| ["\"blob\"", "JVBERi", "UEsDB"].map(memmem::Finder::new));

/// Looks at what the documents in a message say; none, where it holds none.
pub(super) fn inside(value: Value<'_>, facts: &Facts<'_>, rules: &DataRules, of: &Of) -> Option<Looked> {
    // Nearly all messages are done with here.
    if !SIGNS.iter().any(|sign| sign.find(value.raw().as_bytes()).is_some()) {
        return None;
    }
    let (said, unread) = texts::inside(&texts::of([value].into_iter()));
    let said: Vec<String> = said.iter().map(|text| quote(text)).collect();
    let list = Bytes::from(format!("[{}]", said.join(",")));
    let limits = Limits { max_bytes: list.len(), ..Limits::default() };
    let tree = Tree::parse(list, &limits).ok()?;
    let mut looked = look(tree.root(), &Facts { leave: &[], ..*facts }, rules, of);
    looked.treated.unread += usize::from(unread.is_some());
    looked.refused |= unread.is_some() && rules.refuses_unread
        || looked.treated.findings.iter().any(|finding| finding.treatment > Treatment::Allow);
    Some(looked)
}

/// The kinds for which a message with a document stays where it is, each once.
pub(super) fn kinds(looked: &Looked) -> Vec<&'static str> {
    let stays = looked.treated.findings.iter().filter(|finding| finding.treatment > Treatment::Allow);
    let mut kinds: Vec<_> = stays.map(|finding| finding.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push("a document that cannot be read");
    }
    kinds
}
