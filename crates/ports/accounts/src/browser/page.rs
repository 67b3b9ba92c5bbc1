//! The few pages of the server on loopback. They hold no script, load nothing, and say nothing of who signed in or whether
//! it went well: that stands in the terminal, where the sign-in was asked for.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;

pub(super) const CLOSE: &str = "Back to the terminal: you may close this page.";
pub(super) const STOPPED: &str = "This sign-in is over. Begin again in the terminal.";
pub(super) const NOTHING: &str = "There is nothing here.";

/// Sends the browser elsewhere.
pub(super) fn sent_to(url: &str) -> Response<Full<Bytes>> {
    answer(303, Some(url), Bytes::new())
}

/// Shows a sentence.
pub(super) fn plain(status: u16, words: &'static str) -> Response<Full<Bytes>> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Doorward</title><p>{words}</p></html>\n"
    );
    answer(status, None, page.into())
}

fn answer(status: u16, location: Option<&str>, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::builder()
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
        .header("x-content-type-options", "nosniff")
        .header("cross-origin-opener-policy", "same-origin");
    if let Some(location) = location {
        response = response.header("location", location);
    }
    response.body(Full::new(body)).unwrap_or_default()
}
