//! No text is dear: the steps of the closer looks are counted.

use super::*;

/// The most steps a byte. Honest texts need about three.
const MOST: usize = 130;

/// Pieces that announce something and begin a closer look, over and over.
const HOSTILE: [&str; 56] = [
    "password=",
    "password: ",
    "password=\"",
    "\"password\":\"",
    "token: ",
    "secret",
    "key ",
    "api_key=a1",
    "auth=",
    "--token ",
    "name: PASSWORD\n value",
    "password                ",
    "password is is is",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "-----",
    "PuTTY-User-Key-File-2: ",
    "PuTTY-User-Key-File-2: x\nPrivate-Lines:",
    "eyJ.",
    "eyJ.eyJ.eyJ ",
    "eyJhbGciOiJ9.eyJ",
    "ewog",
    "://",
    "://a:b",
    "://a:b@",
    "a@",
    "@",
    "a.b@c.d ",
    "@tcp(",
    "a:b@tcp(",
    "1",
    "1 ",
    "1-",
    "12 34-",
    "4111 1111 1111 1111 ",
    "4111111111111111",
    "+1",
    "+4512345678",
    "(415) ",
    "GB82 ",
    "GB82",
    "%41",
    "%41 ",
    "%",
    "%%%",
    "QUFB",
    "QUFB ",
    "dG9rZW46ICBzZWNy",
    "sk-",
    "ghp_",
    "AKIA1234567890ABCDEZ ",
    "sig=",
    "sig=aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3&",
    "Q~",
    "a1Q~",
    "mr. A ",
];

#[test]
fn no_text_costs_more_than_its_length_times_a_constant() {
    let mut worst = (0, "");
    for piece in HOSTILE {
        let steps = |size: usize| {
            let text = piece.repeat(size / piece.len());
            FINDER.with(|finder| finder.find_counted(&text, &Place::default()).1) / text.len()
        };
        let (short, long) = (steps(4 << 10), steps(24 << 10));
        assert!(long <= MOST, "{piece:?}: {long} steps a byte");
        assert!(long <= short * 2 + 2, "{piece:?}: {short} steps a byte grow to {long}");
        worst = worst.max((long, piece));
    }
    assert!(worst.0 * 4 > MOST, "the bound is far from the worst: {worst:?}");
}

#[test]
fn a_megabyte_of_everything_is_within_the_bound() {
    let text: String = HOSTILE
        .into_iter()
        .cycle()
        .scan(0, |size, piece| {
            *size += piece.len();
            (*size < 1 << 20).then_some(piece)
        })
        .collect();
    let (_, steps) = FINDER.with(|finder| finder.find_counted(&text, &Place::default()));
    assert!(steps / text.len() <= MOST, "{}", steps / text.len());
}
