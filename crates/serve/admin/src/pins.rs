//! Definitions: what waits, beside what was agreed to, and the decision about it. What is decided about is named by its hash,
//! so that what a server says meanwhile is not agreed to by the way.

use std::time::Duration;

use doorward_facade::web::{Answer, FormsLead, json, page, redirect};
use doorward_issuer::params::{Params, encode};
use doorward_pinboard::{Approver, Compared, Done, Listed, PinboardError, Waiting, Which};
use doorward_pins::{Drift, Field, Kind, Segment, Stand, visible};
use doorward_types::{ServerName, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::error;
use crate::entry::Session;
use crate::pages::{FieldLine, HomePage, Line, PinPage, Stretch};
use crate::{Admin, Asked, Decider};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// An approval that ends is looked at again within this time.
const MOST_DAYS: u64 = 365;
/// The longest reason, in characters.
const WORDS: usize = 500;

/// What a button is about.
#[derive(Debug, Serialize, Deserialize)]
struct Meant {
    server: String,
    kind: String,
    name: String,
    hash: String,
}

impl Meant {
    fn of(compared: &Compared) -> Self {
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
            "/" => self.home(asked, session, None).await,
            "/pin" => self.pin(asked, session, None).await,
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
        let meant: Option<Meant> = self.pressed(&form, session, asked.now);
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
            Ok(_) => redirect(&format!("{}/", self.origin)),
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
        done.map_err(|failed| self.why(&failed))
    }

    async fn home(&self, asked: &Asked<'_>, session: &Session, done: Option<&str>) -> Answer {
        let listed = match self.parts.pins.list(None, asked.now).await {
            Ok(listed) => listed,
            Err(failed) => {
                let (status, what) = self.why(&failed);
                return self.told(status, "The console has a problem", &what);
            }
        };
        let (mut waiting, mut reworded, mut agreed) = (Vec::new(), Vec::new(), Vec::new());
        for one in &listed {
            for held in &one.waiting {
                let line = Line {
                    why: held.why.clone(),
                    when: minute(held.seen),
                    ..line(one, Some(&held.definition.hash().to_string()))
                };
                if held.passes() { reworded.push(line) } else { waiting.push(line) }
            }
            if let Some((_, stand)) = &one.pin {
                agreed.push(Line { why: stands(*stand).to_owned(), ..line(one, None) });
            }
        }
        let calls = match self.calls(asked.now).await {
            Ok(calls) => calls,
            Err(error) => return self.broken(&error),
        };
        let template = HomePage {
            calls,
            host: &self.host,
            name: &session.name,
            done,
            waiting,
            reworded,
            agreed,
            sign_out: self.button(session, &"sign-out", asked.now),
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }

    /// Calls that wait. They are answered at the door, after another fresh sign-in.
    async fn calls(&self, now: Timestamp) -> Result<Vec<Line>, String> {
        let Some(approvals) = &self.parts.approvals else { return Ok(Vec::new()) };
        let waiting = approvals.pending(now).await.map_err(|error| error.to_string())?;
        let line = |question: &doorward_approvals::Question| Line {
            kind: "call",
            name: visible(&question.name),
            server: question.server.clone(),
            why: format!("until {}", minute(question.expires)),
            when: minute(question.asked),
            link: approvals.url(&question.reference),
        };
        Ok(waiting.iter().map(line).collect())
    }

    async fn pin(&self, asked: &Asked<'_>, session: &Session, problem: Option<&str>) -> Answer {
        let which = Params::parse(asked.query()).ok().and_then(|query| which(&query));
        let compared = match which {
            Some(which) => self.parts.pins.diff(&which, asked.now).await,
            None => Err(PinboardError::Nothing(String::new())),
        };
        let compared = match compared {
            Ok(compared) => compared,
            Err(failed) => {
                let (status, what) = self.why(&failed);
                return self.told(status, "Nothing is here", &what);
            }
        };
        let (reasons, diff) = match &compared.drift {
            Drift::Meaning(changes) | Drift::Wording(changes) => {
                let reasons = changes.reasons.iter();
                let reasons =
                    reasons.map(|reason| (reason.pointer.clone(), reason.why.to_string())).collect();
                (reasons, changes.diff.short())
            }
            Drift::Same | Drift::Cosmetic => (Vec::new(), doorward_pins::Diff::default()),
        };
        let pinned = compared.pin.as_ref();
        let stand = match (&compared.waiting, pinned) {
            (Some(held), _) => held.why.clone(),
            (None, Some(pin)) => stands(pin.stand(asked.now)).to_owned(),
            (None, None) => String::new(),
        };
        let refused = pinned.is_some_and(|pin| pin.stand(asked.now) == Stand::Rejected);
        let template = PinPage {
            host: &self.host,
            kind: compared.kind.name(),
            name: visible(&called(compared.kind, &compared.name, &compared.server)),
            server: compared.server.to_string(),
            problem,
            stand,
            reasons,
            fields: diff.fields.iter().map(field).collect(),
            fields_cut: diff.fields_cut(),
            whole: whole(compared.new.canonical()),
            hash: compared.new.hash().to_string(),
            is_new: compared.old.is_none(),
            can_approve: compared.waiting.is_some()
                || pinned.is_some_and(|pin| pin.stand(asked.now) != Stand::Approved),
            can_reject: compared.waiting.is_some() || !refused,
            earlier: pinned
                .filter(|_| compared.waiting.is_none())
                .iter()
                .flat_map(|pin| pin.earlier())
                .map(|version| (version.definition.hash().to_string(), minute(version.decision.at)))
                .collect(),
            form: self.button(session, &Meant::of(&compared), asked.now),
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }

    fn failed(&self, failed: &PinboardError) -> Answer {
        let (status, what) = self.why(failed);
        error(status, &what)
    }

    /// What went wrong, for whoever may decide; what is of the store's inside goes to the log alone.
    fn why(&self, failed: &PinboardError) -> (StatusCode, String) {
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
fn called(kind: Kind, name: &str, server: &ServerName) -> String {
    if kind == Kind::Server { server.to_string() } else { name.to_owned() }
}

fn which(query: &Params) -> Option<Which> {
    Some(Which {
        server: Some(ServerName::parse(query.get("server")?).ok()?),
        kind: Some(Kind::named(query.get("kind")?)?),
        name: query.get("name")?.to_owned(),
        hash: query.get("hash").map(str::to_owned),
    })
}

fn line(one: &Listed, hash: Option<&str>) -> Line {
    let name = called(one.kind, &one.name, &one.server);
    let mut link = format!("/pin?server={}&kind={}&name={}", one.server, one.kind.name(), encode(&name));
    if let Some(hash) = hash {
        link.push_str(&format!("&hash={}", encode(hash)));
    }
    let server = one.server.to_string();
    Line {
        kind: one.kind.name(),
        name: visible(&name),
        server,
        why: String::new(),
        when: String::new(),
        link,
    }
}

fn stands(stand: Stand) -> &'static str {
    match stand {
        Stand::FirstUse => "taken at first use; nobody has looked",
        Stand::Approved => "approved",
        Stand::Expired => "its approval has ended",
        Stand::Rejected => "rejected",
    }
}

fn field(field: &Field) -> FieldLine {
    let stretch = |segment: &Segment| match segment {
        Segment::Same(text) => Stretch { what: "same", text: text.clone() },
        Segment::Added(text) => Stretch { what: "added", text: text.clone() },
        Segment::Removed(text) => Stretch { what: "removed", text: text.clone() },
        Segment::Cut(count) => Stretch { what: "cut", text: format!(" … {count} characters … ") },
    };
    FieldLine { pointer: field.pointer.clone(), stretches: field.segments.iter().map(stretch).collect() }
}

/// A definition on lines of its own, for the eye; each string of it made visible.
fn whole(canonical: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(canonical).unwrap_or_default();
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

fn minute(time: Timestamp) -> String {
    let text: String = time.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

fn waiting_json(held: &Waiting) -> serde_json::Value {
    serde_json::json!({
        "what": held.what, "why": held.why, "seen": held.seen.to_string(), "hash": held.definition.hash().to_string(),
        "passes": held.passes(),
    })
}

fn as_json(listed: &[Listed]) -> serde_json::Value {
    let one = |one: &Listed| {
        let pin = one.pin.as_ref().map(|(pin, stand)| {
            let decision = &pin.current().decision;
            serde_json::json!({
                "hash": pin.current().definition.hash().to_string(), "stand": stands(*stand), "by": decision.by,
                "at": decision.at.to_string(), "reason": decision.reason,
                "expires": decision.expires.map(|at| at.to_string()),
            })
        });
        serde_json::json!({
            "server": one.server.as_str(), "kind": one.kind.name(), "name": called(one.kind, &one.name, &one.server),
            "pin": pin, "waiting": one.waiting.iter().map(waiting_json).collect::<Vec<_>>(),
        })
    };
    listed.iter().map(one).collect()
}

fn compared_json(compared: &Compared) -> serde_json::Value {
    let changes = match &compared.drift {
        Drift::Meaning(changes) | Drift::Wording(changes) => Some(changes),
        Drift::Same | Drift::Cosmetic => None,
    };
    let segment = |segment: &Segment| match segment {
        Segment::Same(text) => serde_json::json!({ "same": text }),
        Segment::Added(text) => serde_json::json!({ "added": text }),
        Segment::Removed(text) => serde_json::json!({ "removed": text }),
        Segment::Cut(count) => serde_json::json!({ "cut": count }),
    };
    let field = |field: &Field| serde_json::json!({ "pointer": field.pointer, "segments": field.segments.iter().map(segment).collect::<Vec<_>>() });
    serde_json::json!({
        "server": compared.server.as_str(), "kind": compared.kind.name(),
        "name": called(compared.kind, &compared.name, &compared.server),
        "hash": compared.new.hash().to_string(),
        "waiting": compared.waiting.as_ref().map(waiting_json),
        "drift": match &compared.drift {
            Drift::Same => "same", Drift::Cosmetic => "cosmetic", Drift::Wording(_) => "wording", Drift::Meaning(_) => "meaning",
        },
        "reasons": changes.iter().flat_map(|changes| &changes.reasons)
            .map(|reason| serde_json::json!({ "at": reason.pointer, "why": reason.why.to_string() })).collect::<Vec<_>>(),
        "fields": changes.map(|changes| changes.diff.short().fields.iter().map(field).collect::<Vec<_>>()),
        "definition": serde_json::from_str::<serde_json::Value>(compared.new.canonical()).unwrap_or_default(),
    })
}
