//! What looks like a secret and is none: placeholders, references to where a secret lies, words, and text that is too
//! regular to be random.

use crate::charset::Charset;

/// Words that whoever writes an example puts in a secret's place, at least four letters each: by chance they hardly ever
/// stand in a random text.
const PLACEHOLDERS: [&str; 35] = [
    "xxxx",
    "example",
    "changeme",
    "change_me",
    "change-me",
    "change_this",
    "change-this",
    "your",
    "placeholder",
    "dummy",
    "redacted",
    "sample",
    "insert",
    "replace",
    "todo",
    "fake",
    "mock",
    "foobar",
    "lorem",
    "abcdef",
    "abc123",
    "123456",
    "987654",
    "0000000",
    "aaaaaa",
    "qwerty",
    "masked",
    "hidden",
    "removed",
    "test_",
    "test-",
    "_here",
    "-here",
    "...",
    "***",
];

/// Says whether a text stands for a secret and is none.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let small = text.to_ascii_lowercase();
    let told =
        PLACEHOLDERS.iter().any(|word| memchr::memmem::find(small.as_bytes(), word.as_bytes()).is_some());
    told || is_regular(small.as_bytes())
}

/// Says whether most of a text are repeats, or steps up or down the alphabet. Every secret has some of either.
fn is_regular(text: &[u8]) -> bool {
    let steps = text.windows(2).filter(|pair| match pair {
        [a, b] => a.abs_diff(*b) <= 1,
        _ => false,
    });
    text.len() >= 8 && steps.count() * 2 > text.len()
}

/// Says whether a value tells where a secret lies instead of being one: a variable, a template, a path, an address.
pub(crate) fn is_reference(value: &str) -> bool {
    const STARTS: [&str; 34] = [
        "$",
        "%",
        "{",
        "<",
        "#{",
        "@{",
        "&",
        "*",
        "/",
        "./",
        "../",
        "~/",
        "!",
        "env:",
        "env.",
        "process.",
        "os.",
        "vault:",
        "vault/",
        "secret:",
        "secrets.",
        "secret/",
        "secretref",
        "ref+",
        "arn:",
        "op://",
        "file:",
        "self.",
        "this.",
        "config.",
        "settings.",
        "http://",
        "https://",
        "@microsoft.keyvault",
    ];
    const INSIDE: [&str; 8] = ["${", "{{", "$(", "getenv", "environ", "://", "<%", "}}"];
    let small = value.to_ascii_lowercase();
    STARTS.iter().any(|start| small.starts_with(start)) || INSIDE.iter().any(|inside| small.contains(inside))
}

/// Says whether a text is made of words: letters with joints between them and perhaps a short number, as people name
/// things (`my-service-token-v2`), or letters alone.
pub(crate) fn is_wordy(text: &str) -> bool {
    let joints = ['-', '_', '.', '/', ':', ' ', '+', ',', '@'];
    text.split(joints).all(|word| {
        let (letters, digits) = word.bytes().partition::<Vec<u8>, _>(u8::is_ascii_alphabetic);
        let plain = digits.iter().all(u8::is_ascii_digit);
        let counted = word.trim_end_matches(|c: char| c.is_ascii_digit());
        plain
            && (digits.is_empty()
                || digits.len() <= 2 && counted.len() == letters.len()
                || letters.is_empty() && digits.len() <= 4)
            && (letters.len() <= 20 || word.bytes().all(|byte| byte.is_ascii_lowercase()))
    })
}

/// Shannon's entropy in tenths of a bit a character.
pub(crate) fn entropy(text: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = text.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum();
    (bits * 10.0) as u32
}

/// Says whether a text looks drawn at random, for its length: enough different characters, no order among them.
pub(crate) fn is_random(text: &str) -> bool {
    let bytes = text.as_bytes();
    // What random hexadecimal digits reach nearly always; longer texts are held to no more.
    let least = match bytes.len() {
        0..16 => 25,
        16..24 => 29,
        24..40 => 31,
        _ => 33,
    };
    entropy(bytes) >= least && !is_regular(&bytes.to_ascii_lowercase())
}

/// How many of the kinds small letter, capital letter, digit and sign occur.
pub(crate) fn variety(text: &str) -> usize {
    let kinds = [Charset::LOWER, Charset::UPPER, Charset::DIGIT];
    let signs = text.bytes().any(|byte| !Charset::ALNUM.has(byte) && byte > b' ');
    kinds.iter().filter(|kind| text.bytes().any(|byte| kind.has(byte))).count() + usize::from(signs)
}

pub(crate) fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Says whether a text is a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|byte| Charset::HEX.has(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_words_and_references_are_told_from_random_text() {
        for text in [
            "xxxxxxxxxxxx",
            "ghp_your_token_here",
            "AKIAIOSFODNN7EXAMPLE",
            "1234567890abcdef",
            "aaaabbbbccccdddd",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["my-service-token-v2", "correct horse", "Password", "a.b.c", "token_2024"] {
            assert!(is_wordy(text), "{text}");
        }
        for text in [
            "${DB_PASSWORD}",
            "$TOKEN",
            "<token>",
            "{{ secret }}",
            "process.env.KEY",
            "/run/secrets/db",
            "vault:kv/db",
        ] {
            assert!(is_reference(text), "{text}");
        }
        for text in ["k3J9vQ7zT1mXw8", "9f2c7be01d4a86f35e7c", "Tr0ub4dor&3zz"] {
            assert!(!is_placeholder(text) && !is_wordy(text) && !is_reference(text), "{text}");
        }
        assert!(is_random("9f2c7be01d4a86f35e7c0b1a2d3f4c5e") && !is_random("aaaaaaaaaaaaaaaaaaaabbbb"));
        assert!(
            is_uuid("0f8fad5b-d9cb-469f-a165-70867728950e") && !is_uuid("0f8fad5b-d9cb-469f-a165-7086772895")
        );
    }
}
