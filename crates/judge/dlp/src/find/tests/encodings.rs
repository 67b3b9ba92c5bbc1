//! Secrets in base64 and with percent signs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;
use crate::testing::Draw;

fn percent(text: &str, all: bool) -> String {
    text.bytes()
        .map(|byte| {
            if all || !byte.is_ascii_alphanumeric() {
                format!("%{byte:02X}")
            } else {
                char::from(byte).to_string()
            }
        })
        .collect()
}

// control: DAT-03: A secret that was put into base64 or behind percent signs is found, and so is the whole of what hides it.
#[test]
fn one_encoding_hides_nothing() {
    let mut draw = Draw::new(51);
    for _ in 0..50 {
        let plain = format!("the token is {} now", draw.github());
        for encoded in [STANDARD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)] {
            let text = format!("data: {encoded} end");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((found[0].kind, found[0].encoding), ("github-token", Some(Encoding::Base64)));
            assert_eq!(&text[found[0].span.clone()], encoded);
        }
        let token = draw.github();
        for encoded in [percent(&token, false), percent(&token, true)] {
            let text = format!("https://host/?q={encoded}&x=1");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].kind, "github-token", "{text}");
            assert_eq!(&text[found[0].span.clone()], encoded, "{text}");
        }
        let mail = format!("p%61ssword%3DWinter2024%21{}", draw.number(10));
        assert_eq!(secrets(&mail), ["password"], "{mail}");
    }
}

// control-off: DAT-03: The same texts without a look beneath the encoding hold nothing that is found.
#[test]
fn without_decoding_nothing_is_seen() {
    let token = Draw::new(52).github();
    for hidden in [STANDARD.encode(format!("token {token}")), percent(&token, true)] {
        let look = Look::new(&hidden);
        let mut found = Vec::new();
        FINDER.with(|finder| finder.plain(&look, &Place::default(), &mut found));
        assert_eq!(found, []);
    }
}

#[test]
fn armour_in_base64_is_found() {
    let key = Draw::new(53).armour("RSA PRIVATE KEY");
    assert_eq!(secrets(&format!("tls.key: {}", STANDARD.encode(key))), ["private-key"]);
}

#[test]
fn escapes_of_a_text_within_a_text_are_borders() {
    let token = Draw::new(54).github();
    for text in [
        format!("a\\n{token}\\n"),
        format!("x%3D{token}"),
        format!("a\\u003d{token}"),
        format!("\\\"{token}\\\""),
    ] {
        assert_eq!(secrets(&text), ["github-token"], "{text}");
    }
}
