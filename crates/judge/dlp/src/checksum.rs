//! The check digits that some secrets and numbers carry.

/// CRC-32 as in zip files. A token is short; a table would cost more than it saves.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let carry = if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
            crc >> 1 ^ carry
        })
    })
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The six digits to the base 62 that GitHub and npm put at the end of their tokens: the CRC of what stands before them,
/// without the token's beginning.
pub(crate) fn base62_crc(body: &[u8]) -> [u8; 6] {
    let mut rest = crc32(body);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// Says whether a token like GitHub's ends in the check digits of its 30 characters.
pub(crate) fn forge_token(token: &str) -> bool {
    let body = token.split_once('_').map_or("", |(_, body)| body).as_bytes();
    body.split_last_chunk::<6>()
        .is_some_and(|(random, check)| random.len() == 30 && base62_crc(random) == *check)
}

/// Where the four bytes of the checksum lie in the 32 of an Azure DevOps token, lowest first.
pub(crate) const DEVOPS_CHECK: [usize; 4] = [22, 8, 7, 2];
/// What the checksum is mixed with: tokens of people and of applications.
pub(crate) const DEVOPS_SEEDS: [u32; 2] = [0xE0B9_692D, 0x1019_F92E];

/// Says whether 52 characters of base32 are an Azure DevOps token of the older form, which has no beginning of its own.
pub(crate) fn devops_token(token: &str) -> bool {
    let Some(bytes) = base32(token).filter(|bytes| bytes.len() == 32) else { return false };
    let check = DEVOPS_CHECK.map(|at| bytes.get(at).copied().unwrap_or(0));
    let rest: Vec<u8> = bytes
        .iter()
        .enumerate()
        .filter(|(at, _)| !DEVOPS_CHECK.contains(at))
        .map(|(_, byte)| *byte)
        .collect();
    DEVOPS_SEEDS.contains(&(crc32(&rest) ^ u32::from_le_bytes(check)))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::with_capacity(32));
    for byte in text.bytes() {
        let value = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// Luhn's check of card numbers; `digits` are values from 0 to 9.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let doubled = u32::from(*digit) * if at % 2 == 1 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// ISO 7064's check of an IBAN, which is handed in without spaces, in capital letters.
pub(crate) fn iban(text: &[u8]) -> bool {
    let (Some(head), Some(tail)) = (text.get(..4), text.get(4..)) else { return false };
    let rest = tail.iter().chain(head).try_fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    });
    rest == Some(1)
}

/// The check of Danish personal numbers. Since 2007 numbers are given out that fail it, so it proves but never refutes.
pub(crate) fn cpr(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    digits.len() == 10 && sum.is_multiple_of(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_agree_with_published_examples() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(iban(b"GB82WEST12345698765432"));
        assert!(!iban(b"GB82WEST12345698765423"));
        assert!(luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(!luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 3, 1]));
        assert!(!luhn(&[0; 16]));
        assert!(cpr(&[0, 7, 0, 7, 6, 1, 4, 2, 8, 5]));
        assert!(!cpr(&[0, 7, 0, 7, 6, 1, 4, 2, 8, 6]));
        assert_eq!(base32("mfrggzdf").unwrap(), b"abcde");
    }
}
