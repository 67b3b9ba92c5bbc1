//! Definitions: what waits, beside what was agreed to, and the decision about it. What is decided about is named by its hash,
//! so that what a server says meanwhile is not agreed to by the way.

use std::time::Duration;

use doorward_facade::web::{Answer, json, redirect};
use doorward_issuer::params::{Params, encode};
use doorward_pinboard::{Approver, Compared, Done, PinboardError, Which, write_down};
use doorward_pins::{Kind, visible};
use doorward_types::{ServerName, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::error;
use crate::entry::Session;
use crate::told::{as_json, compared_json};
use crate::{Admin, Asked, Decider};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// An approval that ends is looked at again within this time.
const MOST_DAYS: u64 = 365;
/// The longest reason, in characters.
const WORDS: usize = 500;

/// What a button is about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Meant {
    server: String,
    kind: String,
    name: String,
    hash: String,
}

impl Meant {
    pub(crate) fn of(compared: &Compared) -> Self {
        Self {
            server: compared.server.to_string(),
            kind: compared.kind.name().to_owned(),
            name: called(compared.kind, &compared.name, &compared.server),
            hash: compared.new.hash().to_string(),
        }
    }

    fn which(&self, hash: Option<String>) -> Option<Which> {
        Some(Which {
            server: Some(ServerName::parse(&self.server).ok()?),
            kind: Some(Kind::named(&self.kind)?),
            name: self.name.clone(),
            hash,
        })
    }
}

/// What was done, for the list that is shown next: sealed for the session, so that nobody's link can say it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) told: String,
}

/// What a command asks to be done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(rename = "do")]
    act: String,
    server: String,
    kind: String,
    name: String,
    hash: String,
    reason: String,
    #[serde(default)]
    expires_days: Option<u64>,
}

impl Admin {
    /// `GET /` and `GET /pin`
    pub(crate) async fn show(&self, asked: &Asked<'_>, session: &Session, path: &str) -> Answer {
        match path {
            "/" => self.home(asked, session).await,
            "/pin" => self.pin(asked, session).await,
            _ => self.told(
                StatusCode::NOT_FOUND,
                "Nothing is here",
                "The address is wrong, or what was here is decided.",
            ),
        }
    }

    /// `POST /pin`
    pub(crate) async fn act(&self, asked: &Asked<'_>, session: &Session, path: &str) -> Answer {
        if path != "/pin" {
            return self.told(StatusCode::NOT_FOUND, "Nothing is here", "This address takes no decision.");
        }
        let form = match self.form(asked) {
            Ok(form) => form,
            Err(answer) => return *answer,
        };
        let meant: Option<Meant> = self.pressed(&form, "form", session, asked.now);
        let (Some(meant), Some(decider)) = (meant, session.decider()) else {
            return self.told(
                StatusCode::BAD_REQUEST,
                "Please look once more",
                "The page was open for too long, or is not of this browser.",
            );
        };
        let days = form.get("expires").filter(|days| !days.is_empty()).map(str::parse::<u64>).transpose();
        let (act, reason, earlier) =
            (form.get("do").unwrap_or_default(), form.get("reason").unwrap_or_default(), form.get("earlier"));
        let Ok(days) = days else {
            return self.told(
                StatusCode::BAD_REQUEST,
                "Please look once more",
                "The form could not be read.",
            );
        };
        match self.decide(&decider, &meant, (act, earlier), reason, days, asked.now).await {
            Ok(done) => {
                let told = Told { told: told(&done) };
                let told = self.button(session, &told, asked.now);
                redirect(&format!("{}/?done={}", self.origin, encode(&told)))
            }
            Err(refused) => self.told(refused.0, "Nothing was decided", &refused.1),
        }
    }

    /// `GET /api/pins` and `GET /api/pins/diff`
    pub(crate) async fn api_show(&self, asked: &Asked<'_>, path: &str) -> Answer {
        match path {
            "pins" => match self.parts.pins.list(None, asked.now).await {
                Ok(listed) => json(StatusCode::OK, as_json(&listed).to_string()),
                Err(failed) => self.failed(&failed),
            },
            "pins/diff" => {
                let which = Params::parse(asked.query()).ok().and_then(|query| which(&query));
                let Some(which) = which else {
                    return error(StatusCode::BAD_REQUEST, "say which with `server`, `kind` and `name`");
                };
                match self.parts.pins.diff(&which, asked.now).await {
                    Ok(compared) => json(StatusCode::OK, compared_json(&compared).to_string()),
                    Err(failed) => self.failed(&failed),
                }
            }
            _ => error(StatusCode::NOT_FOUND, "nothing is served here"),
        }
    }

    /// `POST /api/pins`
    pub(crate) async fn api_act(&self, asked: &Asked<'_>, decider: &Decider, path: &str) -> Answer {
        if path != "pins" {
            return error(StatusCode::NOT_FOUND, "nothing is served here");
        }
        let Ok(order) = serde_json::from_slice::<Order>(asked.request.body()) else {
            return error(StatusCode::BAD_REQUEST, "the decision could not be read");
        };
        let Order { act, server, kind, name, hash, reason, expires_days } = order;
        let earlier = Some(hash.clone());
        let meant = Meant { server, kind, name, hash };
        match self.decide(decider, &meant, (&act, earlier.as_deref()), &reason, expires_days, asked.now).await
        {
            Ok(done) => json(
                StatusCode::OK,
                serde_json::json!({
                    "act": done.act.what, "server": done.server.as_str(), "kind": done.act.kind.name(),
                    "name": done.act.name, "hash": done.act.hash,
                })
                .to_string(),
            ),
            Err((status, what)) => error(status, &what),
        }
    }

    /// Does what was decided. Whoever decides is named in the pin and in the log by an id that stays.
    async fn decide(
        &self,
        decider: &Decider,
        meant: &Meant,
        (act, earlier): (&str, Option<&str>),
        reason: &str,
        days: Option<u64>,
        now: Timestamp,
    ) -> Result<Done, (StatusCode, String)> {
        let bad = |what: &str| (StatusCode::BAD_REQUEST, what.to_owned());
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > WORDS || reason.chars().any(char::is_control) {
            return Err(bad("a decision needs a reason of at most 500 characters, in one line"));
        }
        if days.is_some_and(|days| days == 0 || days > MOST_DAYS) {
            return Err(bad("an approval counts for 1 to 365 days, or for good"));
        }
        let hash = if act == "rollback" { earlier.map(str::to_owned) } else { Some(meant.hash.clone()) };
        let which =
            meant.which(hash).ok_or_else(|| bad("there is no such kind of thing, or no such server"))?;
        let by = Approver {
            id: format!("{}/{}", decider.person.tenant, decider.person.object),
            reason: reason.to_owned(),
            expires: days.map(|days| now.plus(DAY.saturating_mul(u32::try_from(days).unwrap_or(1)))),
        };
        let pins = &self.parts.pins;
        let done = match act {
            "approve" => pins.approve(&which, &by, now).await,
            "reject" => pins.reject(&which, &by, now).await,
            "rollback" => pins.roll_back(&which, &by, now).await,
            _ => return Err(bad("`do` is `approve`, `reject` or `rollback`")),
        };
        let done = done.map_err(|failed| self.why(&failed))?;
        self.record(&done, now).await;
        Ok(done)
    }

    /// Writes it into the log. What cannot be written now lies in the store beside the pin, and the door writes it later.
    async fn record(&self, done: &Done, now: Timestamp) {
        let acts = std::slice::from_ref(&done.act);
        if let Err(error) = write_down(&self.parts.audit, &done.server, acts, now).await {
            tracing::error!(server = %done.server, %error, "what was decided at the console is not in the log yet");
        } else if let Err(error) = self.parts.pins.recorded(&done.server, acts, now).await {
            tracing::warn!(server = %done.server, %error, "what was decided at the console may be in the log twice");
        }
    }

    fn failed(&self, failed: &PinboardError) -> Answer {
        let (status, what) = self.why(failed);
        error(status, &what)
    }

    /// What went wrong, for whoever may decide; what is of the store's inside goes to the log alone.
    pub(crate) fn why(&self, failed: &PinboardError) -> (StatusCode, String) {
        match failed {
            PinboardError::Store(_) | PinboardError::Spoilt { .. } | PinboardError::Record { .. } => {
                tracing::error!(error = %failed, "pins cannot be read");
                let what = "what was agreed to cannot be read; the door’s log says why";
                (StatusCode::SERVICE_UNAVAILABLE, what.to_owned())
            }
            PinboardError::Nothing(_) => (StatusCode::NOT_FOUND, failed.to_string()),
            PinboardError::Busy(_) | PinboardError::Unrecorded(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, failed.to_string())
            }
            _ => (StatusCode::CONFLICT, failed.to_string()),
        }
    }
}

/// What a person calls it: a server itself has no name of its own.
pub(crate) fn called(kind: Kind, name: &str, server: &ServerName) -> String {
    if kind == Kind::Server { server.to_string() } else { name.to_owned() }
}

pub(crate) fn which(query: &Params) -> Option<Which> {
    Some(Which {
        server: Some(ServerName::parse(query.get("server")?).ok()?),
        kind: Some(Kind::named(query.get("kind")?)?),
        name: query.get("name")?.to_owned(),
        hash: query.get("hash").map(str::to_owned),
    })
}

fn told(done: &Done) -> String {
    let what = match done.act.what {
        "pin-approved" => "Approved",
        "pin-rejected" => "Rejected",
        _ => "Went back to an earlier one",
    };
    let name = visible(&called(done.act.kind, &done.act.name, &done.server));
    format!("{what}: {} {name} of {}.", done.act.kind.name(), done.server)
}
