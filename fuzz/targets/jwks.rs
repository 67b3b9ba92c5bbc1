//! Key documents: never panics; what is taken is an RSA signing key of a name of its own, and nothing is lost count of.

use bytes::Bytes;
use doorward_oauth::{KeyLookup as _, KeySet, KeySetError, MAX_KEYS};
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let document = Bytes::copy_from_slice(data);
    match KeySet::parse(document.clone()) {
        Err(KeySetError::NotJson) => {}
        Err(error) => {
            assert!(Tree::parse(document, &Limits::default()).is_ok(), "{error} of what is no JSON");
        }
        Ok(set) => taken(&set, document),
    }
}

fn taken(set: &KeySet, document: Bytes) {
    let tree = Tree::parse(document, &Limits::default()).unwrap();
    let listed: Vec<_> = tree.root().get("keys").unwrap().items().collect();
    assert!(!set.is_empty() && listed.len() <= MAX_KEYS);
    assert_eq!(set.len() + set.skipped(), listed.len());
    assert_eq!(set.kids().count(), set.len());
    for kid in set.kids() {
        assert!(set.has(kid) && set.key(kid).is_some_and(|key| **key.kid() == *kid));
        let is = |name: &str, text: &str| {
            listed.iter().any(|key| {
                let says = |name: &str, text: &str| key.get(name).is_some_and(|value| value.is_str(text));
                says("kid", kid) && says(name, text)
            })
        };
        assert!(is("kty", "RSA") && is("use", "sig") && is("e", "AQAB"), "`{kid}` may not sign");
    }
}
