//! Texts that are searched for secrets: never panics; findings are in order, apart, and on borders of characters; a text
//! around another hides nothing that has a line of its own. First byte: how many bytes are the name of the member.

use doorward_dlp::{Finder, Place};

thread_local! {
    static FINDER: Finder = Finder::new();
}

pub(crate) fn run(data: &[u8]) {
    let Some((&split, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (name, text) = text.split_at_checked(usize::from(split % 32)).unwrap_or(("", text));
    FINDER.with(|finder| {
        let field = (!name.is_empty()).then_some(name);
        let found = finder.find(text, &Place { field, ..Place::default() });
        let mut end = 0;
        for one in &found {
            assert!(one.span.start >= end && one.span.start < one.span.end, "{one:?}");
            assert!(text.get(one.span.clone()).is_some(), "{one:?} cuts a character");
            assert!(!one.kind.is_empty() && !one.why.is_empty());
            end = one.span.end;
        }
        assert_eq!(finder.find(text, &Place { field, ..Place::default() }), found);
    });
}
