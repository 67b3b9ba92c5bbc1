//! Two definitions of one thing: the canonical form is its own form, equal forms and equal hashes are one, and nothing that
//! is shown of a change steers a terminal. First byte: the kind. A zero byte ends the first definition.

use bytes::Bytes;
use doorward_pins::{Definition, Drift, Kind, Segment, judge};
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    let kinds = [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::Template, Kind::Server];
    let kind = kinds[usize::from(kind) % kinds.len()];
    let mut parts = rest.splitn(2, |byte| *byte == 0).filter_map(|part| define(kind, part));
    let Some(one) = parts.next() else { return };
    assert_eq!(judge(&one, &one), Drift::Same);
    let Some(other) = parts.next() else { return };
    let is_same = one.canonical() == other.canonical();
    assert_eq!(one.hash() == other.hash(), is_same);
    let drift = judge(&one, &other);
    assert_eq!(drift == Drift::Same, is_same);
    let (Drift::Wording(changes) | Drift::Meaning(changes)) = &drift else { return };
    assert_eq!(changes.reasons.is_empty(), matches!(drift, Drift::Wording(_)));
    for reason in &changes.reasons {
        assert!(is_plain(&reason.why.to_string()) && is_plain(&reason.pointer), "{reason:?}");
    }
    for field in &changes.diff.short().fields {
        assert!(is_plain(&field.pointer), "{field:?}");
        for segment in &field.segments {
            let (Segment::Same(text) | Segment::Added(text) | Segment::Removed(text)) = segment else {
                continue;
            };
            assert!(is_plain(text), "{text:?}");
        }
    }
}

fn define(kind: Kind, text: &[u8]) -> Option<Definition> {
    let tree = Tree::parse(Bytes::copy_from_slice(text), &Limits::default()).ok()?;
    let definition = Definition::of(kind, tree.root()).ok()?;
    let again =
        Tree::parse(Bytes::copy_from_slice(definition.canonical().as_bytes()), &Limits::default()).ok()?;
    let again = Definition::of(kind, again.root()).expect("a canonical form has one");
    assert_eq!(again.canonical(), definition.canonical());
    Some(definition)
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c as u32, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x2069 | 0xe0000..=0xe007f)
    })
}
