use proptest::prelude::*;

use super::*;
use crate::json::Limits;

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn remove(tree: &Tree, edits: &mut Edits, name: &str) {
    assert!(edits.remove_member(tree.root(), name));
}

fn edited(tree: &Tree, edits: &Edits) -> Result<String, EditError> {
    edits.apply(tree).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn members_come_and_go_with_their_commas() {
    type Change = fn(&Tree, &mut Edits);
    let table: [(&str, Change, &str); 11] = [
        ("{}", |t, e| e.insert_member(t.root(), "a", "1"), r#"{"a":1}"#),
        ("{ }", |t, e| e.insert_member(t.root(), "a", "1"), r#"{ "a":1}"#),
        (r#"{"x":0}"#, |t, e| e.insert_member(t.root(), "a\"b", "1"), r#"{"x":0,"a\"b":1}"#),
        (
            "{}",
            |t, e| {
                e.insert_member(t.root(), "a", "1");
                e.insert_member(t.root(), "b", "2")
            },
            r#"{"a":1,"b":2}"#,
        ),
        (r#"{"a":1}"#, |t, e| remove(t, e, "a"), "{}"),
        (r#"{"a":1,"b":2}"#, |t, e| remove(t, e, "a"), r#"{"b":2}"#),
        (r#"{"a":1 , "b":2 , "c":3}"#, |t, e| remove(t, e, "b"), r#"{"a":1 , "c":3}"#),
        (
            r#"{"a":1,"b":2}"#,
            |t, e| {
                e.remove_member(t.root(), "a");
                e.remove_member(t.root(), "b");
            },
            "{}",
        ),
        (
            r#"{"a":1}"#,
            |t, e| {
                e.remove_member(t.root(), "a");
                e.insert_member(t.root(), "a", "2")
            },
            r#"{"a":2}"#,
        ),
        (
            r#"{"a":1}"#,
            |t, e| {
                e.set_member(t.root(), "a", "2");
                e.set_member(t.root(), "b", "3")
            },
            r#"{"a":2,"b":3}"#,
        ),
        (
            "[1,2,3,4]",
            |t, e| {
                e.remove_item(t.root(), 0);
                e.remove_item(t.root(), 1);
                e.remove_item(t.root(), 3)
            },
            "[3]",
        ),
    ];
    for (before, change, after) in table {
        let tree = tree(before);
        let mut edits = Edits::new();
        change(&tree, &mut edits);
        assert_eq!(edited(&tree, &edits).as_deref(), Ok(after), "{before}");
    }
}

#[test]
fn contradictions_are_refused() {
    let tree = tree(r#"{"a":{"b":1},"c":2}"#);
    let (root, a) = (tree.root(), tree.root().get("a").unwrap());
    let refusal = |change: &dyn Fn(&mut Edits)| {
        let mut edits = Edits::new();
        change(&mut edits);
        edits.apply(&tree).unwrap_err()
    };
    assert_eq!(
        refusal(&|e| {
            e.replace(a.span(), "1");
            e.replace(a.get("b").unwrap().span(), "2")
        }),
        EditError::Overlap
    );
    assert_eq!(
        refusal(&|e| {
            e.replace(a.span(), "1");
            e.replace(a.span(), "1")
        }),
        EditError::Overlap
    );
    assert_eq!(
        refusal(&|e| {
            e.remove_member(root, "a");
            e.insert_member(a, "x", "1")
        }),
        EditError::Overlap
    );
    assert_eq!(refusal(&|e| e.insert_member(root, "a", "1")), EditError::DuplicateMember);
    assert_eq!(
        refusal(&|e| {
            e.insert_member(a, "x", "1");
            e.insert_member(a, "x", "1")
        }),
        EditError::DuplicateMember
    );
    assert_eq!(refusal(&|e| e.insert_member(root.get("c").unwrap(), "x", "1")), EditError::NotAnObject);
    assert_eq!(refusal(&|e| e.replace(Span { start: 5, end: 500 }, "1")), EditError::OutOfRange);
    assert_eq!(refusal(&|e| e.replace(Span { start: 5, end: 3 }, "1")), EditError::OutOfRange);
    assert_eq!(refusal(&|e| e.remove_item(a, 4)), EditError::OutOfRange);
}

#[test]
fn an_absent_member_is_no_edit() {
    let tree = tree(r#"{"a":1}"#);
    let mut edits = Edits::new();
    assert!(!edits.remove_member(tree.root(), "b"));
    assert!(edits.is_empty());
}

fn spaced_object(members: usize) -> String {
    let members: Vec<_> = (0..members).map(|n| format!(" \"m{n}\" :\t[{n}, {{}}] ")).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #[test]
    fn no_edits_return_the_same_bytes(members in 0_usize..5) {
        let tree = tree(&spaced_object(members));
        prop_assert_eq!(Edits::new().apply(&tree).unwrap().as_ptr(), tree.bytes().as_ptr());
    }

    #[test]
    fn any_choice_of_members_leaves_an_object_of_the_rest(cut in prop::collection::vec(any::<bool>(), 0..8), added in 0_usize..3) {
        let tree = tree(&spaced_object(cut.len()));
        let mut edits = Edits::new();
        let mut expected = Vec::new();
        for (position, cut) in cut.iter().enumerate() {
            let name = format!("m{position}");
            if *cut { edits.remove_member(tree.root(), &name); } else { expected.push(name); }
        }
        for n in 0..added {
            edits.insert_member(tree.root(), &format!("new{n}"), "null");
            expected.push(format!("new{n}"));
        }
        let after = Tree::parse(edits.apply(&tree).unwrap(), &Limits::default()).unwrap();
        let names: Vec<_> = after.root().members().map(|(name, _)| name.into_owned()).collect();
        prop_assert_eq!(names, expected);
    }

    #[test]
    fn what_is_not_edited_stays_byte_for_byte(members in 1_usize..6, chosen in any::<prop::sample::Index>()) {
        let source = spaced_object(members);
        let tree = tree(&source);
        let span = tree.root().get(&format!("m{}", chosen.index(members))).unwrap().span();
        let mut edits = Edits::new();
        edits.replace(span, "\"changed\"");
        let (before, rest) = source.split_at(span.range().start);
        let (_, after) = rest.split_at(span.len());
        prop_assert_eq!(edited(&tree, &edits).unwrap(), format!("{before}\"changed\"{after}"));
    }
}
