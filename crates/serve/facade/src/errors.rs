//! What went wrong, in words for the person who is looking at the page. The log has the rest.

use doorward_audit::AuditError;
use doorward_entra::EntraError;
use doorward_issuer::authorize;
use doorward_oidc::{Explanation, explain};
use doorward_store::StoreError;
use http::StatusCode;

use crate::grant::{Goal, Transaction};
use crate::respond::{Answer, later, redirect};
use crate::{Asked, Facade};

impl Facade {
    /// Entra sent the browser back with an error.
    pub(crate) fn entra_refused(
        &self,
        asked: &Asked<'_>,
        transaction: &Transaction,
        error: &str,
        description: Option<&str>,
    ) -> Answer {
        self.count(asked.source, "entra-refused", asked.now);
        // The text may hold names and addresses; the number in it is all that is read.
        let code = description.and_then(doorward_oidc::aadsts);
        tracing::warn!(code, "Entra refused a sign-in");
        let back = match &transaction.goal {
            Goal::Account { .. } | Goal::Console { .. } | Goal::Approve { .. } => None,
            Goal::Client { pending, .. } => {
                let denied = matches!(error, "access_denied" | "consent_required" | "login_required");
                let name = if denied { "access_denied" } else { "server_error" };
                let words = match code {
                    Some(code) => format!("Microsoft refused the sign-in (AADSTS{code})"),
                    None => "Microsoft refused the sign-in".to_owned(),
                };
                let issuer = &self.settings.issuer;
                let state = pending.state.as_deref();
                Some(authorize::refused(&pending.redirect, name, &words, state, issuer))
            }
        };
        // Whoever said no themselves needs no page that explains it.
        if let (Some(back), "access_denied") = (&back, error)
            && code.is_none_or(|code| code == 65004)
        {
            return redirect(back);
        }
        self.explained("Microsoft refused the sign-in", code, back)
    }

    /// Entra did not give tokens for a code or a refresh token.
    pub(crate) fn entra_failed(&self, error: &EntraError) -> Answer {
        tracing::error!(%error, "Entra gives no tokens");
        match error.code() {
            Some(code) => self.explained("Microsoft refused the sign-in", Some(code), None),
            None => later(
                self.message("Microsoft does not answer")
                    .say("The door could not reach Microsoft to finish your sign-in. Try again in a minute.")
                    .answer(StatusCode::SERVICE_UNAVAILABLE),
                60,
            ),
        }
    }

    fn explained(&self, title: &str, code: Option<u32>, back: Option<String>) -> Answer {
        let mut message = self.message(title);
        match code.and_then(explain) {
            Some(Explanation { title, cause, fix, .. }) => {
                message = message.say(format!("{title}. {cause}")).say(format!("What to do: {fix}"));
            }
            None => {
                message = message.say(
                    "Microsoft did not let the sign-in through. The administrator of this door finds the reason in Entra’s sign-in log.",
                );
            }
        }
        if let Some(code) = code {
            message = message.fact("Microsoft’s code", format!("AADSTS{code}"));
        }
        if let Some(back) = back {
            message = message.link(back, "Back to the application");
        }
        message.answer(StatusCode::BAD_REQUEST)
    }

    /// What Entra sent does not prove who signed in.
    pub(crate) fn not_believed(&self, reason: &'static str) -> Answer {
        self.message("This sign-in cannot be accepted")
            .say("Microsoft’s answer does not prove who you are to this door. If you work for an organisation that may use it, tell its administrator the reason below.")
            .fact("Reason", reason)
            .answer(StatusCode::FORBIDDEN)
    }

    /// The store is away, full or not what it should be: nobody is let in on a guess.
    pub(crate) fn store_failed(&self, error: &StoreError) -> Answer {
        tracing::error!(%error, "the store refuses");
        later(self.broken("the store refuses"), 30)
    }

    /// What cannot be recorded does not happen.
    pub(crate) fn log_failed(&self, error: &AuditError) -> Answer {
        tracing::error!(%error, "the audit log cannot be written: nobody can sign in until it can");
        later(self.broken("the audit log cannot be written"), 30)
    }
}
