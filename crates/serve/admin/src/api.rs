//! `/api/…`: what commands ask and tell, with a token of Entra's that has the role and the scope for it.

use doorward_facade::web::{Answer, json};
use doorward_oauth::{Scheme, TokenError, presented, verify};
use doorward_types::Timestamp;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};

use crate::{Admin, Asked, Decider};

/// What is wrong, for programs and for the person at the terminal.
pub(crate) fn error(status: StatusCode, what: &str) -> Answer {
    json(status, serde_json::json!({ "error": what }).to_string())
}

impl Admin {
    /// Answers a command from where too many came with tokens that do not fit.
    pub fn too_often() -> Answer {
        let what = "too many bad tokens came from your network; try again in ten seconds";
        let mut answer = error(StatusCode::TOO_MANY_REQUESTS, what);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
        answer
    }

    /// Answers a command.
    pub(crate) async fn api(&self, asked: &Asked<'_>, path: &str) -> Answer {
        let decider = match self.bearer(asked).await {
            Ok(decider) => decider,
            Err(answer) => return *answer,
        };
        match (path, asked.is(&Method::GET), asked.is(&Method::POST)) {
            ("whoami", true, _) => json(
                StatusCode::OK,
                serde_json::json!({ "object": decider.person.object.as_str(), "name": decider.name })
                    .to_string(),
            ),
            (_, true, _) => self.api_show(asked, path).await,
            (_, _, true) => self.api_act(asked, &decider, path).await,
            _ => error(StatusCode::METHOD_NOT_ALLOWED, "this address takes GET and POST"),
        }
    }

    /// Finds out who it is. A cookie counts for nothing here, so that no page of another site can use this address.
    async fn bearer(&self, asked: &Asked<'_>) -> Result<Decider, Box<Answer>> {
        let line = asked.header(&AUTHORIZATION).ok_or_else(|| self.refused(asked, None))?;
        let token = match presented(line) {
            Ok((Scheme::Bearer, token)) => token,
            _ => return Err(self.refused(asked, None)),
        };
        let identity = match self.verified(token, asked.now).await {
            Ok(identity) => identity,
            Err(why) => return Err(self.refused(asked, Some(&why))),
        };
        if !(self.parts.revocations)().admits(&identity) {
            return Err(Box::new(error(StatusCode::UNAUTHORIZED, "this sign-in was revoked; sign in again")));
        }
        let name = identity.object().to_string();
        Ok(Decider { person: identity.person(), name })
    }

    async fn verified(&self, token: &str, now: Timestamp) -> Result<doorward_oauth::Identity, TokenError> {
        let keys = &self.parts.entra_keys;
        match verify(token, &*keys.current(), &self.expectation, now) {
            Err(TokenError::UnknownKid { kid }) if keys.refresh_for(&kid).await => {
                verify(token, &*keys.current(), &self.expectation, now)
            }
            verdict => verdict,
        }
    }

    fn refused(&self, asked: &Asked<'_>, why: Option<&TokenError>) -> Box<Answer> {
        let reason = why.map_or("no-token", TokenError::reason);
        if let Some(source) = asked.source {
            self.parts.audit.refused_unauthenticated(source, reason, asked.now);
        }
        // Who has the wrong rights is told which ones it needs; to all others one answer.
        let mut answer = match why.filter(|why| why.is_insufficient()) {
            Some(_) => error(
                StatusCode::FORBIDDEN,
                &format!(
                    "the console needs the app role `{}` and the scope `{}`; sign in with `doorward login` as somebody who has them",
                    self.role,
                    self.expectation.required_scope.join(" ")
                ),
            ),
            None => error(StatusCode::UNAUTHORIZED, "the console needs a token of `doorward login`"),
        };
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Box::new(answer)
    }
}
