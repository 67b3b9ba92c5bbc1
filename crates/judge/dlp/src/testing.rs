//! What the tests share: secrets that are made when a test runs. None stands in the sources, where scanners of others
//! would find it.

#![expect(clippy::string_slice, reason = "a cut in the wrong place is a failed test")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::charset::{Charset, Part};
use crate::checksum;
use crate::rules::Rule;

/// Draws characters; the same seed draws the same ones.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn number(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % below
    }

    pub(crate) fn of(&mut self, set: Charset, count: usize) -> String {
        let all: Vec<char> = (0..128_u8).filter(|byte| set.has(*byte)).map(char::from).collect();
        (0..count).map(|_| all[self.number(all.len())]).collect()
    }

    pub(crate) fn token(&mut self, count: usize) -> String {
        self.of(Charset::ALNUM, count)
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        self.of(Charset::DIGIT.plus(b"abcdef"), count)
    }

    fn parts(&mut self, parts: &[Part]) -> String {
        let piece = |draw: &mut Self, part: &Part| match *part {
            Part::Text(text) => text.to_owned(),
            // A letter at each end: what ends in a sign is told apart from what follows it by that sign.
            Part::Run(set, least, _) if set.has(b'b') && least > 2 => {
                format!("b{}c", draw.of(set, usize::from(least) - 2))
            }
            Part::Run(set, least, _) => draw.of(set, usize::from(least)),
        };
        parts.iter().map(|part| piece(self, part)).collect()
    }

    /// A secret of the rule's shape.
    pub(crate) fn secret(&mut self, rule: &Rule, anchor: &str) -> String {
        let head = self.parts(rule.head);
        if rule.proof.is_some() {
            let random = self.token(30);
            let check = checksum::base62_crc(random.as_bytes());
            return format!("{anchor}{random}{}", std::str::from_utf8(&check).unwrap());
        }
        format!("{head}{anchor}{}", self.parts(rule.tail))
    }

    pub(crate) fn github(&mut self) -> String {
        let random = self.token(30);
        format!("ghp_{random}{}", std::str::from_utf8(&checksum::base62_crc(random.as_bytes())).unwrap())
    }

    pub(crate) fn jwt(&mut self) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{}"}}"#, self.hex(12)));
        format!("{header}.{claims}.{}", self.of(Charset::URL64, 43))
    }

    pub(crate) fn armour(&mut self, name: &str) -> String {
        let lines: Vec<String> = (0..4).map(|_| self.of(Charset::BASE64, 64)).collect();
        format!("-----BEGIN {name}-----\n{}\n-----END {name}-----", lines.join("\n"))
    }

    /// A card's number that begins so and is that long.
    pub(crate) fn card(&mut self, begins: &str, length: usize) -> String {
        let body = format!("{begins}{}", self.of(Charset::DIGIT, length - begins.len() - 1));
        let digits: Vec<u8> = body.bytes().map(|byte| byte - b'0').collect();
        let check = (0..10).find(|check| checksum::luhn(&[digits.as_slice(), &[*check]].concat())).unwrap();
        format!("{body}{check}")
    }

    /// An IBAN of the country, whose own part is digits.
    pub(crate) fn iban(&mut self, country: &str, length: usize) -> String {
        let own = self.of(Charset::DIGIT, length - 4);
        let check =
            (2..99).find(|check| checksum::iban(format!("{country}{check:02}{own}").as_bytes())).unwrap();
        format!("{country}{check:02}{own}")
    }

    /// A Danish personal number of that date, whose check digit is right.
    pub(crate) fn cpr(&mut self, date: &str) -> String {
        loop {
            let number = format!("{date}{}", self.of(Charset::DIGIT, 4));
            let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
            if checksum::cpr(&digits) {
                return format!("{}-{}", &number[..6], &number[6..]);
            }
        }
    }
}
