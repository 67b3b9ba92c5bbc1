//! Arguments with look-alikes of placeholders in them: never panics; nothing is put back that was not kept for that
//! server; what is put back leaves JSON; a result of another server is left without any look-alike.

use bytes::Bytes;
use doorward_dlp::{
    Class, Direction, Facts, Finder, Handling, Row, Scope, Tool, Treatment, Vault, What, treat,
};
use doorward_types::{Secret, ServerName};
use doorward_wire::{Limits, Tree};

thread_local! {
    static FINDER: Finder = Finder::new();
}

const PASSWORD: &str = "k9\\Zq\"7 4mX";

pub(crate) fn run(data: &[u8]) {
    let (mine, other) =
        (ServerName::parse("mine").expect("a name"), ServerName::parse("other").expect("a name"));
    let vault = Vault::new(&Secret::new([5; 32]), 20);
    let kept = Tree::parse(Bytes::from_static(br#"{"password":"k9\\Zq\"7!4mX"}"#), &Limits::default())
        .expect("JSON");
    let handling = Handling::new(vec![Row::new(What::Class(Class::Secret), Treatment::Tokenise)]);
    let facts =
        |server| Facts::new(Direction::Result, Tool::new("read", None), Scope { server, owner: "anna" });
    let treated = FINDER.with(|finder| treat(finder, kept.root(), &facts(&mine), &handling, &vault));
    let shown = treated.edits.apply(&kept).expect("edits of the same tree");
    let shown = String::from_utf8(shown.to_vec()).expect("text");
    let placeholder = shown.split('"').nth(3).expect("a password");
    assert!(placeholder.starts_with("[[secret:password:"), "{PASSWORD} is kept as {placeholder}");

    // A zero byte in the input stands for the placeholder.
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.replace('\0', placeholder);
    let Ok(tree) = Tree::parse(Bytes::from(text.into_bytes()), &Limits::default()) else { return };
    for (server, owner) in [(&mine, "anna"), (&mine, "bo"), (&other, "anna")] {
        let restored = vault.restore(tree.root(), Scope { server, owner });
        assert!(restored.restored == 0 || server == &mine && owner == "anna");
        let after = restored.edits.apply(&tree).expect("edits of the same tree");
        assert!(Tree::parse(after, &Limits::default()).is_ok());
    }
    let hostile = FINDER.with(|finder| treat(finder, tree.root(), &facts(&other), &handling, &vault));
    if hostile.blocked {
        return;
    }
    let after = hostile.edits.apply(&tree).expect("edits of the same tree");
    let after = Tree::parse(after, &Limits::default()).expect("what is left is JSON");
    assert_eq!(vault.restore(after.root(), Scope { server: &mine, owner: "anna" }).restored, 0);
}
