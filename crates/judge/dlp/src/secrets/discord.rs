//! A Discord token has no beginning of its own: a number in base64, a time and a MAC, with points between them.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::charset::{Charset, Part, exactly};
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::noise::{is_placeholder, is_random, is_wordy, variety};

/// Looks at a run of characters that may be the first part.
pub(crate) fn discord(look: &Look<'_>, run: &Range<usize>) -> Option<Found> {
    const REST: [Part; 4] =
        [Part::Text("."), exactly(Charset::URL64, 6), Part::Text("."), Part::Run(Charset::URL64, 27, 40)];
    if !(22..=28).contains(&run.len())
        || look.at(run.end) != b'.'
        || !matches!(look.at(run.start), b'M' | b'N' | b'O')
    {
        return None;
    }
    let end = look.parts(run.end, &REST)?;
    let number = look.slice(run.clone());
    let decoded = URL_SAFE_NO_PAD.decode(number.get(..number.len() / 4 * 4)?).ok()?;
    let proven = decoded.iter().all(u8::is_ascii_digit);
    let confidence = if proven { Confidence::Certain } else { Confidence::Likely };
    let text = look.slice(run.start..end);
    (proven || variety(text) == 4 && is_random(text) && !is_wordy(text) && !is_placeholder(text)).then(|| {
        Found::secret(
            "discord-token",
            confidence,
            run.start..end,
            "a number in base64, a time and a signature",
        )
    })
}
