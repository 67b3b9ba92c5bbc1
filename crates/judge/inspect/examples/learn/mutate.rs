//! Disguises: each hides the planted words in a definition from a plain search, and a model still reads them.

use std::fmt::Write as _;

use doorward_wire::quote;

/// A disguise: its name, and what it makes of the planted text.
pub(crate) type Disguise = (&'static str, fn(&str) -> String);

/// Those that hide words from people or searches altogether, and those that only change how they are written.
pub(crate) const DISGUISES: [Disguise; 20] = [
    ("zero-width", |text| between_letters(text, "\u{200b}")),
    ("soft hyphens", |text| between_letters(text, "\u{ad}")),
    ("variation selectors", |text| between_letters(text, "\u{fe01}")),
    ("look-alike letters", |text| text.chars().map(look).collect()),
    ("wide letters", |text| text.chars().map(|c| shifted(c, 0xFF41, 0xFF21)).collect()),
    ("mathematical letters", |text| text.chars().map(|c| shifted(c, 0x1D41A, 0x1D400)).collect()),
    ("accents", |text| between_letters(text, "\u{301}")),
    ("digits for letters", |text| text.chars().map(leet).collect()),
    ("letters set apart", |text| text.split(' ').map(apart).collect::<Vec<_>>().join("  ")),
    ("mixed case", |text| {
        text.chars()
            .enumerate()
            .map(|(n, c)| if n % 2 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect()
    }),
    ("tag characters", |text| {
        text.chars().filter_map(|c| char::from_u32(0xE0000 + u32::from(c)).filter(|_| c.is_ascii())).collect()
    }),
    ("HTML comment", |text| format!("<!-- {text} -->")),
    ("unseen element", |text| format!("<span style=\"display:none\">{text}</span>")),
    ("split by markup", |text| text.split(' ').map(split).collect::<Vec<_>>().join(" ")),
    ("entities", |text| {
        text.chars().fold(String::new(), |mut out, c| {
            let _infallible = write!(out, "&#{};", u32::from(c));
            out
        })
    }),
    ("base64", |text| base64(text.as_bytes())),
    ("hexadecimal", |text| hex(text, "")),
    ("percent escapes", |text| hex(text, "%")),
    ("rot13", |text| text.chars().map(turned).collect()),
    ("reversed", |text| text.chars().rev().collect()),
];

/// What also hides, in which the words stay as they are.
pub(crate) const COVERS: [Disguise; 4] = [
    ("terminal sequences", |text| format!("\u{1b}[8m{text}\u{1b}[0m")),
    ("direction turned", |text| format!("\u{202e}{}\u{202c}", text.chars().rev().collect::<String>())),
    ("blanks", |text| format!("{}{text}", " ".repeat(200))),
    ("JSON in a string", |text| format!("{{\"note\": {}}}", quote(&quote(text)))),
];

/// Puts the disguised text in the place of the planted one, in a definition as JSON.
pub(crate) fn replace(definition: &str, planted: &str, disguised: &str) -> Option<String> {
    let inner = |text: &str| {
        let quoted = quote(text);
        quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
    };
    let (from, to) = (inner(planted), inner(disguised));
    let found = if definition.contains(&from) { from } else { ascii(planted) };
    definition.contains(&found).then(|| definition.replacen(&found, &to, 1))
}

/// As writers of JSON escape what is not ASCII.
fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _infallible = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out
}

fn between_letters(text: &str, sign: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n % 2 == 1 && c.is_ascii_alphabetic() && out.ends_with(|c: char| c.is_ascii_alphabetic()) {
            out.push_str(sign);
        }
        out.push(c);
    }
    out
}

fn look(c: char) -> char {
    match c {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'c' => 'с',
        'i' => 'і',
        'p' => 'р',
        'x' => 'х',
        _ => c,
    }
}

fn leet(c: char) -> char {
    match c {
        'e' => '3',
        'o' => '0',
        'a' => '4',
        'i' => '1',
        _ => c,
    }
}

fn shifted(c: char, small: u32, large: u32) -> char {
    match c {
        'a'..='z' => char::from_u32(small + u32::from(c) - 97).unwrap_or(c),
        'A'..='Z' => char::from_u32(large + u32::from(c) - 65).unwrap_or(c),
        _ => c,
    }
}

fn turned(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        _ => c,
    }
}

fn apart(word: &str) -> String {
    word.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

fn split(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().filter(char::is_ascii_alphabetic);
    match first {
        Some(first) if chars.as_str().starts_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("{first}<b></b>{}", chars.as_str())
        }
        _ => word.to_owned(),
    }
}

fn hex(text: &str, before: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        let _infallible = write!(out, "{before}{b:02x}");
        out
    })
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().fold(0_u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sign = char::from(SIGNS[(all >> (18 - 6 * place) & 63) as usize]);
            out.push(if place <= chunk.len() { sign } else { '=' });
        }
    }
    out
}
