//! The pages: plain forms that work without script, by keyboard and in a screen reader.

use axum::response::Response;
use http::StatusCode;

use super::html;
use super::request::AuthorizeRequest;
use crate::errors::{AadError, Trace};
use crate::random;
use crate::seed::User;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}label{display:block;margin-top:1rem}input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #666}button{margin:1.25rem .5rem 0 0;padding:.5rem 1.25rem;font:inherit}.alert{border-left:.25rem solid #a4262c;padding:.5rem 1rem;background:#fdf3f4}.lab{border:1px dashed #666;padding:.5rem 1rem}code{overflow-wrap:anywhere}";

/// Asks for name and password, and offers the account that is signed in already.
pub(super) fn sign_in(
    request: &AuthorizeRequest<'_>,
    visit: &str,
    pick: Option<&str>,
    complaint: Option<&AadError>,
) -> Response {
    let hint = request.login_hint.as_deref().unwrap_or_default();
    let picker = pick.map_or_else(String::new, |name| {
        form(
            visit,
            &format!(
                "<p>Signed in as <strong>{}</strong></p>{}",
                escape(name),
                button("continue", "Continue")
            ),
        )
    });
    let fields = format!(
        "{}{}{}{}",
        field("username", "Email or user name", "text", hint, "username"),
        field("password", "Password", "password", "", "current-password"),
        button("sign-in", "Sign in"),
        "<button name=\"action\" value=\"cancel\" formnovalidate>Cancel</button>",
    );
    let to = format!("<p>to continue to <strong>{}</strong></p>", escape(&request.client.name));
    page("Sign in", &format!("{to}{}{picker}{}", alert(complaint), form(visit, &fields)))
}

/// Stands for the telephone that buzzes.
pub(super) fn second_factor(request: &AuthorizeRequest<'_>, visit: &str, user: &User) -> Response {
    let text = format!(
        "<p>{} asks for a second factor for <strong>{}</strong>. In the lab this button is your telephone.</p>",
        escape(&request.client.name),
        escape(&user.upn)
    );
    let buttons = format!("{}{}", button("approve", "Approve"), button("cancel", "Deny"));
    page("Approve sign-in request", &format!("{text}{}", form(visit, &buttons)))
}

/// Asks for consent.
pub(super) fn consent(
    request: &AuthorizeRequest<'_>,
    visit: &str,
    user: &User,
    scopes: &[String],
) -> Response {
    let items: String = scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let text = format!(
        "<p><strong>{}</strong> would like, for <strong>{}</strong>:</p><ul>{items}</ul>",
        escape(&request.client.name),
        escape(&user.upn)
    );
    let buttons = format!("{}{}", button("accept", "Accept"), button("cancel", "Cancel"));
    page("Permissions requested", &format!("{text}{}", form(visit, &buttons)))
}

/// Tells the person what cannot be told to the client.
pub(super) fn error(refusal: &AadError, trace: &Trace) -> Response {
    let body = format!(
        "<p class=\"alert\" role=\"alert\">AADSTS{}: {}</p><pre>{}</pre>",
        refusal.code,
        escape(&refusal.message),
        escape(&refusal.description(trace)),
    );
    let mut response =
        with_status(StatusCode::BAD_REQUEST, "Sorry, but we’re having trouble signing you in", &body);
    trace.mark(&mut response);
    response
}

/// Posts an answer to the client; the button is for browsers without script.
pub(super) fn form_post(uri: &str, pairs: &[(&str, &str)]) -> Response {
    let nonce = random::opaque().unwrap_or_default();
    let fields: String = pairs.iter().map(|(name, value)| hidden(name, value)).collect();
    let body = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button>Continue</button></form><script nonce=\"{nonce}\">document.forms[0].submit()</script>",
        escape(uri)
    );
    html(StatusCode::OK, document("Working…", &body), Some(&nonce))
}

/// Says that the session has ended.
pub(super) fn signed_out() -> Response {
    page("You signed out of your account", "<p>It is a good idea to close all browser windows.</p>")
}

/// Wraps the body of a page.
pub(crate) fn page(title: &str, body: &str) -> Response {
    with_status(StatusCode::OK, title, body)
}

/// Wraps fields in a form of a visit.
pub(super) fn form(visit: &str, fields: &str) -> String {
    format!("<form method=\"post\" action=\"/login\">{}{fields}</form>", hidden("visit", visit))
}

pub(crate) fn field(name: &str, label: &str, kind: &str, value: &str, complete: &str) -> String {
    format!(
        "<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"{kind}\" value=\"{}\" autocomplete=\"{complete}\" required>",
        escape(value)
    )
}

pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
}

pub(crate) fn button(action: &str, label: &str) -> String {
    format!("<button name=\"action\" value=\"{action}\">{label}</button>")
}

pub(super) fn alert(complaint: Option<&AadError>) -> String {
    complaint.map_or_else(String::new, |refusal| {
        format!("<p class=\"alert\" role=\"alert\">AADSTS{}: {}</p>", refusal.code, escape(&refusal.message))
    })
}

/// Makes text harmless in HTML, in attributes too.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn with_status(status: StatusCode, title: &str, body: &str) -> Response {
    html(status, document(title, body), None)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}<p class=\"lab\">This is the Doorward lab, not Microsoft. Type no real password here.</p></main></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_attribute() {
        assert_eq!(escape("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
        assert!(!hidden("a", "\" onfocus=\"x").contains("\" onfocus"));
    }
}
