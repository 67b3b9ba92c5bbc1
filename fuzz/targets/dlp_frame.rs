//! Messages that are treated: never panics; what is left is JSON of the same shape, whatever is done about findings; where
//! all is allowed nothing changes. First byte: what is done, and which way the message goes.

use bytes::Bytes;
use doorward_dlp::{
    Confidence, Direction, Facts, Finder, Handling, Row, Scope, Tool, Treatment, Vault, What, treat,
};
use doorward_types::{Secret, ServerName};
use doorward_wire::{Kind, Limits, Tree, Value};

thread_local! {
    static FINDER: Finder = Finder::new();
}

const TREATMENTS: [Treatment; 5] =
    [Treatment::Allow, Treatment::Mask, Treatment::Redact, Treatment::Tokenise, Treatment::Block];

pub(crate) fn run(data: &[u8]) {
    let Some((&choice, document)) = data.split_first() else { return };
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    let Ok(tree) = Tree::parse(Bytes::copy_from_slice(document), &limits) else { return };
    let treatment = TREATMENTS[usize::from(choice) % TREATMENTS.len()];
    let mut row = Row::new(What::Any, treatment);
    row.at_least = Confidence::Possible;
    let server = ServerName::parse("fuzz").expect("a name");
    let direction = if choice & 64 == 0 { Direction::Result } else { Direction::Arguments };
    let tool = Tool::new(if choice & 32 == 0 { "send_mail" } else { "read" }, None);
    let most_bytes = if choice & 16 == 0 { usize::MAX } else { 64 };
    let scope = Scope { server: &server, owner: "somebody" };
    let facts = Facts { most_bytes, ..Facts::new(direction, tool, scope) };
    let vault = Vault::new(&Secret::new([3; 32]), 20);
    let treated = FINDER.with(|finder| treat(finder, tree.root(), &facts, &Handling::new(vec![row]), &vault));
    if treated.blocked || treatment == Treatment::Allow && treated.spoilt == 0 {
        assert!(treated.edits.is_empty() && treated.numbers.is_empty());
        return;
    }
    let mut edits = treated.edits;
    for number in treated.numbers {
        edits.replace(number.span, number.text);
    }
    let after = edits.apply(&tree).expect("edits of the same tree");
    let after = Tree::parse(after, &Limits::default()).expect("what is left is JSON");
    assert!(same_shape(tree.root(), after.root()));
}

fn same_shape(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Array, Kind::Array) => {
            a.len() == b.len() && a.items().zip(b.items()).all(|(a, b)| same_shape(a, b))
        }
        (Kind::Object, Kind::Object) => {
            a.len() == b.len()
                && a.members().zip(b.members()).all(|(a, b)| a.0 == b.0 && same_shape(a.1, b.1))
        }
        (Kind::String | Kind::Number, Kind::String) => true,
        (x, y) => x == y && a.raw() == b.raw(),
    }
}
