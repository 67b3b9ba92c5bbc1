//! The device code (RFC 8628): for a machine whose browser is elsewhere.

use std::time::Duration;

use bytes::Bytes;
use doorward_types::{ClientId, Secret};
use doorward_wire::{Kind, Limits, Tree};

use super::Scopes;
use crate::answer::EntraRefusal;
use crate::claims::{BadClaims, merge_claims};
use crate::form::Form;

/// How often to ask where Entra does not say (RFC 8628 section 3.2), and how much slower after `slow_down` (3.5).
const PACE: Duration = Duration::from_secs(5);
/// No code of Entra's lives longer than this.
const LONGEST: u64 = 3600;

/// What a person is shown, and what is polled with.
pub struct DeviceAnswer {
    /// What the person types. Whoever else knows it can sign in for them: it is shown, and never logged.
    pub user_code: String,
    /// Where they type it; `https`.
    pub page: String,
    /// What is polled with.
    pub device_code: Secret<String>,
    /// How long both live.
    pub expires_in: Duration,
    /// The pause between two polls.
    pub interval: Duration,
}

/// What an unsuccessful poll means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// The person is not done: go on.
    Pending,
    /// Go on, so much slower from now on.
    Slower(Duration),
    /// The person said no.
    Declined,
    /// The code is over.
    Expired,
    /// Something else is wrong, and polling on would not mend it.
    Refused,
}

/// Asks for a device code.
pub fn device_code(client_id: &ClientId, scopes: &Scopes) -> Form {
    Form::new().with("client_id", client_id.as_str()).with("scope", &scopes.asked().join(" "))
}

/// Asks whether the person is done.
///
/// # Errors
/// [`BadClaims`] if the claims of a challenge cannot be sent on.
pub fn poll(
    client_id: &ClientId,
    device_code: &Secret<String>,
    claims: Option<&str>,
) -> Result<Form, BadClaims> {
    Ok(Form::new()
        .with("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
        .with("client_id", client_id.as_str())
        .with("device_code", device_code.expose())
        .with("claims", &merge_claims(claims)?))
}

/// Reads the answer to [`device_code`]. Its `message` is not taken over: what stands on this machine's terminal is
/// written here. `None` if it is of no use.
pub fn read_device(body: Bytes) -> Option<DeviceAnswer> {
    let limits = Limits { max_bytes: 16 * 1024, max_depth: 4, max_nodes: 64 };
    let tree = Tree::parse(body, &limits).ok().filter(|tree| tree.root().kind() == Kind::Object)?;
    let text = |name: &str| Some(tree.root().get(name)?.as_str()?.into_owned());
    let secs = |name: &str| u64::try_from(tree.root().get(name)?.as_i64()?).ok();
    let user_code =
        text("user_code").filter(|code| (4..=32).contains(&code.len()) && code.bytes().all(is_typed))?;
    let page = text("verification_uri").filter(|page| {
        page.starts_with("https://") && page.len() <= 256 && page.bytes().all(|byte| byte.is_ascii_graphic())
    })?;
    let device_code = text("device_code").filter(|code| {
        (1..=8192).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
    })?;
    Some(DeviceAnswer {
        user_code,
        page,
        device_code: Secret::new(device_code),
        expires_in: Duration::from_secs(secs("expires_in").filter(|secs| *secs > 0)?.min(LONGEST)),
        interval: secs("interval").filter(|secs| (1..=60).contains(secs)).map_or(PACE, Duration::from_secs),
    })
}

/// Judges a refused poll by its word. The words are the contract; the numbers behind them are not.
pub fn judge_poll(refusal: &EntraRefusal) -> Poll {
    match refusal.error.as_deref() {
        Some("authorization_pending") => Poll::Pending,
        Some("slow_down") => Poll::Slower(PACE),
        Some("authorization_declined" | "access_denied") => Poll::Declined,
        Some("expired_token" | "code_expired") => Poll::Expired,
        _ => Poll::Refused,
    }
}

fn is_typed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_refusal;

    const GOOD: &str = r#"{"user_code":"BCD-FGH","device_code":"0.d","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"go to http://evil"}"#;

    fn read(text: &str) -> Option<DeviceAnswer> {
        read_device(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_code_that_cannot_be_shown_or_polled_is_none() {
        let good = read(GOOD).unwrap();
        assert_eq!((good.user_code.as_str(), good.interval.as_secs()), ("BCD-FGH", 5));
        for (from, to) in [
            ("BCD-FGH", "B\\u001b[2J"),
            ("https://microsoft", "http://microsoft"),
            ("https://microsoft.com/devicelogin", "https://a b"),
            ("\"0.d\"", "7"),
            ("900", "0"),
            ("\"interval\":5", "\"device_code\":\"x\""),
        ] {
            assert!(read(&GOOD.replace(from, to)).is_none(), "{to}");
        }
        assert_eq!(read(&GOOD.replace("\"interval\":5", "\"interval\":-1")).unwrap().interval, PACE);
        assert_eq!(read(&GOOD.replace("900", "999999")).unwrap().expires_in.as_secs(), LONGEST);
    }

    #[test]
    fn polls_end_when_they_must() {
        for (error, expected) in [
            ("authorization_pending", Poll::Pending),
            ("slow_down", Poll::Slower(PACE)),
            ("authorization_declined", Poll::Declined),
            ("expired_token", Poll::Expired),
            ("bad_verification_code", Poll::Refused),
            ("invalid_grant", Poll::Refused),
        ] {
            let body = format!(r#"{{"error":"{error}"}}"#);
            assert_eq!(judge_poll(&read_refusal(400, Bytes::from(body))), expected, "{error}");
        }
        assert_eq!(judge_poll(&read_refusal(502, Bytes::new())), Poll::Refused);
    }
}
