//! What Entra's token endpoint is asked for. Each form names its scopes in full: bare, Entra looks for them in Microsoft
//! Graph (AADSTS650053), and a refresh without any is refused where an application asks for itself (AADSTS90009).

use doorward_types::{ClientId, Secret};

use crate::claims::{BadClaims, merge_claims};
use crate::form::Form;

/// Parts of a form that prove who asks: a secret, or a signed assertion.
pub type ClientProof = [(&'static str, Secret<String>)];

/// Redeems a code.
///
/// # Errors
/// [`BadClaims`].
pub fn redeem(
    client_id: &ClientId,
    proof: &ClientProof,
    code: &str,
    verifier: &str,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<Form, BadClaims> {
    Ok(begin(client_id, proof, "authorization_code")
        .with("code", code)
        .with("code_verifier", verifier)
        .with("redirect_uri", redirect_uri)
        .with("scope", &scopes.join(" "))
        .with("claims", &merge_claims(None)?))
}

/// Refreshes.
///
/// # Errors
/// [`BadClaims`] if the claims of a challenge cannot be sent on.
pub fn refresh(
    client_id: &ClientId,
    proof: &ClientProof,
    token: &Secret<String>,
    scopes: &[String],
    claims: Option<&str>,
) -> Result<Form, BadClaims> {
    Ok(begin(client_id, proof, "refresh_token")
        .with("refresh_token", token.expose())
        .with("scope", &scopes.join(" "))
        .with("claims", &merge_claims(claims)?))
}

/// Exchanges the proof that a person is signed in to this door for a token for another API, on their behalf.
///
/// # Errors
/// [`BadClaims`].
pub fn on_behalf_of(
    client_id: &ClientId,
    proof: &ClientProof,
    assertion: &str,
    scope: &str,
) -> Result<Form, BadClaims> {
    Ok(begin(client_id, proof, "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .with("requested_token_use", "on_behalf_of")
        .with("assertion", assertion)
        .with("scope", scope)
        .with("claims", &merge_claims(None)?))
}

/// Asks for a token of the application's own.
pub fn client_credentials(client_id: &ClientId, proof: &ClientProof, scope: &str) -> Form {
    begin(client_id, proof, "client_credentials").with("scope", scope)
}

fn begin(client_id: &ClientId, proof: &ClientProof, grant: &str) -> Form {
    Form::new().with("grant_type", grant).with("client_id", client_id.as_str()).with_proof(proof)
}
