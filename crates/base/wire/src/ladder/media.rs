//! `Content-Type` and `Accept`.

use crate::ladder::LadderError;

/// A body is JSON in UTF-8, and says so. A page in a browser can post `text/plain` across origins without asking; it cannot
/// post `application/json`.
pub(super) fn check_content_type(
    content_type: Option<&[u8]>,
    duplicated: Option<&'static str>,
) -> Result<(), LadderError> {
    let refuse = |reason| LadderError::media(400, true, "Content-Type must be application/json", reason);
    if duplicated == Some("content-type") {
        return Err(refuse("content-type-duplicated"));
    }
    let Some(raw) = content_type else { return Err(refuse("content-type-missing")) };
    let text = std::str::from_utf8(raw).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json") {
        return Err(refuse("content-type-not-json"));
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let charset = name.trim().eq_ignore_ascii_case("charset");
        if charset && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") {
            return Err(refuse("content-type-charset"));
        }
    }
    Ok(())
}

/// The door chooses between JSON and a stream when it answers, so the client must take every kind named. No header means
/// anything (RFC 9110 section 12.5.1).
pub(super) fn check_accept(accept: Option<&[u8]>, kinds: &[&str]) -> Result<(), LadderError> {
    let Some(raw) = accept else { return Ok(()) };
    let list = std::str::from_utf8(raw).unwrap_or_default();
    if kinds.iter().all(|kind| accepts(list, kind)) {
        return Ok(());
    }
    let message = "Accept must include application/json and text/event-stream";
    Err(LadderError::media(406, false, message, "accept"))
}

/// Says whether the most specific range that covers `kind` has a weight above zero.
fn accepts(list: &str, kind: &str) -> bool {
    let family = kind.split('/').next().unwrap_or_default();
    let mut best = (0, false);
    for entry in list.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let specific = if range.eq_ignore_ascii_case(kind) {
            3
        } else if range.strip_suffix("/*").is_some_and(|prefix| prefix.eq_ignore_ascii_case(family)) {
            2
        } else if range == "*/*" {
            1
        } else {
            continue;
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted =
            weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if specific > best.0 {
            best = (specific, wanted);
        }
    }
    best.1
}
