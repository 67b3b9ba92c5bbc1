//! What was agreed to, by whom and until when; and what follows for what comes now.

use doorward_types::{ServerName, Timestamp};

use crate::compare::judge;
use crate::definition::{Definition, Hash, Kind};
use crate::drift::{Changes, Drift};

/// Most earlier definitions that are kept, and most rejected ones.
const KEPT: usize = 8;

/// Whose a definition is. The same name with another address is another server, and nothing it says was agreed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server {
    /// What the operator calls it.
    pub name: ServerName,
    /// What it is known by: its URL, with the issuer of its certificate where that is pinned, or a digest of the command that
    /// starts it.
    pub address: String,
}

/// How a definition that nobody has seen comes to be pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The first one is taken for good, and recorded.
    OnUse,
    /// None is, before a person agrees.
    ByApproval,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nobody was asked: it was the first.
    FirstUse,
    /// A person agreed.
    Approved,
    /// A person refused.
    Rejected,
}

/// A decision about one definition. Its signature is the caller's, over [`Pin::to_record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub act: Act,
    /// By whom: an id that stays, not a name. The door itself at first use.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in that person's words.
    pub reason: String,
    /// Until when, if not for good.
    pub expires: Option<Timestamp>,
}

/// A definition, and what was decided about it.
#[derive(Debug, Clone)]
pub struct Version {
    /// What the server said.
    pub definition: Definition,
    /// What was decided.
    pub decision: Decision,
}

/// One thing that one server offers, as it was agreed to. It changes by a person's act alone: what differs in wording passes
/// and moves nothing, so that many small steps are measured from where a person stood.
#[derive(Debug, Clone)]
pub struct Pin {
    pub(crate) server: Server,
    pub(crate) current: Version,
    /// The newest first.
    pub(crate) earlier: Vec<Version>,
    /// The newest first.
    pub(crate) rejected: Vec<Version>,
}

/// Where a pin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Taken at first use.
    FirstUse,
    /// Approved.
    Approved,
    /// Approved until a time that is past.
    Expired,
    /// Rejected after it was pinned: nothing of that name passes until another is approved.
    Rejected,
}

/// Why an act is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The definition is of another kind or name.
    #[error("the definition is not of the pinned name; list the pins and name the one that is meant")]
    OtherName,
    /// The decision is of another act than the one it is handed to.
    #[error("the decision does not fit the act")]
    OtherAct,
    /// It would end before it begins.
    #[error("the approval has expired already; give it a later end")]
    Past,
    /// There is no such earlier definition.
    #[error("no earlier definition has this hash; `pin list` shows which are kept")]
    Unknown,
}

impl Pin {
    /// Pins what nobody had seen, without anybody's act.
    pub fn first_use(server: Server, definition: Definition, at: Timestamp) -> Self {
        let decision = Decision {
            act: Act::FirstUse,
            by: "doorward".to_owned(),
            at,
            reason: "first use".to_owned(),
            expires: None,
        };
        Self::new(server, definition, decision)
    }

    /// Pins what a person agreed to.
    ///
    /// # Errors
    /// [`PinError::OtherAct`] and [`PinError::Past`].
    pub fn approved(server: Server, definition: Definition, decision: Decision) -> Result<Self, PinError> {
        check(&decision, Act::Approved)?;
        Ok(Self::new(server, definition, decision))
    }

    fn new(server: Server, definition: Definition, decision: Decision) -> Self {
        let current = Version { definition, decision };
        Self { server, current, earlier: Vec::new(), rejected: Vec::new() }
    }

    /// A person agrees to another definition. The one before is kept, to go back to.
    ///
    /// # Errors
    /// A [`PinError`] if the definition or the decision does not fit.
    pub fn approve(mut self, definition: Definition, decision: Decision) -> Result<Self, PinError> {
        check(&decision, Act::Approved)?;
        self.is_of(&definition)?;
        self.rejected.retain(|version| version.definition.hash() != definition.hash());
        let before = std::mem::replace(&mut self.current, Version { definition, decision });
        // What was agreed to anew is no earlier version; nor is one that a person rejected.
        let is_refused =
            self.rejected.iter().any(|other| other.definition.hash() == before.definition.hash());
        if before.definition.hash() != self.current.definition.hash() && !is_refused {
            self.earlier.insert(0, before);
        }
        let current = self.current.definition.hash();
        self.earlier.retain(|version| version.definition.hash() != current);
        self.earlier.truncate(KEPT);
        Ok(self)
    }

    /// A person refuses a definition, which may be the pinned one.
    ///
    /// # Errors
    /// A [`PinError`] if the definition or the decision does not fit.
    pub fn reject(mut self, definition: Definition, decision: Decision) -> Result<Self, PinError> {
        check(&decision, Act::Rejected)?;
        self.is_of(&definition)?;
        self.rejected.retain(|version| version.definition.hash() != definition.hash());
        self.earlier.retain(|version| version.definition.hash() != definition.hash());
        self.rejected.insert(0, Version { definition, decision });
        self.forget_old_refusals();
        Ok(self)
    }

    /// A person goes back to an earlier definition; the one it is left for counts as rejected.
    ///
    /// # Errors
    /// [`PinError::Unknown`] if no such definition is kept, else as [`approve`](Self::approve).
    pub fn roll_back(mut self, hash: Hash, decision: Decision) -> Result<Self, PinError> {
        check(&decision, Act::Approved)?;
        let at = self.earlier.iter().position(|version| version.definition.hash() == hash);
        let to = self.earlier.remove(at.ok_or(PinError::Unknown)?);
        let refusal = Decision { act: Act::Rejected, expires: None, ..decision.clone() };
        let from = std::mem::replace(&mut self.current, Version { definition: to.definition, decision });
        self.rejected.retain(|version| version.definition.hash() != from.definition.hash());
        self.rejected.insert(0, Version { definition: from.definition, decision: refusal });
        self.forget_old_refusals();
        Ok(self)
    }

    /// The oldest go first, but never the refusal of what is pinned: without it, it would pass again.
    fn forget_old_refusals(&mut self) {
        let current = self.current.definition.hash();
        while self.rejected.len() > KEPT {
            let oldest = self.rejected.iter().rposition(|version| version.definition.hash() != current);
            self.rejected.remove(oldest.unwrap_or(KEPT));
        }
    }

    fn is_of(&self, definition: &Definition) -> Result<(), PinError> {
        let pinned = &self.current.definition;
        let fits = pinned.kind() == definition.kind() && pinned.name() == definition.name();
        fits.then_some(()).ok_or(PinError::OtherName)
    }

    /// Returns whose it is.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns what kind of thing it is.
    pub fn kind(&self) -> Kind {
        self.current.definition.kind()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.current.definition.name()
    }

    /// Returns what is pinned.
    pub fn current(&self) -> &Version {
        &self.current
    }

    /// Returns what was pinned before, the newest first.
    pub fn earlier(&self) -> &[Version] {
        &self.earlier
    }

    /// Returns what was rejected, the newest first.
    pub fn rejected(&self) -> &[Version] {
        &self.rejected
    }

    /// Says where it stands.
    pub fn stand(&self, at: Timestamp) -> Stand {
        let pinned = self.current.definition.hash();
        if self.rejected.iter().any(|version| version.definition.hash() == pinned) {
            return Stand::Rejected;
        }
        match &self.current.decision {
            Decision { expires: Some(expires), .. } if at >= *expires => Stand::Expired,
            Decision { act: Act::FirstUse, .. } => Stand::FirstUse,
            _ => Stand::Approved,
        }
    }
}

fn check(decision: &Decision, act: Act) -> Result<(), PinError> {
    if decision.act != act {
        return Err(PinError::OtherAct);
    }
    let is_past = decision.expires.is_some_and(|expires| expires <= decision.at);
    if is_past { Err(PinError::Past) } else { Ok(()) }
}

/// What follows for a definition that came.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// As it was agreed to. Nothing is said.
    Pass,
    /// The first of its name, which is taken: the pin is stored before the definition goes on, or it does not.
    Remember(Box<Pin>),
    /// Other words; it goes on, and a person is shown them.
    Shown(Changes),
    /// It does not go on, in lists or in calls, until a person agrees.
    Blocked(Block, Changes),
}

/// Why a definition does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Block {
    /// Approval comes first, and there is none.
    #[error("nobody has approved it yet")]
    NotApproved,
    /// It came after the list was pinned.
    #[error("it was not there when the server's list was pinned")]
    Late,
    /// Two of one name in one list: which of them is called, is the server's secret.
    #[error("the server lists two of this name")]
    Twice,
    /// The pin is another server's, whatever that is called.
    #[error("the server is at another address than the one that was pinned")]
    OtherServer,
    /// The approval has ended.
    #[error("its approval has expired")]
    Expired,
    /// A person refused it.
    #[error("a person rejected it")]
    Rejected,
    /// It means something else now.
    #[error("it is not what was agreed to")]
    Drifted,
}

/// Judges one definition against the pin of its server, kind and name, if there is one.
pub fn admit(first: First, pin: Option<&Pin>, server: &Server, now: &Definition, at: Timestamp) -> Verdict {
    let Some(pin) = pin else {
        return match first {
            First::OnUse => Verdict::Remember(Box::new(Pin::first_use(server.clone(), now.clone(), at))),
            First::ByApproval => Verdict::Blocked(Block::NotApproved, Changes::default()),
        };
    };
    let blocked = |why| Verdict::Blocked(why, Changes::default());
    if pin.server != *server {
        return blocked(Block::OtherServer);
    }
    match pin.stand(at) {
        Stand::Rejected => return blocked(Block::Rejected),
        Stand::Expired => return blocked(Block::Expired),
        // A policy that has become stricter: what nobody was asked about, somebody is asked about now.
        Stand::FirstUse if first == First::ByApproval => return blocked(Block::NotApproved),
        Stand::FirstUse | Stand::Approved => {}
    }
    let drift = judge(&pin.current.definition, now);
    if matches!(drift, Drift::Same | Drift::Cosmetic) {
        return Verdict::Pass;
    }
    // What was refused stays refused, however it is laid out this time.
    let is_refused =
        |version: &Version| matches!(judge(&version.definition, now), Drift::Same | Drift::Cosmetic);
    if pin.rejected.iter().any(is_refused) {
        return blocked(Block::Rejected);
    }
    match drift {
        Drift::Same | Drift::Cosmetic => Verdict::Pass,
        Drift::Wording(changes) => Verdict::Shown(changes),
        Drift::Meaning(changes) => Verdict::Blocked(Block::Drifted, changes),
    }
}
