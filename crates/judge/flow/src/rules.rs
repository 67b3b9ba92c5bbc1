//! The rule itself: a table over who reads what is written and what would be written there.

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_types::{ClientId, ServerName};

use crate::key::Thread;
use crate::label::{Confidentiality, Integrity, Label};
use crate::sink::Place;

/// What the configuration says besides labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The least confidentiality that may not go outward together with untrusted text.
    pub private: Confidentiality,
    /// How long nothing may happen before the labels fall.
    pub idle: Duration,
    /// Calls of one key within an hour.
    pub calls: u64,
    /// Bytes of arguments that one key sends outward within an hour without a question.
    pub outward_bytes: u64,
    /// Clients whose threads are believed: for these, a conversation's id narrows what is held against a call, and so
    /// does a legacy session.
    pub narrowing: BTreeSet<ClientId>,
}

impl Default for Rules {
    /// Confidential data is private; eight hours; 3,000 calls and 4 MiB outward an hour; no client is believed.
    fn default() -> Self {
        Self {
            private: Confidentiality::Confidential,
            idle: Duration::from_secs(8 * 3600),
            calls: 3_000,
            outward_bytes: 4 << 20,
            narrowing: BTreeSet::new(),
        }
    }
}

/// Who has to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Approver {
    /// The person whose call it is.
    Person,
    /// Somebody else (D-21).
    Another,
}

/// What follows for a call, the milder the earlier in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Then {
    Pass,
    Ask(Approver),
    Refuse,
}

/// A row fits what is at least so secret, at least so tainted, and read at least so widely. Of the rows that fit the
/// strictest counts: so whatever rises, no answer gets milder.
struct Row {
    place: Place,
    confidentiality: Confidentiality,
    integrity: Integrity,
    then: Then,
}

/// For what is more confidential than its place is cleared for; anything else passes.
const BEYOND: [Row; 3] = [
    // Private data, untrusted text, a way out: whoever wrote the text may have chosen what is sent, and where to.
    Row {
        place: Place::Nowhere,
        confidentiality: Confidentiality::Public,
        integrity: Integrity::Untrusted,
        then: Then::Ask(Approver::Person),
    },
    // Restricted data does not go further by one person's decision, whoever wrote what.
    Row {
        place: Place::Nowhere,
        confidentiality: Confidentiality::Restricted,
        integrity: Integrity::Trusted,
        then: Then::Ask(Approver::Another),
    },
    // All three at their worst: no honest task needs it, and people who are asked often say yes.
    Row {
        place: Place::Outward,
        confidentiality: Confidentiality::Restricted,
        integrity: Integrity::Untrusted,
        then: Then::Refuse,
    },
];

impl Rules {
    /// Returns what narrows a call, if its client is believed. A conversation says more than a session.
    pub fn thread(
        &self,
        client: &ClientId,
        session: Option<(&ServerName, &str)>,
        conversation: Option<&str>,
    ) -> Option<Thread> {
        if !self.narrowing.contains(client) {
            return None;
        }
        let session = || session.and_then(|(server, id)| Thread::session(server, id));
        match conversation {
            Some(id) => Thread::conversation(id),
            None => session(),
        }
    }

    /// Returns what follows for a call that carries this label to this place.
    pub(crate) fn judge(&self, carried: Label, place: Place) -> Then {
        if !self.is_beyond(carried.confidentiality, place) {
            return Then::Pass;
        }
        let rows = BEYOND.iter().filter(|row| {
            row.place <= place
                && row.confidentiality <= carried.confidentiality
                && row.integrity <= carried.integrity
        });
        rows.map(|row| row.then).max().unwrap_or(Then::Pass)
    }

    fn is_beyond(&self, confidentiality: Confidentiality, place: Place) -> bool {
        place.cleared(self.private).is_none_or(|cleared| confidentiality > cleared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Audience;

    /// Read off the note, not off the rows: what each place says to public, internal, confidential and restricted
    /// data, without untrusted text and with it. `.` passes, `p` asks the person, `a` another, `X` is refused.
    const TABLE: [(Confidentiality, Place, &str, &str); 8] = [
        (Confidentiality::Confidential, Place::Nowhere, "....", "...."),
        (Confidentiality::Confidential, Place::Internal(Audience::Myself), "....", "...."),
        (Confidentiality::Confidential, Place::Internal(Audience::Team), "...a", "...a"),
        (Confidentiality::Confidential, Place::Internal(Audience::Company), "...a", "..pa"),
        (Confidentiality::Confidential, Place::Outward, "...a", "..pX"),
        (Confidentiality::Internal, Place::Outward, "...a", ".ppX"),
        (Confidentiality::Public, Place::Outward, "...a", "pppX"),
        (Confidentiality::Restricted, Place::Outward, "...a", "...X"),
    ];

    // control: INJ-12: The table of the rule says what the note says.
    // control: DAT-01: What is written where more people read than may know it is asked about or refused.
    #[test]
    fn the_rows_say_what_the_note_says() {
        for (private, place, clean, tainted) in TABLE {
            let rules = Rules { private, ..Rules::default() };
            let row = |integrity| -> String {
                let levels = Confidentiality::ALL.into_iter();
                levels
                    .map(|confidentiality| sign(rules.judge(Label { integrity, confidentiality }, place)))
                    .collect()
            };
            assert_eq!(row(Integrity::Trusted), clean, "{place}");
            assert_eq!(row(Integrity::User), clean, "{place}");
            assert_eq!(row(Integrity::Untrusted), tainted, "{place}");
        }
    }

    fn sign(then: Then) -> char {
        match then {
            Then::Pass => '.',
            Then::Ask(Approver::Person) => 'p',
            Then::Ask(Approver::Another) => 'a',
            Then::Refuse => 'X',
        }
    }
}
