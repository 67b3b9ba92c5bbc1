//! Whether a person can mend what Entra refuses. Only then may a window open: a sign-in page over a wrong client id, a
//! throttled tenant or a broken network would teach people to type their password whenever something fails (LOC-03).

use crate::answer::EntraRefusal;

/// What may follow a refusal of a silent request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The person signs in again; with these claims, if Entra named some.
    SignIn {
        /// The claims, as JSON.
        claims: Option<String>,
        /// Whether the refresh token is worth nothing from now on.
        over: bool,
    },
    /// Nothing that a person could do on a sign-in page.
    None,
}

/// Subcodes of `invalid_grant` that a sign-in does not mend: a message that the person must read elsewhere, a device or
/// app that must be enrolled, a token of another client's family.
const BEYOND: [&str; 3] = ["message_only", "protection_policy_required", "client_mismatch"];

/// Judges a refusal by its words.
pub fn remedy(refusal: &EntraRefusal) -> Remedy {
    let beyond = refusal.suberror.as_deref().is_some_and(|suberror| BEYOND.contains(&suberror));
    if beyond || !(refusal.is_interaction_required() || refusal.is_invalid_grant()) {
        return Remedy::None;
    }
    // Where Entra names claims the sign-in goes on and lacks a step; without them the grant itself is over.
    Remedy::SignIn {
        claims: refusal.claims.clone(),
        over: refusal.is_invalid_grant() && refusal.claims.is_none() && !is_step(refusal),
    }
}

/// Whether the sign-in lives and a step is missing (`basic_action`, `additional_action`, `consent_required`).
fn is_step(refusal: &EntraRefusal) -> bool {
    matches!(refusal.suberror.as_deref(), Some("basic_action" | "additional_action" | "consent_required"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::read_refusal;

    // control: LOC-03: a sign-in page opens where Entra asks for the person, and for no other error
    #[test]
    fn a_window_opens_only_where_a_person_helps() {
        let sign_in = |claims: Option<&str>, over| Remedy::SignIn { claims: claims.map(str::to_owned), over };
        for (status, body, expected) in [
            (
                400,
                r#"{"error":"interaction_required","error_codes":[50079],"claims":"{}"}"#,
                sign_in(Some("{}"), false),
            ),
            (400, r#"{"error":"login_required"}"#, sign_in(None, false)),
            (400, r#"{"error":"consent_required"}"#, sign_in(None, false)),
            (400, r#"{"error":"invalid_grant","error_codes":[50173]}"#, sign_in(None, true)),
            (400, r#"{"error":"invalid_grant","suberror":"bad_token"}"#, sign_in(None, true)),
            (400, r#"{"error":"invalid_grant","suberror":"token_expired"}"#, sign_in(None, true)),
            (400, r#"{"error":"invalid_grant","suberror":"consent_required"}"#, sign_in(None, false)),
            (400, r#"{"error":"invalid_grant","suberror":"message_only"}"#, Remedy::None),
            (400, r#"{"error":"invalid_grant","suberror":"client_mismatch"}"#, Remedy::None),
            (
                400,
                r#"{"error":"interaction_required","suberror":"protection_policy_required"}"#,
                Remedy::None,
            ),
            (400, r#"{"error":"unauthorized_client","error_codes":[700016]}"#, Remedy::None),
            (401, r#"{"error":"invalid_client","error_codes":[7000218]}"#, Remedy::None),
            (400, r#"{"error":"invalid_scope"}"#, Remedy::None),
            (400, r#"{"error":"access_denied"}"#, Remedy::None),
            (503, r#"{"error":"temporarily_unavailable"}"#, Remedy::None),
            (502, "<html>", Remedy::None),
        ] {
            let refusal = read_refusal(status, Bytes::from_static(body.as_bytes()));
            assert_eq!(remedy(&refusal), expected, "{body}");
        }
    }
}
