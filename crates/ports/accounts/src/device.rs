//! Signing in on another device.

use std::time::Duration;

use doorward_entra::{EntraClient, EntraError, Sleeper};
use doorward_oidc::TokenAnswer;
use doorward_oidc::public::{Poll, Scopes, judge_poll};

use crate::accounts::Screen;
use crate::error::AccountsError;

/// What a person must see to sign in on another device.
#[derive(Clone)]
pub struct Shown {
    /// The page to open there.
    pub page: String,
    /// The code to type there. Whoever else sees it could sign in with it.
    pub code: String,
    /// How long it is good.
    pub good_for: Duration,
}

/// Shows a code and polls until the person is done, says no, or is too late.
pub(crate) async fn sign_in(
    entra: &EntraClient,
    tenant: &str,
    scopes: &Scopes,
    claims: Option<&str>,
    screen: &dyn Screen,
    sleeper: &Sleeper,
) -> Result<TokenAnswer, AccountsError> {
    let begun = entra.device_code(tenant, scopes).await?;
    screen.show(&Shown { page: begun.page, code: begun.user_code, good_for: begun.expires_in });
    let (mut pause, mut passed) = (begun.interval, Duration::ZERO);
    // Entra says when the code is over; this end counts too, for a server that never does.
    while passed <= begun.expires_in {
        sleeper.sleep(pause).await;
        passed += pause;
        let refusal = match entra.poll_device(tenant, &begun.device_code, claims).await {
            Ok(answer) => return Ok(answer),
            Err(EntraError::Throttled { retry_in }) => {
                pause = pause.max(retry_in);
                continue;
            }
            // One lost answer does not end what a person is in the middle of (RFC 8628 section 3.5).
            Err(EntraError::Unreachable(_)) => {
                pause = pause.saturating_mul(2).min(Duration::from_secs(60));
                continue;
            }
            Err(EntraError::Refused(refusal)) => refusal,
            Err(error) => return Err(error.into()),
        };
        match judge_poll(&refusal) {
            Poll::Pending => {}
            Poll::Slower(more) => pause += more,
            Poll::Declined => return Err(AccountsError::Declined),
            Poll::Expired => return Err(AccountsError::TimedOut),
            Poll::Refused => return Err(EntraError::Refused(refusal).into()),
        }
    }
    Err(AccountsError::TimedOut)
}
