//! `/account/open/…`: an address that a server asks one person to open. The page shows it to them and to nobody else, so
//! that nobody has somebody else sign in for them (L-24). It never leads there by itself, and the door never looks at
//! what is there.

use std::sync::Arc;
use std::time::Duration;

use doorward_types::{Person, ServerName, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::grant::{Goal, Who};
use crate::pages::OpenPage;
use crate::respond::{Answer, FormsLead, page};
use crate::seal::{Purpose, Sealer};
use crate::tell::Told;
use crate::{Asked, Facade};

pub(crate) const OPEN: &str = "/account/open/";

/// How long a link is good: a person is at their client when they are asked.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How much of what the server says is shown, in characters.
const WORDS: usize = 240;
/// The longest page that a browser is sent back to after a sign-in: it travels in a cookie, of at most 4,096 bytes.
const CARRIED: usize = 2_500;

#[derive(Serialize, Deserialize)]
struct Visit {
    who: Who,
    server: String,
    url: String,
    message: String,
}

/// Makes addresses of these pages.
pub struct Opener {
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) issuer: String,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Opener {
    /// Returns the address of the page that shows `url` to `person`; nothing without randomness.
    pub fn address(&self, person: &Person, server: &ServerName, url: &str, message: &str) -> Option<String> {
        let visit = Visit {
            who: Who::of(person, ""),
            server: server.to_string(),
            url: url.to_owned(),
            message: message.chars().take(WORDS).collect(),
        };
        let sealed = self.sealer.seal(Purpose::Open, &visit, (self.clock)().plus(PATIENCE)).ok()?;
        Some(format!("{}{OPEN}{sealed}", self.issuer))
    }
}

impl Facade {
    /// Makes what makes addresses of pages that one person alone may open.
    pub fn opener(&self) -> Opener {
        Opener {
            sealer: Arc::clone(&self.keys.sealer),
            issuer: self.settings.issuer.clone(),
            clock: Arc::clone(&self.parts.clock),
        }
    }

    /// `GET /account/open/…`
    pub(crate) async fn open_page(&self, asked: &Asked<'_>, path: &str) -> Answer {
        let sealed = path.strip_prefix(OPEN).unwrap_or_default();
        let visit: Option<Visit> = self.keys.sealer.open(Purpose::Open, sealed, asked.now);
        let known = visit
            .and_then(|visit| Some((visit.who.person()?, ServerName::parse(&visit.server).ok()?, visit)));
        let Some((owner, server, visit)) = known else {
            self.count(asked.source, "link-invalid", asked.now);
            return self
                .message("This link does not work")
                .say("It is too old, or it was changed on its way. Try again in your application.")
                .answer(StatusCode::NOT_FOUND);
        };
        let Some(session) = self.session(asked) else {
            if path.len() <= CARRIED {
                return self.leave(asked, Goal::Account { page: path.to_owned() }, None, 0, None);
            }
            return self
                .message("Sign in first")
                .say("Sign in on your account page, then open the link once more.")
                .link("/account", "Your account")
                .answer(StatusCode::UNAUTHORIZED);
        };
        let Some(person) = session.who.person() else {
            return self.again("The sign-in could not be read.", StatusCode::BAD_REQUEST);
        };
        if person != owner {
            // Whoever sent the link on wants another's sign-in, or does not know what they do.
            self.alarm("elicitation-opened-by-another", &person, Some(&server), asked.now).await;
            return self
                .message("This was asked of somebody else")
                .say("Only the person whom a server asked may open this. If somebody sent you the link, tell the administrator of this door.")
                .say("If you have several accounts, sign out on your account page and open the link with the other one.")
                .fact("Signed in as", session.who.name.clone())
                .link("/account", "Your account")
                .answer(StatusCode::FORBIDDEN);
        }
        let told = Told { person: Some(&person), server: Some(&server), ..Told::default() };
        if let Err(error) = self.tell("elicitation-opened", told, asked.now).await {
            return self.log_failed(&error);
        }
        let template = OpenPage {
            host: &self.settings.host,
            server: &visit.server,
            name: &session.who.name,
            authority: visit
                .url
                .split(['/', '?', '#'])
                .filter(|part| !part.is_empty())
                .nth(1)
                .unwrap_or_default(),
            encrypted: visit.url.starts_with("https://"),
            url: &visit.url,
            message: &visit.message,
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }
}

#[cfg(test)]
mod tests {
    use doorward_types::{ObjectId, Secret, TenantId};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    // control: L-24: a link holds whose it is, where it leads and how long, and nobody writes or changes one
    #[test]
    fn a_link_is_the_doors_own() {
        let sealer = Arc::new(Sealer::new(&Secret::new(vec![7; 32])).unwrap());
        let opener = Opener {
            sealer: Arc::clone(&sealer),
            issuer: "https://mcp.contoso.com".into(),
            clock: Arc::new(|| NOW),
        };
        let person = Person {
            tenant: TenantId::parse("c0175050-0000-4000-8000-000000000001").unwrap(),
            object: ObjectId::parse("a11ce000-0000-4000-8000-000000000001").unwrap(),
        };
        let server = ServerName::parse("crm").unwrap();
        let url = format!("https://login.contoso.com/?state={}", "x".repeat(900));
        let link = opener.address(&person, &server, &url, &"ü".repeat(300)).unwrap();
        let sealed = link.strip_prefix("https://mcp.contoso.com/account/open/").unwrap();
        assert!(link.len() < CARRIED && !link.contains("login"), "{}", link.len());
        let visit: Visit = sealer.open(Purpose::Open, sealed, NOW).unwrap();
        assert_eq!(
            (visit.who.person(), visit.url, visit.message.chars().count()),
            (Some(person), url, WORDS)
        );
        assert!(sealer.open::<Visit>(Purpose::Open, sealed, NOW.plus(PATIENCE)).is_none(), "too late");
        for other in [Purpose::Form, Purpose::Session, Purpose::Connect, Purpose::Transaction] {
            assert!(sealer.open::<Visit>(other, sealed, NOW).is_none(), "{other:?}");
        }
        let mut changed = sealed.to_owned().into_bytes();
        changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(sealer.open::<Visit>(Purpose::Open, &changed, NOW).is_none());
    }
}
