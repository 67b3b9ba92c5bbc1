//! The few forms of answer there are, each with the headers that its reader needs.

use askama::Template;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, LOCATION, PRAGMA, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};

/// An answer of the façade. All of them are small and known whole.
pub type Answer = Response<Bytes>;

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Where a page's forms may lead besides the door itself. Browsers hold the redirects that follow a form to the same
/// list, so Entra and the client's own address must be on it.
#[derive(Debug, Clone, Default)]
pub struct FormsLead {
    to: Vec<String>,
}

impl FormsLead {
    /// Adds where a URL leads: its origin, or its scheme where it is an application's own.
    #[must_use]
    pub fn to(mut self, url: &str) -> Self {
        let Some((scheme, rest)) = url.split_once("://") else { return self };
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]+".contains(&b));
        if scheme == "http" || scheme == "https" {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if plain(host) && !host.is_empty() {
                self.to.push(format!("{scheme}://{host}"));
            }
        } else if plain(scheme) {
            self.to.push(format!("{scheme}:"));
        }
        self
    }
}

/// Renders a page.
pub fn page(status: StatusCode, template: &impl Template, forms: &FormsLead) -> Answer {
    let Ok(text) = template.render() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    };
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // No script runs, nothing is loaded but the door's own style, nobody frames the page (CDP-03).
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        forms.to.join(" ")
    );
    if let Ok(policy) = HeaderValue::from_str(policy.trim_end()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    } else {
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; form-action 'self'"),
        );
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS, HeaderValue::from_static("interest-cohort=(), camera=(), microphone=()"));
    // `same-origin` and not `no-referrer`, with which browsers send `Origin: null` along with our own forms.
    guarded(&mut response, "same-origin");
    response
}

/// Sends the browser elsewhere.
pub fn redirect(to: &str) -> Answer {
    let mut response = Response::new(Bytes::new());
    let Ok(to) = HeaderValue::from_str(to) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the address could not be written");
    };
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, to);
    guarded(&mut response, "no-referrer");
    response
}

/// Answers a program: JSON that is never kept.
pub fn json(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    guarded(&mut response, "no-referrer");
    response
}

/// Answers with a document that anybody may read from anywhere, for some time.
pub(crate) fn public(text: impl Into<Bytes>, seconds: u32) -> Answer {
    let mut response = json(StatusCode::OK, text);
    let headers = response.headers_mut();
    headers.remove(PRAGMA);
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}")) {
        headers.insert(CACHE_CONTROL, value);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(RESOURCE, HeaderValue::from_static("cross-origin"));
    response
}

/// Answers with the pages' style.
pub fn style(text: &'static str) -> Answer {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    guarded(&mut response, "no-referrer");
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}

/// Answers with a line of text.
pub fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    guarded(&mut response, "no-referrer");
    response
}

/// Refuses a verb.
pub fn wrong_verb(allowed: &'static str) -> Answer {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that verb");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Asks a caller to come back.
pub(crate) fn later(mut response: Answer, seconds: u32) -> Answer {
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// Adds a cookie.
pub fn with_cookie(mut response: Answer, cookie: Option<HeaderValue>) -> Answer {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn guarded(response: &mut Answer, referrer: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(referrer));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_only_where_a_policy_can_say_so() {
        let forms = FormsLead::default()
            .to("https://login.microsoftonline.com/x")
            .to("http://127.0.0.1:4110/callback?a=b")
            .to("http://[::1]:1/")
            .to("cursor://anysphere/cb")
            .to("https://evil.example;script-src *")
            .to("javascript:alert(1)");
        assert_eq!(
            forms.to,
            ["https://login.microsoftonline.com", "http://127.0.0.1:4110", "http://[::1]:1", "cursor:"]
        );
    }
}
