//! What a visit still lacks.

use super::person;
use super::request::{AuthorizeRequest, Refusal};
use crate::errors::AadError;
use crate::issue;
use crate::lab::Lab;
use crate::seed::User;
use crate::store::{SignIn, Visit};

/// The page that is due.
pub(super) enum Step<'a> {
    /// Nobody is signed in. `pick` names the session that may be chosen.
    SignIn {
        pick: Option<String>,
    },
    SecondFactor {
        user: &'a User,
    },
    Consent {
        user: &'a User,
        scopes: Vec<String>,
    },
    Done {
        sign_in: SignIn,
    },
}

impl Step<'_> {
    /// Returns what a client that forbade pages is told.
    pub(super) fn silent_refusal(&self) -> Option<AadError> {
        match self {
            Self::SignIn { .. } => {
                Some(AadError::new(50_058, "A silent sign-in request was sent but no user is signed in."))
            }
            Self::SecondFactor { .. } => Some(AadError::new(
                50_076,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
            )),
            Self::Consent { .. } => Some(
                AadError::new(65_001, "The user or administrator has not consented to use the application.")
                    .with_error("interaction_required"),
            ),
            Self::Done { .. } => None,
        }
    }
}

/// Finds the step that is due.
pub(super) fn due<'a>(
    lab: &'a Lab,
    request: &AuthorizeRequest<'_>,
    visit: &Visit,
) -> Result<Step<'a>, Refusal> {
    let Some(sign_in) = &visit.sign_in else {
        let pick =
            visit.pick.as_ref().and_then(|known| lab.seed.user(&known.user)).map(|user| user.upn.clone());
        return Ok(Step::SignIn { pick });
    };
    let user = person(lab, sign_in).map_err(Refusal::Page)?;
    for target in &request.asked.targets {
        match issue::allowed(lab, user, target.app, sign_in, &request.claims) {
            Ok(()) => {}
            // A missing assignment is told to the person and not to the client.
            Err(refusal) if refusal.code == 50_105 => return Err(Refusal::Page(refusal)),
            Err(_) => return Ok(Step::SecondFactor { user }),
        }
    }
    let scopes: Vec<String> = request
        .asked
        .targets
        .iter()
        .filter(|target| {
            request.asks_consent() && !visit.consented || target.granted(lab, user, request.client).is_err()
        })
        .flat_map(|target| target.wanted().into_iter().map(|name| format!("{}: {name}", target.app.name)))
        .collect();
    if !scopes.is_empty() && lab.faults().consent_disabled(&user.tenant) {
        // Told to the person, who must ask an administrator: the client never hears of it.
        let message =
            "An administrator must grant this application permissions that you are not authorized to grant.";
        return Err(Refusal::Page(AadError::new(90_094, message)));
    }
    if scopes.is_empty() {
        Ok(Step::Done { sign_in: sign_in.clone() })
    } else {
        Ok(Step::Consent { user, scopes })
    }
}
