//! What a person decides: to agree, to refuse, to go back.

use doorward_pins::{Act as Decided, Decision, Kind, Pin};
use doorward_types::{ServerName, Timestamp};

use crate::board::{Kept, Pinboard, Waiting};
use crate::error::PinboardError;
use crate::find::Which;
use crate::form::{digest, hex};

/// Acts that may wait for the audit log.
const MOST_UNRECORDED: usize = 1_024;

/// Who decides, why, and until when it counts.
#[derive(Debug, Clone)]
pub struct Approver {
    /// An id that stays, not a name.
    pub id: String,
    /// In that person's words.
    pub reason: String,
    /// Until when, if not for good.
    pub expires: Option<Timestamp>,
}

/// What was done, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What: one of [`Act::NAMES`].
    pub what: &'static str,
    /// By whom.
    pub by: String,
    /// To what kind of thing.
    pub kind: Kind,
    /// Of what name.
    pub name: String,
    /// The definition that was decided about.
    pub hash: String,
    /// The digest of the pin as it was written then: who has the log can tell by it whether a pin is the one that was made.
    pub record: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Until when.
    pub expires: Option<Timestamp>,
}

impl Act {
    /// The stable names of acts.
    pub const NAMES: [&'static str; 3] = ["pin-approved", "pin-rejected", "pin-rolled-back"];
}

/// What was done, for the person.
#[derive(Debug, Clone)]
pub struct Done {
    /// At which server.
    pub server: ServerName,
    /// The act.
    pub act: Act,
}

/// # Errors
/// All of these return [`PinboardError`].
impl Pinboard {
    /// Agrees to what waits under a name; where nothing does, to what is pinned: it was taken at first use, or its approval has
    /// ended.
    pub async fn approve(&self, which: &Which, by: &Approver, now: Timestamp) -> Result<Done, PinboardError> {
        let found = self.find(which, now).await?;
        let waiting = found.waiting.clone();
        self.decide(
            &found.server,
            by,
            now,
            |kept, decide| {
                let pin = kept.pin(found.kind, &found.name).cloned();
                let decision = decide(Decided::Approved);
                let approved = match (pin, &waiting) {
                    (Some(pin), Some(waiting)) if *pin.server() == waiting.server => {
                        pin.approve(waiting.definition.clone(), decision)?
                    }
                    // New, or of a server that has moved: what was agreed to elsewhere is no earlier version of it.
                    (_, Some(waiting)) => {
                        Pin::approved(waiting.server.clone(), waiting.definition.clone(), decision)?
                    }
                    (Some(pin), None) => {
                        let pinned = found.named.clone().unwrap_or_else(|| pin.current().definition.clone());
                        pin.approve(pinned, decision)?
                    }
                    (None, None) => return Err(PinboardError::Nothing(found.name.clone())),
                };
                let hash = approved.current().definition.hash().to_string();
                Ok((approved, "pin-approved", hash))
            },
            found.all_waiting.clone(),
        )
        .await
    }

    /// Agrees to all that waits of a server: but not where several wait under one name, or where something looked like an attack.
    /// Those have to be named.
    pub async fn approve_all(
        &self,
        server: &ServerName,
        by: &Approver,
        now: Timestamp,
    ) -> Result<Vec<Done>, PinboardError> {
        const NAMED: [&str; 3] = ["definition-withheld", "tool-looks-alike", "definition-twice"];
        let mut done = Vec::new();
        for listed in self.list(Some(server), now).await? {
            let [waiting] = listed.waiting.as_slice() else { continue };
            if NAMED.contains(&waiting.what.as_str()) {
                continue;
            }
            let name = match listed.kind {
                Kind::Server => server.as_str().to_owned(),
                _ => listed.name,
            };
            let hash = Some(waiting.definition.hash().to_string());
            let which = Which { server: Some(server.clone()), kind: Some(listed.kind), name, hash };
            done.push(self.approve(&which, by, now).await?);
        }
        Ok(done)
    }

    /// Refuses what waits under a name; where nothing does, what is pinned.
    pub async fn reject(&self, which: &Which, by: &Approver, now: Timestamp) -> Result<Done, PinboardError> {
        let found = self.find(which, now).await?;
        let waiting = found.waiting.clone();
        let settled = waiting.iter().cloned().collect();
        self.decide(
            &found.server,
            by,
            now,
            |kept, decide| {
                let pin = kept.pin(found.kind, &found.name).cloned();
                let decision = Decision { expires: None, ..decide(Decided::Rejected) };
                let (pin, definition) = match (pin, &waiting) {
                    (Some(pin), Some(waiting)) => (pin, waiting.definition.clone()),
                    (Some(pin), None) => {
                        let pinned = found.named.clone().unwrap_or_else(|| pin.current().definition.clone());
                        (pin, pinned)
                    }
                    // Nobody ever had it: kept to be known again.
                    (None, Some(waiting)) => {
                        let definition = waiting.definition.clone();
                        (Pin::first_use(waiting.server.clone(), definition.clone(), now), definition)
                    }
                    (None, None) => return Err(PinboardError::Nothing(found.name.clone())),
                };
                let hash = definition.hash().to_string();
                Ok((pin.reject(definition, decision)?, "pin-rejected", hash))
            },
            settled,
        )
        .await
    }

    /// Goes back to an earlier definition; the one that is left counts as refused.
    pub async fn roll_back(
        &self,
        which: &Which,
        by: &Approver,
        now: Timestamp,
    ) -> Result<Done, PinboardError> {
        let found = self.find_pinned(which, now).await?;
        self.decide(
            &found.server,
            by,
            now,
            |kept, decide| {
                let nothing = || PinboardError::Nothing(found.name.clone());
                let pin = kept.pin(found.kind, &found.name).cloned().ok_or_else(nothing)?;
                let to = pin
                    .earlier()
                    .iter()
                    .map(|version| version.definition.hash())
                    .find(|hash| which.is_hash(&hash.to_string()))
                    .ok_or_else(|| PinboardError::NoEarlier(found.name.clone()))?;
                Ok((pin.roll_back(to, decide(Decided::Approved))?, "pin-rolled-back", to.to_string()))
            },
            Vec::new(),
        )
        .await
    }

    /// Does one act, and leaves word for the audit log in the same write: what was decided is never without its record.
    async fn decide(
        &self,
        server: &ServerName,
        by: &Approver,
        now: Timestamp,
        act: impl Fn(&Kept, &dyn Fn(Decided) -> Decision) -> Result<(Pin, &'static str, String), PinboardError>,
        settled: Vec<Waiting>,
    ) -> Result<Done, PinboardError> {
        let decision = |act| Decision {
            act,
            by: by.id.clone(),
            at: now,
            reason: by.reason.clone(),
            expires: by.expires,
        };
        let edit = |kept: &mut Kept| {
            if kept.head.unrecorded.len() >= MOST_UNRECORDED {
                return Err(PinboardError::Unrecorded(kept.head.unrecorded.len()));
            }
            let (pin, what, hash) = act(kept, &decision)?;
            let record = hex(&digest([pin.to_record().as_slice()]));
            let done = Act {
                what,
                by: by.id.clone(),
                kind: pin.kind(),
                name: pin.name().to_owned(),
                hash,
                record: format!("sha256:{record}"),
                reason: by.reason.clone(),
                at: now,
                expires: by.expires,
            };
            kept.put(pin);
            kept.head.acts += 1;
            kept.head.unrecorded.push(done.clone());
            Ok((done, settled.clone()))
        };
        let (act, _) = self.change(server, now, edit).await?;
        Ok(Done { server: server.clone(), act })
    }

    /// Forgets acts that an audit log has now.
    pub async fn recorded(
        &self,
        server: &ServerName,
        acts: &[Act],
        now: Timestamp,
    ) -> Result<Kept, PinboardError> {
        let edit = |kept: &mut Kept| {
            kept.head.unrecorded.retain(|act| !acts.contains(act));
            Ok(((), Vec::new()))
        };
        self.change(server, now, edit).await.map(|((), kept)| kept)
    }
}
