//! The name in a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3). Pure, strict and bounded: what a server
//! might read otherwise than we do is refused.

use crate::profile::is_host_name;

/// What was heard so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Not enough yet.
    More,
    /// The host that is called, in lower case.
    Name(String),
}

/// The longest hello that is read, over all of its records. The longest seen, with post-quantum keys, has two thousand bytes.
const MOST: usize = 32 * 1024;

/// Reads the server's name out of the first bytes of a TLS connection.
///
/// # Errors
/// Why this is no ClientHello that names one host.
pub fn server_name(bytes: &[u8]) -> Result<Heard, String> {
    let Some(message) = message(bytes)? else { return Ok(Heard::More) };
    let mut hello = Reader(&message);
    let name = name(&mut hello).ok_or("its ClientHello is malformed")??;
    Ok(Heard::Name(name))
}

/// Puts the handshake message together: it may come in several records, and nothing else may come before it is whole.
fn message(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut records = Reader(bytes);
    let mut message: Vec<u8> = vec![];
    loop {
        if let Some([kind, length @ ..]) = message.first_chunk::<4>() {
            let [high, middle, low] = length.map(usize::from);
            let length = high << 16 | middle << 8 | low;
            if *kind != 1 {
                return Err("its first message is no ClientHello".to_owned());
            }
            if length > MOST {
                return Err("its ClientHello is too long".to_owned());
            }
            match message.get(4..).map(<[u8]>::len) {
                // What follows in the same record would be a second message, which no client may send yet.
                Some(held) if held > length => return Err("more than a ClientHello came".to_owned()),
                Some(held) if held == length => return Ok(message.get(4..).map(<[u8]>::to_vec)),
                _ => {}
            }
        }
        let Some(header) = records.take(5) else { return Ok(None) };
        match header {
            [22, 3, _, ..] => {}
            _ => return Err("it does not speak TLS".to_owned()),
        }
        let length = header.get(3..).map(|length| Reader(length).number(2).unwrap_or(0)).unwrap_or(0);
        if length == 0 || length > 16 * 1024 {
            return Err("a record of it is empty or too long".to_owned());
        }
        let Some(record) = records.take(length) else { return Ok(None) };
        message.extend_from_slice(record);
    }
}

/// None where the message is malformed.
fn name(hello: &mut Reader<'_>) -> Option<Result<String, String>> {
    hello.take(2)?; // version
    hello.take(32)?; // random
    if hello.vector(1)?.0.len() > 32 {
        return None;
    }
    let suites = hello.vector(2)?.0.len();
    if suites == 0 || suites % 2 == 1 || hello.vector(1)?.0.is_empty() {
        return None;
    }
    if hello.0.is_empty() {
        return Some(Err("its ClientHello names no host".to_owned()));
    }
    let mut extensions = hello.vector(2)?;
    if !hello.0.is_empty() {
        return None;
    }
    let mut found = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let mut value = extensions.vector(2)?;
        if kind != 0 {
            continue;
        }
        let mut names = value.vector(2)?;
        // One list, one name, of the one kind that there is; servers differ in which of two they take.
        let kind = names.number(1)?;
        let name = names.vector(2)?.0;
        if kind != 0 || !names.0.is_empty() || !value.0.is_empty() || found.replace(name).is_some() {
            return None;
        }
    }
    let Some(name) = found else { return Some(Err("its ClientHello names no host".to_owned())) };
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    Some(if is_host_name(&name) { Ok(name) } else { Err("what its ClientHello names is no host".to_owned()) })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of up to four bytes, the highest first.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// What stands behind its own length.
    fn vector(&mut self, bytes: usize) -> Option<Self> {
        let length = self.number(bytes)?;
        self.take(length).map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(bytes: usize, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap().to_be_bytes();
        [&length[4 - bytes..], value].concat()
    }

    fn sni(names: &[(u8, &str)]) -> Vec<u8> {
        let list: Vec<u8> =
            names.iter().flat_map(|(kind, name)| [vec![*kind], sized(2, name.as_bytes())].concat()).collect();
        [vec![0, 0], sized(2, &sized(2, &list))].concat()
    }

    /// A hello with these extensions, as one handshake message.
    fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
        let body = [
            vec![3, 3],
            vec![7; 32],
            sized(1, &[9; 32]),
            sized(2, &[0x13, 1]),
            sized(1, &[0]),
            sized(2, &extensions.concat()),
        ];
        [vec![1], sized(3, &body.concat())].concat()
    }

    fn record(part: &[u8]) -> Vec<u8> {
        [vec![22, 3, 1], sized(2, part)].concat()
    }

    #[test]
    fn the_name_is_heard_however_it_is_cut() {
        let other = vec![0, 43, 0, 3, 2, 3, 4];
        let message = hello(&[other, sni(&[(0, "API.example.com")])]);
        let whole = record(&message);
        let expected = Ok(Heard::Name("api.example.com".to_owned()));
        assert_eq!(server_name(&whole), expected);
        for end in 0..whole.len() {
            assert_eq!(server_name(&whole[..end]), Ok(Heard::More), "{end}");
        }
        let in_two = [record(&message[..3]), record(&message[3..50]), record(&message[50..])].concat();
        assert_eq!(server_name(&in_two), expected);
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let good = sni(&[(0, "a.example")]);
        let long = [vec![1], sized(3, &vec![0; MOST + 1])].concat();
        for (what, bytes) in [
            ("no name", record(&hello(&[]))),
            ("two names", record(&hello(&[sni(&[(0, "a.example"), (0, "b.example")])]))),
            ("two extensions", record(&hello(&[good.clone(), good.clone()]))),
            ("another kind", record(&hello(&[sni(&[(1, "a.example")])]))),
            ("empty", record(&hello(&[sni(&[(0, "")])]))),
            ("a dot behind", record(&hello(&[sni(&[(0, "a.example.")])]))),
            ("a zero byte", record(&hello(&[sni(&[(0, "a.example\0.evil")])]))),
            ("a second message", record(&[hello(std::slice::from_ref(&good)), vec![0]].concat())),
            (
                "a longer list",
                record(&hello(&[
                    [vec![0, 0], sized(2, &[sized(2, &[0, 0, 1, b'a']), vec![0]].concat())].concat()
                ])),
            ),
            ("not a hello", record(&[2, 0, 0, 1, 0])),
            ("an alert", vec![21, 3, 1, 0, 2, 1, 0]),
            ("an empty record", vec![22, 3, 1, 0, 0]),
            ("a long record", vec![22, 3, 1, 0xff, 0xff]),
            ("SSL 2", vec![0x80, 0x2e, 1, 3, 1]),
            ("too long", record(&long[..16_000])),
            ("cut inside", record(&[1, 0, 0, 3, 3, 3, 7])),
        ] {
            assert!(server_name(&bytes).is_err(), "{what}: {:?}", server_name(&bytes));
        }
    }
}
