//! What a caller hears of the server behind the door: of its failures, and of what it asks of them.

use doorward_wire::{Era, quote};

use super::{Asker, Challenge, Face, REFUSED, URL_ELICITATION};
use crate::ports::{Need, UpstreamFault};
use crate::rounds::CONNECT;

impl Need {
    /// What the person can do, in the form that their client understands.
    pub(super) fn face(&self, asker: &Asker<'_>) -> Face {
        match self {
            // Only a client that was given its token by Entra, and says that it hands challenges on, can meet one; any
            // other would try the same token for ever (D-16).
            Self::Claims(claims) if asker.answers_challenges => Face::challenge(
                401,
                Challenge::Claims(claims.clone()),
                "the server behind the door asks for a further step at Microsoft: sign in again",
            ),
            Self::Claims(_) => Face::error(
                403,
                REFUSED,
                "the server behind the door asks for a further step at Microsoft, such as a second factor, which this client cannot pass on: sign in anew, or use a client that answers claims challenges",
            ),
            Self::SignInAgain => Face::challenge(
                401,
                Challenge::InvalidToken,
                "the server behind the door can no longer be called on your behalf: sign in again",
            ),
            Self::Connect { url } => {
                let message = format!(
                    "this server needs your account at another service: open {url} to connect it, then try again"
                );
                let why = quote("Connect your account, so that this server can be used on your behalf.");
                let url = quote(url);
                if asker.era == Era::Modern && asker.opens_urls && asker.has_rounds {
                    Face::asked(format!(
                        r#"{{"{CONNECT}":{{"method":"elicitation/create","params":{{"mode":"url","url":{url},"message":{why}}}}}}}"#
                    ))
                } else if asker.era == Era::Legacy && asker.opens_urls {
                    let name = u128::from_be_bytes(asker.name.0);
                    let data = format!(
                        r#"{{"elicitations":[{{"mode":"url","elicitationId":"{name:032x}","url":{url},"message":{why}}}]}}"#
                    );
                    Face { data: Some(data), ..Face::error(200, URL_ELICITATION, message) }
                } else if asker.calls_tool {
                    Face::tool_error(message)
                } else {
                    Face::error(200, REFUSED, message)
                }
            }
        }
    }
}

impl UpstreamFault {
    pub(super) fn face(&self) -> Face {
        match self {
            Self::Unreachable => Face::error(200, -32603, "the server behind the door cannot be reached"),
            Self::Timeout => Face::error(200, -32603, "the server behind the door did not answer in time"),
            Self::Malformed => {
                Face::error(200, -32603, "the server behind the door gave an answer that cannot be passed on")
            }
            Self::TooLarge => {
                let what = "the server behind the door gave an answer that is too large: ask for less";
                Face::error(200, -32603, what)
            }
            Self::OverBudget => {
                Face::error(200, REFUSED, "the server behind the door says more than its answers may have")
            }
            Self::SessionLost => Face::error(404, -32001, "Session not found"),
            Self::Refused => Face::error(200, -32603, "the server behind the door refused the request"),
            Self::Ended => Face::error(200, -32603, "the server behind the door ended before it answered"),
            Self::Capped => Face::error(
                503,
                REFUSED,
                "as many copies of this server, or tasks, run as may; try again later",
            )
            .retry(60),
            Self::Unpermitted => Face::error(
                200,
                REFUSED,
                "the server behind the door asks for something that no policy lets it ask for",
            ),
            // The same words for all of them: what the list holds is the operator's business.
            Self::Unasked(_) => Face::error(
                200,
                REFUSED,
                "the server behind the door asks for something in a way that the door does not pass on",
            ),
            Self::VerbNotServed => Face::error(405, -32600, "this server does not take that verb"),
        }
    }
}
