//! What Entra and Graph answer: tokens are what a second reading finds, of a refusal no words are kept, and claims that are
//! asked for again are those that were named, beside the door's own.

use bytes::Bytes;
use doorward_oidc::{
    aadsts, claims_of_challenge, merge_claims, read_federated, read_principal, read_refusal,
    read_registration, read_tokens,
};
use doorward_wire::{Limits, Tree};

const APP: &str = "11111111-2222-3333-4444-555555555555";

pub(crate) fn run(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let tree = Tree::parse(bytes.clone(), &Limits::default()).ok();
    tokens(&bytes, tree.as_ref());
    refusal(&bytes, tree.as_ref());
    if let Ok(Some(app)) = read_registration(bytes.clone(), APP) {
        assert!(app.web_redirects.len() <= 1_000 && app.scopes.len() <= 1_000 && app.secrets.len() <= 1_000);
    }
    // What is read twice is read alike.
    assert_eq!(read_principal(bytes.clone(), APP), read_principal(bytes.clone(), APP));
    assert_eq!(read_federated(bytes.clone()), read_federated(bytes));
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = aadsts(text);
        claims(text);
        if let Some(named) = claims_of_challenge(text) {
            claims(&named);
            assert!(merge_claims(Some(&named)).is_ok(), "a challenge that cannot be sent on");
        }
    }
}

fn tokens(bytes: &Bytes, tree: Option<&Tree>) {
    let Ok(answer) = read_tokens(bytes.clone()) else { return };
    let root = tree.expect("what is taken is strict JSON").root();
    assert!(root.get("access_token").unwrap().is_str(answer.access.expose()));
    assert!(root.get("token_type").unwrap().as_str().unwrap().eq_ignore_ascii_case("bearer"));
    assert!((1..=200_000).contains(&answer.expires_in.as_secs()));
    for token in [Some(&answer.access), answer.refresh.as_ref(), answer.id.as_ref()].into_iter().flatten() {
        assert!(!token.expose().is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fn refusal(bytes: &Bytes, tree: Option<&Tree>) {
    let refusal = read_refusal(400, bytes.clone());
    assert!(refusal.codes.len() <= 8);
    for (name, word) in
        [("error", &refusal.error), ("suberror", &refusal.suberror), ("correlation_id", &refusal.correlation)]
    {
        let Some(word) = word else { continue };
        assert!(tree.expect("read from strict JSON").root().get(name).unwrap().is_str(word));
        assert!(word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_graphic()), "words of a refusal");
    }
    if let Some(named) = &refusal.claims {
        claims(named);
    }
}

/// Holds the merged claims against the named ones.
fn claims(named: &str) {
    let Ok(merged) = merge_claims(Some(named)) else { return };
    let read = |text: &str| Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap();
    let (named, merged) = (read(named), read(&merged));
    assert_eq!(merged.root().len(), 1, "only claims of access tokens are asked for");
    let asked = merged.root().get("access_token").unwrap();
    let own: Vec<_> = asked.path(&["xms_cc", "values"]).unwrap().items().collect();
    assert!(own.len() == 1 && own[0].is_str("cp1"));
    let wanted = named.root().get("access_token");
    let mut others = 0;
    for (name, value) in wanted.iter().flat_map(|wanted| wanted.members()) {
        if name != "xms_cc" {
            others += 1;
            assert_eq!(asked.get(&name).unwrap().raw(), value.raw());
        }
    }
    assert_eq!(asked.len(), others + 1);
}
