//! The strict parser: never panics; what it accepts has sound spans; edits leave documents that parse.

use bytes::Bytes;
use doorward_wire::{Edits, Kind, Limits, Tree, Value, quote};

pub(crate) fn run(data: &[u8]) {
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    let source = Bytes::copy_from_slice(data);
    if let Ok((tree, replaced)) = Tree::parse_result(source.clone(), &limits) {
        assert_eq!(tree.bytes().len(), source.len());
        assert!(replaced > 0 || tree.bytes() == &source);
        assert!(
            Tree::parse(tree.bytes().clone(), &limits).is_ok(),
            "replaced surrogates are not strict JSON"
        );
    }
    let Ok(tree) = Tree::parse(source, &limits) else { return };
    let mut open = vec![tree.root()];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        seen += 1;
        check(value);
        open.extend(value.items());
        open.extend(value.members().map(|(_, member)| member));
    }
    assert!(seen <= 10_000);
    edit(&tree, data);
}

fn check(value: Value<'_>) {
    assert_eq!(value.raw().len(), value.span().len());
    let first = value.raw().bytes().next();
    match value.kind() {
        Kind::Object => {
            assert_eq!((first, value.members().count()), (Some(b'{'), value.len()));
            for (name, member) in value.members().take(50) {
                assert!(value.get(&name).is_some_and(|found| found.span() == member.span()));
            }
        }
        Kind::Array => assert_eq!((first, value.items().count()), (Some(b'['), value.len())),
        Kind::String => {
            let text = value.as_str().unwrap_or_default();
            assert!(value.is_str(&text));
            let again = Tree::parse(Bytes::from(quote(&text)), &Limits::default());
            assert!(again.is_ok_and(|again| again.root().is_str(&text)));
        }
        Kind::Number => assert!(value.number_text().is_some_and(|text| text.parse::<f64>().is_ok())),
        Kind::Bool => assert!(value.as_bool().is_some()),
        Kind::Null => assert_eq!(value.raw(), "null"),
    }
}

/// Cuts the members or items that the input's own bytes choose, and adds one.
fn edit(tree: &Tree, data: &[u8]) {
    let root = tree.root();
    let chosen = |position: usize| data.get(position).is_some_and(|byte| byte % 2 == 0);
    let mut edits = Edits::new();
    let mut left = root.len();
    for position in 0..root.len() {
        if !chosen(position) {
            continue;
        }
        left -= 1;
        match root.members().nth(position) {
            Some((name, _)) => assert!(edits.remove_member(root, &name)),
            None => edits.remove_item(root, position),
        }
    }
    if root.is_object() && root.get("fuzz\n").is_none() {
        edits.insert_member(root, "fuzz\n", "[]");
        left += 1;
    }
    let after = edits.apply(tree).ok().and_then(|after| Tree::parse(after, &Limits::default()).ok());
    assert!(after.is_some_and(|after| after.root().len() == left), "edits broke the document");
}
