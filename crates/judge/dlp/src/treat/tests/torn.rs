//! Secrets that were cut in two.

use super::*;

fn between(before: &str, after: &str) -> Option<Torn> {
    let server = ServerName::parse("files").unwrap();
    let scope = Scope { server: &server, owner: "anna" };
    let facts = Facts::new(Direction::Result, Tool::answering("read_file", None), scope);
    FINDER.with(|finder| torn(finder, before, after, &facts, &Handling::default()))
}

// control: DAT-03, D-22: A secret that two texts hold between them is found, wherever it is cut.
#[test]
fn a_secret_is_found_wherever_it_is_cut() {
    let token = Draw::new(95).github();
    for at in 1..token.len() {
        let (front, back) = token.split_at(at);
        let torn = between(&format!("the key {front}"), &format!("{back} is it")).unwrap();
        assert_eq!((torn.kind, torn.before, torn.after), ("github-token", at, token.len() - at));
        assert_eq!((torn.treatment, torn.mark()), (Treatment::Redact, "[secret:github-token]".into()));
    }
    let far = "word ".repeat(2_000);
    let (front, back) = token.split_at(9);
    assert!(between(&format!("{far}{front}"), &format!("{back} {far}")).is_some());
}

#[test]
fn what_stands_on_one_side_is_not_torn() {
    let token = Draw::new(96).github();
    assert_eq!(between(&format!("{token} "), "and more"), None);
    assert_eq!(between("and more ", &token), None);
    assert_eq!(between("", &token), None);
    assert_eq!(between("blå", "bær og ål"), None);
}

// control: DAT-03: What was put back into a call is taken out of its answer, though nothing there says what it is.
#[test]
fn what_was_put_back_is_taken_out_of_the_answer() {
    let vault = vault();
    let asked = tree(r#"{"password":"k9Zq7mX4vTe"}"#);
    let case = Case::result(Treatment::Tokenise);
    let shown = case.treat(&asked, &vault).edits.apply(&asked).unwrap();
    let shown = tree(std::str::from_utf8(&shown).unwrap());
    let server = ServerName::parse("files").unwrap();
    let scope = Scope { server: &server, owner: "anna" };
    let restored = vault.restore(shown.root(), scope);
    assert_eq!((restored.restored, restored.kept.len()), (1, 1));
    let answer = tree(r#"{"text":"no user k9Zq7mX4vTe is here"}"#);
    let facts = Facts::new(Direction::Result, Tool::answering("read_file", None), scope);
    let treated = |facts: &Facts<'_>| {
        let treated = FINDER.with(|finder| treat(finder, answer.root(), facts, &Handling::default(), &vault));
        String::from_utf8(treated.edits.apply(&answer).unwrap().to_vec()).unwrap()
    };
    assert!(treated(&facts).contains("k9Zq7mX4vTe"), "nobody would know");
    let after = treated(&Facts { kept: &restored.kept, ..facts });
    assert!(after.contains("no user [[secret:password:") && !after.contains("k9Zq7mX4vTe"), "{after}");
}

#[test]
fn what_is_beyond_the_bound_is_counted_and_left() {
    let token = Draw::new(97).github();
    let text = format!(r#"["{token}","{}","{token}"]"#, "x".repeat(100));
    let document = tree(&text);
    let server = ServerName::parse("files").unwrap();
    let scope = Scope { server: &server, owner: "anna" };
    let facts = Facts::new(Direction::Result, Tool::answering("read_file", None), scope);
    let facts = Facts { most_bytes: 90, ..facts };
    let vault = vault();
    let treated = FINDER.with(|finder| treat(finder, document.root(), &facts, &Handling::default(), &vault));
    assert_eq!((treated.unread, treated.findings.len()), (100, 2), "what fits is looked at");
    // What is left alone is not looked at at all.
    let first = [document.root().items().next().unwrap().span()];
    let facts = Facts { leave: &first, most_bytes: usize::MAX, ..facts };
    let treated = FINDER.with(|finder| treat(finder, document.root(), &facts, &Handling::default(), &vault));
    assert_eq!(treated.findings.len(), 1);
}
