//! What looks like a secret and is none: placeholders, references to where a secret lies, words, and text that is too
//! regular to be random.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

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

/// If it could not be built, nothing is a placeholder: more is found than should be, never less.
static PLACEHOLDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(PLACEHOLDERS).ok());

/// Says whether a text stands for a secret and is none.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let told = PLACEHOLDER.as_ref().is_some_and(|words| {
        words.find_overlapping_iter(text).any(|hit| text.get(hit.range()).is_some_and(is_in_one_case))
    });
    told || is_regular(text.as_bytes())
}

/// Says whether a word is written as words are: `your`, `Your` or `YOUR`. In a random text it has any letters large.
fn is_in_one_case(word: &str) -> bool {
    let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    capitals == 0
        || capitals == letters
        || capitals == 1 && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Says whether most of a text are repeats, or steps up or down the alphabet. Every secret has some of either.
fn is_regular(text: &[u8]) -> bool {
    text.len() >= 8 && steps(text, 1) * 2 > text.len()
}

/// Says whether somebody made a text up at a keyboard: letters and digits by turns (`k7j3h4g5`), or steps up or down from
/// every other character (`x9y8z7`).
fn is_made_up(text: &[u8]) -> bool {
    let next = text.iter().skip(1);
    let turns = text.iter().zip(next).filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit()).count();
    text.len() >= 8 && (steps(text, 2) * 9 > text.len() * 5 || turns >= 12 && turns + 1 == text.len())
}

/// How often two characters so far apart are the same, or next to one another in the alphabet.
fn steps(text: &[u8], apart: usize) -> usize {
    let later = text.iter().skip(apart);
    text.iter().zip(later).filter(|(a, b)| a.eq_ignore_ascii_case(b) || a.abs_diff(**b) <= 1).count()
}

/// Says whether a value tells where a secret lies instead of being one: a variable, a template, a path, an address.
pub(crate) fn is_reference(value: &str) -> bool {
    const STARTS: [&str; 34] = [
        "$",
        "{",
        "<",
        "#{",
        "@{",
        "%(",
        "./",
        "../",
        "~/",
        "!ref",
        "!sub",
        "!vault",
        "!env",
        "!secret",
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
        "@microsoft.keyvault",
        "valuefrom",
    ];
    const INSIDE: [&str; 11] =
        ["${", "{{", "$(", "getenv", "environ", "://", "<%", "}}", "[secret:", "[personal:", "[:"];
    // `%NAME%`, `*anchor` and `&anchor` of YAML.
    let marked = value.strip_prefix(['%', '*', '&']).is_some_and(|rest| is_wordy(rest.trim_end_matches('%')));
    let small = value.to_ascii_lowercase();
    marked
        || STARTS.iter().any(|start| small.starts_with(start))
        || INSIDE.iter().any(|inside| small.contains(inside))
}

/// Says whether a text is made of words, with joints between them and perhaps a short number, as people name things
/// (`my-service-token-v2`).
pub(crate) fn is_wordy(text: &str) -> bool {
    const JOINTS: [char; 9] = ['-', '_', '.', '/', ':', ' ', '+', ',', '@'];
    text.split(JOINTS).all(|piece| {
        let word = piece.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = piece.len() - word.len();
        if word.is_empty() { digits <= 4 } else { digits <= 2 && is_word(word) }
    })
}

/// Says whether letters are a word, or words written together (`getAccessToken`, `CFStringRef`): capital letters begin
/// words, and words are longer than what stands between the capital letters of a random text.
fn is_word(letters: &str) -> bool {
    if !letters.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let capitals = letters.bytes().filter(u8::is_ascii_uppercase).count();
    let small = letters.len() - capitals;
    if capitals == 0 || small == 0 {
        return letters.len() <= 24;
    }
    let runs = letters.split(|c: char| c.is_ascii_uppercase()).filter(|run| !run.is_empty());
    let (count, shortest) =
        runs.fold((0, usize::MAX), |(count, shortest), run| (count + 1, shortest.min(run.len())));
    letters.len() < 5 || small >= count * 3 || shortest >= 2 && small * 20 >= letters.len() * 11
}

/// Rényi's entropy of the second order in tenths of a bit a character: how seldom two characters are the same. It is
/// what Shannon's is at most, and needs one logarithm.
pub(crate) fn entropy(text: &[u8]) -> u32 {
    let mut counts = [0_u32; 128];
    let mut pairs = 0_u64;
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(byte & 127)) {
            pairs += u64::from(*count);
            *count += 1;
        }
    }
    let length = text.len() as f64;
    // Without the pairs of a character with itself, so that a short text is measured as a long one is.
    let same = pairs as f64 * 2.0 / (length * (length - 1.0));
    // A text without any pair is as random as its length can show.
    let same = same.max(1.0 / (length * length));
    if text.len() < 2 { 0 } else { (-same.log2() * 10.0) as u32 }
}

/// Says whether a text looks drawn at random: enough different characters, no order among them.
pub(crate) fn is_random(text: &str) -> bool {
    // Random hexadecimal digits have 40, and hardly ever less than this.
    let least = if text.len() < 24 { 28 } else { 32 };
    entropy(text.as_bytes()) >= least && !is_regular(text.as_bytes()) && !is_made_up(text.as_bytes())
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
        for text in ["${DB_PASSWORD}", "$TOKEN", "<token>", "{{ secret }}", "process.env.KEY", "vault:kv/db"]
        {
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
