//! `/account/console`: the way to the console, for people who decide for others. It leads through Entra, where they prove
//! anew who they are, and from there to the console's own address with a code that is good once and for a minute. What a
//! browser holds for this address is no good there, nor the other way round.

use std::time::Duration;

use doorward_issuer::params::Params;
use doorward_types::{Person, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::callback::SignedIn;
use crate::grant::{Goal, Who};
use crate::respond::{Answer, plain, redirect};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::{Asked, Facade, authorize, vault};

/// Where the way begins.
pub(crate) const CONSOLE: &str = "/account/console";

/// How long the code is good: the browser brings it at once.
const CODE: Duration = Duration::from_secs(60);
/// By how much Entra's clock may be behind ours.
const SKEW: i64 = 60;

/// Somebody who may use the console, and proved a minute ago who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub person: Person,
    /// What they are called, for pages.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct Code {
    who: Who,
    /// What makes two codes two, and is used up.
    mark: String,
    /// The browser that it was made for: another's would sit in the session of whoever sent it (CDP-04).
    way: String,
}

impl Facade {
    /// `GET /account/console`
    pub(crate) fn console(&self, asked: &Asked<'_>) -> Answer {
        let Some((origin, _)) = &self.settings.console else {
            return plain(StatusCode::NOT_FOUND, "nothing is served here");
        };
        let query = Params::parse(asked.query()).ok();
        let way = query.as_ref().and_then(|query| query.get("way")).filter(|way| is_drawn(way));
        match way {
            Some(way) => {
                let goal = Goal::Console { way: way.to_owned(), since: asked.now.as_secs() };
                self.leave(asked, goal, None, 0, None)
            }
            // The way begins at the console, which knows its browser again by it.
            None => redirect(&format!("{origin}/")),
        }
    }

    /// Leads somebody who has signed in to the console, if they may decide for others and did prove just now who they are.
    pub(crate) async fn to_console(
        &self,
        asked: &Asked<'_>,
        signed_in: &SignedIn,
        (way, since): (String, i64),
    ) -> Answer {
        let Some((origin, role)) = &self.settings.console else {
            return plain(StatusCode::NOT_FOUND, "nothing is served here");
        };
        let person = &signed_in.person;
        if !signed_in.roles.iter().any(|held| held == role) {
            self.alarm("console-without-role", person, None, asked.now).await;
            return self
                .message("The console is not for you")
                .say("Here people decide what others may use. Your account does not have the role for it.")
                .fact("Signed in as", signed_in.name.clone())
                .fact("The role", role.clone())
                .link("/account", "Your account")
                .answer(StatusCode::FORBIDDEN);
        }
        // The address that asked for it went through the browser, where it can be changed: what Entra signed counts.
        if !signed_in.proved.is_some_and(|at| is_fresh(at, since)) {
            self.count(asked.source, "console-without-fresh-sign-in", asked.now);
            return self.not_fresh(CONSOLE);
        }
        let Ok(mark) = self.draw() else { return self.broken("The operating system gives no randomness.") };
        let code = Code { who: Who::of(person, &signed_in.name), mark, way };
        let Ok(code) = self.keys.sealer.seal(Purpose::Console, &code, asked.now.plus(CODE)) else {
            return self.broken("The way to the console could not be prepared.");
        };
        let told = Told { person: Some(person), ..Told::default() };
        if let Err(error) = self.tell("console-entered", told, asked.now).await {
            return self.log_failed(&error);
        }
        redirect(&format!("{origin}/enter?code={code}"))
    }

    /// Sends somebody back who did not prove just now who they are.
    pub(crate) fn not_fresh(&self, back: &str) -> Answer {
        self.message("Prove once more who you are")
            .say("Microsoft did not say that you signed in just now, and that is needed here.")
            .say("If it says so again, the administrator has to add the optional claim `auth_time` to the ID tokens of this door’s app registration.")
            .link(back, "Try again")
            .answer(StatusCode::FORBIDDEN)
    }

    /// Says who comes to the console with a code; nobody, if it is not the door's, another browser's, too old, or used already.
    /// Another browser does not use it up.
    pub async fn admitted(&self, code: &str, way: &str, now: Timestamp) -> Option<Admitted> {
        let code: Code = self.keys.sealer.open(Purpose::Console, code, now)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(code.way.as_bytes(), way.as_bytes())) {
            return None;
        }
        let person = code.who.person()?;
        match vault::use_up(&self.parts.store, &code.mark, None, now.plus(CODE)).await {
            Ok(true) => Some(Admitted { person, name: code.who.name }),
            Ok(false) => None,
            Err(error) => {
                tracing::error!(%error, "nobody comes to the console: its codes cannot be used up");
                None
            }
        }
    }
}

/// Says whether a text is one that the console could have drawn.
fn is_drawn(text: &str) -> bool {
    text.len() == 43 && authorize::plain(text)
}

/// Says whether somebody proved who they are after they were asked to.
pub(crate) fn is_fresh(at: Timestamp, asked: i64) -> bool {
    at.as_secs() >= asked - SKEW
}
