//! Redirect addresses: what is registered has one host for everybody; what matches differs in a loopback port at most.
//! Input: an address that a client registers, a zero byte, an address that somebody presents.

use doorward_issuer::authorize::{granted, refused};
use doorward_issuer::params::Params;
use doorward_issuer::redirect::{RedirectRules, RedirectUri};

const LOOPBACK: &[&str] = &["http://127.0.0.1", "http://[::1]", "http://localhost"];

pub(crate) fn run(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(halves.next().unwrap_or_default()) else { return };
    let Ok(presented) = std::str::from_utf8(halves.next().unwrap_or_default()) else { return };
    let rules = RedirectRules { schemes: vec!["cursor".to_owned(), "javascript".to_owned()] };
    let Ok(uri) = RedirectUri::register(text, &rules) else { return };
    assert_eq!(uri.as_str(), text);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['\\', '#', '*']));
    let path = text.split('?').next().unwrap();
    assert!(!path.contains("/../") && !path.contains("/./") && !path.ends_with("/.."));
    if let Some(rest) = text.strip_prefix("https://").or(text.strip_prefix("http://")) {
        let authority = rest.split(['/', '?']).next().unwrap();
        assert!(!authority.contains('@') && !authority.contains('%'));
        let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
        });
        assert_eq!(uri.host(), host);
        assert!(text.starts_with("https:") || LOOPBACK.iter().any(|base| portless(text, base).is_some()));
    } else {
        assert!(text.starts_with("cursor:") && uri.host() == "cursor:");
    }
    let same_but_port = || {
        LOOPBACK.iter().any(|base| {
            let (one, two) = (portless(text, base), portless(presented, base));
            one.is_some() && one == two
        })
    };
    assert_eq!(uri.matches(presented), presented == text || same_but_port());
    for sent in
        [granted(text, "c d", Some(presented), "i"), refused(text, "e", presented, Some(presented), "i")]
    {
        assert!(sent.starts_with(text) && sent.bytes().all(|byte| byte.is_ascii_graphic()));
        let (_, query) = sent.split_once('?').unwrap();
        // A state with a control character never came in.
        if let Ok(read) = Params::parse(query.as_bytes()) {
            assert_eq!((read.get("iss"), read.get("state").unwrap_or_default()), (Some("i"), presented));
        }
    }
}

/// Takes a port out that follows `base` directly.
fn portless(text: &str, base: &str) -> Option<String> {
    let rest = text.strip_prefix(base)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (port, tail) = rest.split_at(end);
    let good = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        });
    good.then(|| format!("{base}{tail}"))
}
