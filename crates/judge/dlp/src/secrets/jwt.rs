//! JSON Web Tokens, signed or encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;

/// The longest part that is looked at; tokens with many groups are long.
const LONGEST: usize = 16 << 10;
/// The signature of the token that everybody's documentation shows.
const PUBLISHED: [&str; 2] =
    ["SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ"];

/// Looks at a token whose `eyJ` stands at `at`.
pub(crate) fn jwt(look: &Look<'_>, at: usize) -> Option<Found> {
    // A token inside of another word, and every further `eyJ` of this one, is not looked at again.
    if !look.begins(at, Charset::URL64.plus(b".")) {
        return None;
    }
    let mut end = at;
    let mut parts = [0..0, 0..0, 0..0, 0..0, 0..0];
    let mut count = 0;
    for part in &mut parts {
        let length = look.run(end, Charset::URL64, LONGEST);
        *part = end..end + length;
        count += 1;
        end += length;
        if look.at(end) != b'.' || !Charset::URL64.has(look.at(end + 1)) && count < 3 {
            break;
        }
        end += 1;
    }
    let [header, _, third, _, last] = parts;
    let is_signed = count == 3 && third.len() >= 16 || count == 4 && third.len() >= 16;
    let is_sealed = count == 5 && last.len() >= 16;
    if !(is_signed || is_sealed) || !has_algorithm(look.slice(header)) {
        return None;
    }
    let end = if is_sealed { last.end } else { third.end };
    let text = look.slice(at..end);
    let published = PUBLISHED.iter().any(|signature| text.ends_with(signature)) || text.contains("your");
    (!published).then(|| {
        Found::secret("json-web-token", Confidence::Certain, at..end, "its header names an algorithm")
    })
}

fn has_algorithm(header: &str) -> bool {
    // Three of four lengths can be decoded; the rest is cut off, since only the beginning matters.
    let whole = header.get(..header.len() - header.len() % 4).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(whole).is_ok_and(|text| {
        memchr::memmem::find(&text, b"\"alg\"").is_some() || memchr::memmem::find(&text, b"\"enc\"").is_some()
    })
}
