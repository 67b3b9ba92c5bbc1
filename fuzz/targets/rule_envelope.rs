//! Envelopes of bundles. Nobody passes unsigned; what passes holds the text that was signed, whatever else was changed.

use std::sync::LazyLock;

use doorward_audit::SigningKey;
use doorward_rulebook::{open, peek, seal};

/// A key of this run, in a folder of its own.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("doorward-fuzz-{}", std::process::id()));
    let key = SigningKey::load(&folder.join("rules.pem"), true);
    let _gone = std::fs::remove_dir_all(&folder);
    key.unwrap_or_else(|error| panic!("{error}"))
});

pub(crate) fn run(data: &[u8]) {
    let keys = [*KEY.public()];
    assert!(open(data, &keys).is_err(), "nobody signed it");
    let _text = peek(data);
    // The first bytes say where an envelope that is signed is changed, the rest is its text.
    let Some(([at, bits], text)) = data.split_first_chunk::<2>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut sealed = seal(text, &KEY).into_bytes();
    let length = sealed.len();
    if let Some(byte) = sealed.get_mut(usize::from(*at) * length / 256) {
        *byte ^= bits;
    }
    if let Ok((opened, id)) = open(&sealed, &keys) {
        assert_eq!((opened.as_str(), id), (text, keys[0].id()));
    }
}
