//! One question to a resolver and the answer to it (RFC 1035 section 4). Pure, strict and bounded: what asks is a command in
//! a sandbox, and only what every resolver reads alike is heard.

use std::net::Ipv4Addr;

use crate::profile::is_host_name;

/// The longest question: a header, the longest name, and what says what the asker understands (RFC 6891).
pub const MOST: usize = 512;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// The host that is asked for, in lower case.
    pub name: String,
    /// Which of its records.
    pub kind: Kind,
    /// As it was asked, to be repeated before the answer.
    asked: &'a [u8],
    id: [u8; 2],
    recursion: u8,
}

/// What is asked of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its addresses of IPv4.
    V4,
    /// Its addresses of IPv6.
    V6,
    /// Something else.
    Other,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It is there.
    Address(Ipv4Addr),
    /// The host is known, and has no such record.
    Nothing,
    /// Nobody here answers that.
    Refused,
}

const A: [u8; 2] = [0, 1];
const AAAA: [u8; 2] = [0, 28];
const INTERNET: [u8; 2] = [0, 1];
/// What says what the asker understands: of the root, with this type.
const OPTIONS: [u8; 3] = [0, 0, 41];
/// A pointer to the name in the question, which begins behind the header.
const NAME_OF_QUESTION: [u8; 2] = [0xc0, 12];

/// Reads a question.
///
/// # Errors
/// Why this is no question for one host.
pub fn parse(message: &[u8]) -> Result<Question<'_>, &'static str> {
    if message.len() > MOST {
        return Err("it is too long");
    }
    let (header, rest) = message.split_first_chunk::<12>().ok_or("it is too short")?;
    let [id @ .., flags, more, q0, q1, a0, a1, n0, n1, o0, o1] = *header;
    // A plain query, whole. Whether it wants others to be asked, and what it checks of the answer, is its own business.
    if flags & !1 != 0 || more & !0x30 != 0 {
        return Err("it is no plain question");
    }
    if [q0, q1] != [0, 1] || [a0, a1, n0, n1, o0] != [0; 5] || o1 > 1 {
        return Err("it holds something else than one question");
    }
    let (name, length) = name(rest)?;
    let (asked, behind) = rest.split_at_checked(length + 4).ok_or("it is cut")?;
    let (kind, class) = asked.get(length..).and_then(|end| end.split_at_checked(2)).ok_or("it is cut")?;
    if class != INTERNET {
        return Err("it asks of another class");
    }
    let kind = match kind {
        kind if kind == A => Kind::V4,
        kind if kind == AAAA => Kind::V6,
        _ => Kind::Other,
    };
    let whole = match (o1, behind) {
        (0, []) => true,
        // Name, type, size, flags, and a length of what follows.
        (1, [n, t0, t1, _, _, _, _, _, _, l0, l1, data @ ..]) => {
            [*n, *t0, *t1] == OPTIONS && data.len() == usize::from(u16::from_be_bytes([*l0, *l1]))
        }
        _ => false,
    };
    if !whole {
        return Err("something else follows the question");
    }
    Ok(Question { name, kind, asked, id, recursion: flags & 1 })
}

/// Reads a name, label by label; no pointer has anything to point to yet. How long it is there comes with it.
fn name(bytes: &[u8]) -> Result<(String, usize), &'static str> {
    let (mut name, mut rest, mut read) = (String::new(), bytes, 0);
    loop {
        let (length, behind) = rest.split_first().ok_or("its name is cut")?;
        let length = usize::from(*length);
        read += length + 1;
        if length == 0 {
            break;
        }
        if length > 63 || read > 254 {
            return Err("its name is malformed");
        }
        let (label, behind) = behind.split_at_checked(length).ok_or("its name is cut")?;
        // A dot inside of a label would make two of it for whoever reads the text.
        let label = std::str::from_utf8(label).ok().filter(|label| !label.contains('.'));
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&label.ok_or("its name is malformed")?.to_ascii_lowercase());
        rest = behind;
    }
    if is_host_name(&name) { Ok((name, read)) } else { Err("its name is no host's") }
}

impl Question<'_> {
    /// The message that answers.
    #[must_use]
    pub fn answer(&self, reply: Reply) -> Vec<u8> {
        let (refused, answers) = match reply {
            Reply::Address(_) => (0, 1),
            Reply::Nothing => (0, 0),
            Reply::Refused => (5, 0),
        };
        // An answer, that others may be asked, and the code.
        let head = [0x80 | self.recursion, 0x80 | refused, 0, 1, 0, answers, 0, 0, 0, 0];
        let mut message = [&self.id[..], &head, self.asked].concat();
        if let Reply::Address(address) = reply {
            message
                .extend([&NAME_OF_QUESTION[..], &A, &INTERNET, &[0; 4], &[0, 4], &address.octets()].concat());
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    }

    fn named(name: &str) -> Vec<u8> {
        [name.split('.').flat_map(label).collect::<Vec<_>>(), vec![0]].concat()
    }

    /// A question with this end: type, class, and what follows.
    fn asked(header: [u8; 10], name: &[u8], end: &[u8]) -> Vec<u8> {
        [&[7, 9], &header[..], name, end].concat()
    }

    const PLAIN: [u8; 10] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const WITH_OPTIONS: [u8; 10] = [1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1];
    const V4: [u8; 4] = [0, 1, 0, 1];

    #[test]
    fn a_question_is_heard_and_answered() {
        let message = asked(PLAIN, &named("API.example.com"), &V4);
        let question = parse(&message).unwrap();
        assert_eq!((question.name.as_str(), question.kind), ("api.example.com", Kind::V4));
        let answer = question.answer(Reply::Address(Ipv4Addr::new(127, 78, 0, 2)));
        let expected = [
            &[7, 9, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..],
            &named("API.example.com"),
            &V4,
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 78, 0, 2],
        ];
        assert_eq!(answer, expected.concat());
        let options = [&[0, 28, 0, 1, 0, 0, 41, 4, 176, 0, 0, 0, 0, 0, 2][..], &[1, 2]].concat();
        let message = asked(WITH_OPTIONS, &named("a_b.example"), &options);
        let question = parse(&message).unwrap();
        assert_eq!((question.name.as_str(), question.kind), ("a_b.example", Kind::V6));
        assert_eq!(question.answer(Reply::Nothing).get(2..8), Some(&[0x81, 0x80, 0, 1, 0, 0][..]));
        assert_eq!(question.answer(Reply::Refused).get(2..4), Some(&[0x81, 0x85][..]));
        for end in 0..message.len() {
            assert!(parse(&message[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let name = named("a.example");
        let long = named(&["a"; 128].join("."));
        for (what, message) in [
            ("an answer", asked([0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("another operation", asked([0x29, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("cut by its sender", asked([3, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("a code", asked([1, 3, 0, 1, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("no question", asked([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("two questions", asked([1, 0, 0, 2, 0, 0, 0, 0, 0, 0], &name, &V4)),
            ("with an answer", asked([1, 0, 0, 1, 0, 1, 0, 0, 0, 0], &name, &V4)),
            ("two additions", asked([1, 0, 0, 1, 0, 0, 0, 0, 0, 2], &name, &V4)),
            ("an addition that is none", asked(WITH_OPTIONS, &name, &V4)),
            ("another addition", asked(WITH_OPTIONS, &name, &[0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])),
            (
                "a long addition",
                asked(WITH_OPTIONS, &name, &[0, 1, 0, 1, 0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
            ),
            ("more behind it", asked(PLAIN, &name, &[0, 1, 0, 1, 0])),
            ("another class", asked(PLAIN, &name, &[0, 1, 0, 3])),
            ("the root", asked(PLAIN, &[0], &V4)),
            ("a pointer", asked(PLAIN, &[0xc0, 12], &V4)),
            (
                "a dot in a label",
                asked(PLAIN, &[9, b'a', b'.', b'e', b'x', b'a', b'm', b'p', b'l', b'e', 0], &V4),
            ),
            ("no host's name", asked(PLAIN, &named("a b"), &V4)),
            ("another script", asked(PLAIN, &[2, 0xc3, 0xa4, 0], &V4)),
            ("a zero byte", asked(PLAIN, &[2, b'a', 0, 0], &V4)),
            ("a long name", asked(PLAIN, &long, &V4)),
            ("too long", vec![0; MOST + 1]),
        ] {
            assert!(parse(&message).is_err(), "{what}: {:?}", parse(&message));
        }
    }
}
