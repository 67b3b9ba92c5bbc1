//! One definition beside what was agreed to, for somebody who has seconds: each field that changed, with what is the matter with it.

use doorward_facade::web::{Answer, Bit, FormsLead, bits, page, said};
use doorward_issuer::params::Params;
use doorward_pinboard::{Compared, PinboardError};
use doorward_pins::{Changes, Decision, Drift, Field, Pin, Segment, Stand, laid_out, visible};
use doorward_types::Timestamp;
use http::StatusCode;

use crate::entry::Session;
use crate::pages::{FieldLine, PinPage, Stretch, minute};
use crate::pins::{Meant, called, which};
use crate::{Admin, Asked};

impl Admin {
    pub(crate) async fn pin(&self, asked: &Asked<'_>, session: &Session) -> Answer {
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
        let nothing = Changes::default();
        let changes = match &compared.drift {
            Drift::Meaning(changes) | Drift::Wording(changes) => changes,
            Drift::Same | Drift::Cosmetic => &nothing,
        };
        let diff = changes.diff.short();
        let is_shown = |pointer: &str| diff.fields.iter().any(|field| field.pointer == visible(pointer));
        let elsewhere = changes.reasons.iter().filter(|reason| !is_shown(&reason.pointer));
        let pinned = compared.pin.as_ref();
        let stand = pinned.map(|pin| pin.stand(asked.now));
        let is_held = compared.waiting.is_some();
        let template = PinPage {
            host: &self.host,
            kind: compared.kind.name(),
            name: visible(&called(compared.kind, &compared.name, &compared.server)),
            held: compared.waiting.as_ref().map(|held| said(&held.why)),
            passes: compared.waiting.as_ref().is_some_and(|held| held.passes()),
            facts: facts(&compared, stand),
            reasons: elsewhere
                .map(|reason| (visible(&reason.pointer), said(&reason.why.to_string())))
                .collect(),
            fields: diff.fields.iter().map(|found| field(found, changes)).collect(),
            fields_cut: changes.diff.fields_cut(),
            whole: bits(&laid_out(compared.new.canonical())),
            hash: compared.new.hash().to_string(),
            is_new: compared.old.is_none(),
            can_approve: is_held || stand.is_some_and(|stand| stand != Stand::Approved),
            can_reject: is_held || stand != Some(Stand::Rejected),
            earlier: pinned
                .filter(|_| !is_held)
                .iter()
                .flat_map(|pin| pin.earlier())
                .map(|version| (version.definition.hash().to_string(), minute(version.decision.at)))
                .collect(),
            form: self.button(session, &Meant::of(&compared), asked.now),
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }
}

/// Who decided what, and when.
fn facts(compared: &Compared, stand: Option<Stand>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Server", compared.server.to_string())];
    if let Some(held) = &compared.waiting {
        facts.push(("Seen", minute(held.seen)));
    }
    let (Some(pin), Some(stand)) = (&compared.pin, stand) else {
        facts.push(("Agreed to", "nothing of this name yet".to_owned()));
        return facts;
    };
    facts.push((if compared.waiting.is_some() { "Agreed to" } else { "Stands" }, stood(stand, pin, minute)));
    if stand != Stand::FirstUse {
        let decision = decided(stand, pin);
        facts.push(("Reason", visible(&decision.reason)));
        facts.push(("Decided by", visible(&decision.by)));
    }
    facts
}

/// Where a pin stands, in a word.
pub(crate) fn stands(stand: Stand) -> &'static str {
    match stand {
        Stand::FirstUse => "taken at first use; nobody has looked",
        Stand::Approved => "approved",
        Stand::Expired => "its approval has ended",
        Stand::Rejected => "rejected",
    }
}

/// Where a pin stands, and since when; the time to the day or to the minute.
pub(crate) fn stood(stand: Stand, pin: &Pin, time: fn(Timestamp) -> String) -> String {
    let decision = decided(stand, pin);
    let (at, end) = (time(decision.at), decision.expires.map(time));
    match (stand, end) {
        (Stand::FirstUse, _) => format!("first use, {at}; nobody has looked"),
        (Stand::Approved, Some(end)) => format!("approved on {at}, until {end}"),
        (Stand::Approved, None) => format!("approved on {at}"),
        (Stand::Expired, end) => format!("its approval ended on {}", end.unwrap_or(at)),
        (Stand::Rejected, _) => format!("rejected on {at}"),
    }
}

/// The decision that counts: of what is pinned and was rejected, the refusal.
fn decided(stand: Stand, pin: &Pin) -> &Decision {
    let pinned = pin.current().definition.hash();
    let refusal = pin.rejected().iter().find(|version| version.definition.hash() == pinned);
    refusal.filter(|_| stand == Stand::Rejected).map_or(&pin.current().decision, |version| &version.decision)
}

fn field(field: &Field, changes: &Changes) -> FieldLine {
    let stretch = |segment: &Segment| match segment {
        Segment::Same(text) => Stretch { what: "same", bits: bits(text) },
        Segment::Added(text) => Stretch { what: "added", bits: bits(text) },
        Segment::Removed(text) => Stretch { what: "removed", bits: bits(text) },
        Segment::Cut(count) => {
            let text = format!(" … {count} characters … ");
            Stretch { what: "cut", bits: vec![Bit { mark: "", text }] }
        }
    };
    let reasons = changes.reasons.iter().filter(|reason| visible(&reason.pointer) == field.pointer);
    FieldLine {
        pointer: field.pointer.clone(),
        reasons: reasons.map(|reason| said(&reason.why.to_string())).collect(),
        stretches: field.segments.iter().map(stretch).collect(),
    }
}
