//! What is said about a call: it passes, somebody is asked, or it is refused; and why, in words.

use std::fmt;

use doorward_types::{ServerName, Timestamp};

use crate::label::{Confidentiality, Integrity, Label};
use crate::labels::{Item, Kind};
use crate::rules::Approver;
use crate::sink::Place;
use crate::state::Ticket;

/// What is said about a call.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// It may go. The ticket is handed back when it has ended.
    Pass(Ticket),
    /// It may go once somebody has approved it: exactly it, under exactly these labels.
    NeedsApproval(Box<Reason>),
    /// It may not go.
    Block(Box<Reason>),
}

/// Something that was called, by name, for records and reasons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub(crate) server: ServerName,
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

/// What raised a label to its level first, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark<L> {
    /// The level.
    pub level: L,
    /// What raised it.
    pub source: Source,
    /// When.
    pub at: Timestamp,
}

/// Why a call does not simply pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub(crate) at: Timestamp,
    pub(crate) call: Source,
    pub(crate) digest: [u8; 32],
    pub(crate) place: Place,
    pub(crate) carried: Label,
    pub(crate) secret: Option<Mark<Confidentiality>>,
    pub(crate) tainted: Option<Mark<Integrity>>,
    pub(crate) carries: bool,
    pub(crate) over: Option<Over>,
    pub(crate) approver: Option<Approver>,
    pub(crate) labelled: bool,
    pub(crate) destinations: Vec<String>,
}

/// A budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Calls { limit: u64, until: Timestamp },
    OutwardBytes { sent: u64, limit: u64, until: Timestamp },
}

/// An approval that was looked up and used up in the same step (D-21). It fits one call under one set of labels.
#[derive(Debug)]
pub struct Approved {
    bound: Vec<u8>,
    by: Approver,
}

impl Approved {
    /// Takes what [`Reason::bound`] said when it was asked for, and who answered. The caller has consumed it durably.
    pub fn consumed(bound: Vec<u8>, by: Approver) -> Self {
        Self { bound, by }
    }

    pub(crate) fn fits(&self, reason: &Reason) -> bool {
        reason.approver.is_some_and(|needed| self.by >= needed) && self.bound == reason.bound()
    }
}

impl Source {
    pub(crate) const LONGEST: usize = 256;

    pub(crate) fn new(server: &ServerName, item: Item<'_>) -> Self {
        let name = item.name();
        let end = name.floor_char_boundary(Self::LONGEST);
        let name = name.split_at_checked(end).map_or("", |(short, _)| short).to_owned();
        Self { server: server.clone(), kind: item.kind(), name }
    }

    /// What a server says of its tools.
    pub(crate) fn definitions(server: &ServerName) -> Self {
        Self { server: server.clone(), kind: Kind::List, name: "descriptions".to_owned() }
    }

    fn write(&self, into: &mut Vec<u8>) {
        for part in [self.server.as_str(), self.kind.word(), &self.name] {
            write(into, part.as_bytes());
        }
    }
}

impl Reason {
    /// Returns who has to approve; nobody can what is blocked.
    pub fn approver(&self) -> Option<Approver> {
        self.approver
    }

    /// Returns what the call would carry.
    pub fn carried(&self) -> Label {
        self.carried
    }

    /// Returns where it would carry it.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns what raised the confidentiality.
    pub fn secret(&self) -> Option<&Mark<Confidentiality>> {
        self.secret.as_ref()
    }

    /// Returns what raised the taint.
    pub fn tainted(&self) -> Option<&Mark<Integrity>> {
        self.tainted.as_ref()
    }

    /// Returns the bytes that an approval covers: the call's digest, its labels, where they came from and where they
    /// go. A label that has risen since makes another text, so an approval never covers what its giver did not read.
    pub fn bound(&self) -> Vec<u8> {
        let mut bytes = b"doorward flow 1\0".to_vec();
        write(&mut bytes, &self.digest);
        self.call.write(&mut bytes);
        write(&mut bytes, self.place.to_string().as_bytes());
        write(&mut bytes, self.carried.integrity.word().as_bytes());
        write(&mut bytes, self.carried.confidentiality.word().as_bytes());
        let secret = self.secret.as_ref().map(|mark| (&mark.source, mark.at));
        let tainted = self.tainted.as_ref().map(|mark| (&mark.source, mark.at));
        for mark in [secret, tainted] {
            write(&mut bytes, mark.map_or(&b"-"[..], |_| b"+"));
            if let Some((source, at)) = mark {
                source.write(&mut bytes);
                write(&mut bytes, &at.as_micros().to_be_bytes());
            }
        }
        bytes.extend([u8::from(self.carries), u8::from(self.over.is_some())]);
        bytes
    }

    /// Returns the reason for whoever is asked: with where it goes, which is of the arguments.
    pub fn for_person(&self) -> String {
        let to: Vec<String> = self.destinations.iter().map(|text| format!("`{}`", shown(text))).collect();
        self.told(&to.join(", "))
    }

    /// Returns the reason for a record, which holds nothing of the arguments, and no URI: those hold personal data.
    pub fn for_record(&self) -> String {
        self.nameless().told("")
    }

    /// Says whether nobody can approve it because a budget of calls is used up: waiting helps.
    pub fn is_over_calls(&self) -> bool {
        matches!(self.over, Some(Over::Calls { .. }))
    }

    fn nameless(&self) -> Self {
        let mut short = self.clone();
        let marks = [
            short.secret.as_mut().map(|mark| &mut mark.source),
            short.tainted.as_mut().map(|mark| &mut mark.source),
        ];
        for source in marks.into_iter().flatten().chain([&mut short.call]) {
            if source.kind == Kind::Resource {
                source.name = "a resource".to_owned();
            }
        }
        short
    }

    /// Returns what can be done.
    pub fn help(&self) -> &'static str {
        match (self.over, self.approver) {
            (Some(Over::Calls { .. }), _) => "wait, or have the budget of calls raised in the configuration",
            (_, None) => {
                "begin anew without the untrusted text: say that the labels may fall, which is recorded, or let the idle time pass"
            }
            (_, _) if !self.labelled => {
                "approve this one call, or have the server labelled in the configuration: what has no label counts as the worst that is usual"
            }
            (_, Some(Approver::Person)) => {
                "look at what is sent and where to, and approve this one call or refuse it"
            }
            (_, Some(Approver::Another)) => {
                "ask somebody else who may approve it: restricted data is not let out by one person"
            }
        }
    }

    fn told(&self, to: &str) -> String {
        let mut text = String::new();
        let call = format!("{}{}{to}", self.call, if to.is_empty() { "" } else { " to " });
        if self.carries {
            text.push_str(&self.gave());
            let verb = match self.place {
                Place::Outward => "carry it out".to_owned(),
                place => format!("write it where more people read ({place})"),
            };
            text.push_str(&format!("{call} would {verb}"));
        }
        match self.over {
            None => {}
            Some(Over::Calls { limit, until }) => {
                let more = format!(
                    "{call} is one call more than the {limit} of an hour, which ends at {}",
                    clock(until, self.at)
                );
                text.push_str(&more);
            }
            Some(Over::OutwardBytes { sent, limit, until }) => {
                let begin = if self.carries { "; and " } else { "" };
                text.push_str(&format!(
                    "{begin}{call} would be {sent} bytes sent out within an hour, of {limit} that are sent without a question; the hour ends at {}",
                    clock(until, self.at)
                ));
            }
        }
        text
    }

    fn gave(&self) -> String {
        let tainted = self.tainted.as_ref().filter(|mark| mark.level == Integrity::Untrusted);
        let secret = self.secret.as_ref().map(|mark| {
            format!("{} gave {} data at {}", mark.source, mark.level.word(), clock(mark.at, self.at))
        });
        // The call reads itself what it sends: nothing before it gave that.
        let secret = secret.unwrap_or_else(|| {
            format!("{} reads {} data itself", self.call, self.carried.confidentiality.word())
        });
        match tainted {
            Some(mark) if self.secret.as_ref().is_some_and(|secret| secret.source == mark.source) => {
                format!("{secret} and untrusted text; ")
            }
            Some(mark) => {
                format!("{secret}, {} untrusted text at {}; ", mark.source, clock(mark.at, self.at))
            }
            None => format!("{secret}; "),
        }
    }
}

/// `server/name` in backticks, without anything that steers a terminal or reads as another text.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}/{}`", self.server, shown(&self.name))
    }
}

/// A foreign text in a sentence of ours: cut short, and every character that has no plain look replaced.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| {
        let steers = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{61c}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}' | '`');
        if steers { '\u{fffd}' } else { c }
    };
    let mut short: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// Hours and minutes in UTC, what a person compares with what they remember of the day; with the day if it is another.
fn clock(at: Timestamp, now: Timestamp) -> String {
    let written = at.to_string();
    let (day, time) = written.split_once('T').unwrap_or((&written, ""));
    let time = time.get(..5).unwrap_or_default();
    if at.as_secs().div_euclid(86_400) == now.as_secs().div_euclid(86_400) {
        format!("{time} UTC")
    } else {
        format!("{time} UTC on {day}")
    }
}

/// Length first, so that no two lists of parts are the same bytes.
fn write(into: &mut Vec<u8>, part: &[u8]) {
    into.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    into.extend(part);
}
