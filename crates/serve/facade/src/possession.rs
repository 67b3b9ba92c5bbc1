//! Proofs of possession at the token endpoint (RFC 9449 section 5, D-17): a client that brings one gets a token that is
//! worth nothing without its key.

use doorward_issuer::client::Client;
use doorward_issuer::dpop::{self, DpopError};
use doorward_issuer::token::TokenError;
use http::header::{HeaderName, HeaderValue};

use crate::respond::{Answer, later};
use crate::{Asked, Facade};

/// The header of a proof (RFC 9449 section 4.1).
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header of the nonce for the next one (section 8).
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

impl Facade {
    /// Returns the key that a client proves to hold; none if it brings no proof and need not.
    pub(crate) fn proven_key(
        &self,
        asked: &Asked<'_>,
        client: &Client,
    ) -> Result<Option<String>, Box<Answer>> {
        let refuse = |error| Box::new(self.proof_refused(asked, error));
        let mut proofs = asked.request.headers().get_all(DPOP).iter();
        let proof = match (proofs.next(), proofs.next()) {
            (None, _) if client.proves_possession => return Err(refuse(DpopError::Missing)),
            (None, _) => return Ok(None),
            (Some(proof), None) => proof.to_str().map_err(|_| refuse(DpopError::Malformed))?,
            (Some(_), Some(_)) => return Err(refuse(DpopError::Several)),
        };
        let htu = format!("{}/token", self.settings.issuer);
        let proven = dpop::Asked { method: "POST", htu: &htu, token: None };
        self.parts.possession.prove(proof, &proven, asked.now).map(Some).map_err(refuse)
    }

    fn proof_refused(&self, asked: &Asked<'_>, error: DpopError) -> Answer {
        if error == DpopError::Full {
            return later(self.unavailable("too many proofs at once"), 30);
        }
        // A client that does not know the nonce yet has done nothing wrong.
        if error != DpopError::Nonce {
            self.count(asked.source, error.reason(), asked.now);
        }
        self.oauth_error(&TokenError::new(error.code(), &error.to_string()))
    }

    /// Hands out the nonce for the next proof, to whom it concerns (RFC 9449 section 8).
    pub(crate) fn with_nonce(&self, mut answer: Answer) -> Answer {
        // Of now: Entra may have been asked in between.
        let nonce = self.parts.possession.nonce((self.parts.clock)());
        answer.headers_mut().extend(HeaderValue::from_str(&nonce).map(|nonce| (DPOP_NONCE, nonce)));
        answer
    }
}
