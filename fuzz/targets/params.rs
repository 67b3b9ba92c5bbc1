//! Query strings and forms: what is read is what a second, simpler reading finds, and is written back.

use doorward_issuer::params::{Params, encode};

pub(crate) fn run(data: &[u8]) {
    let Ok(params) = Params::parse(data) else { return };
    let text = std::str::from_utf8(data).unwrap();
    let mut names = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        assert!(!names.contains(&name), "`{name}` twice");
        assert!(!value.contains(char::is_control) && name.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(params.get(&name), (!value.is_empty()).then_some(value.as_str()));
        let again = format!("x={}", encode(&value));
        assert!(Params::parse(again.as_bytes()).unwrap_or_default().get("x") == params.get(&name));
        names.push(name);
    }
    assert!(names.len() <= 64);
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let mut parts = spaced.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}
