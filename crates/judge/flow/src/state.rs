//! What one key has read so far, and what is said of its next call.

mod form;
mod raised;
mod spent;

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_types::{ServerName, Timestamp};
use doorward_wire::Value;

pub use self::form::FormError;
use self::raised::Raised;
use self::spent::Spent;
use crate::key::Thread;
use crate::label::{Confidentiality, Integrity, Label};
use crate::labels::{Item, Labels};
use crate::rules::{Rules, Then};
use crate::sink::Place;
use crate::verdict::{Approved, Mark, Reason, Source, Verdict};

/// A call, as far as it matters here. The arguments are those that will be sent: edits come before (D-02).
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// What of it.
    pub item: Item<'a>,
    /// The arguments.
    pub arguments: Option<Value<'a>>,
    /// What stands for the call in an approval: person, client, server, pin and arguments (D-21).
    pub digest: [u8; 32],
    /// What it is narrowed to, as [`Rules::thread`] says.
    pub thread: Option<Thread>,
}

/// What was said of a call, and what fell before it was looked at.
#[derive(Debug)]
pub struct Judged {
    /// What is said.
    pub verdict: Verdict,
    /// Labels that had fallen by idleness, for the record.
    pub fallen: Option<Fallen>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of it reached the server, and nothing came back.
    NotSent,
    /// Something came back, an error or a part of an answer included, and was found to be at least this. What is found
    /// raises a label, and never lowers it: a detector that finds nothing proves nothing.
    Answered(Label),
}

/// Labels that were given up, and why. It belongs into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Fallen {
    /// What they were.
    pub label: Label,
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: Timestamp,
}

/// Why labels fell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nothing happened for so long.
    Idle(Duration),
    /// Somebody said so.
    Act {
        /// Who.
        who: String,
        /// Why, in their words.
        why: String,
    },
}

/// A call that runs. It raises the labels from the moment it begins; it is handed back with how it ended.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    flight: u64,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    thread: Option<Thread>,
    source: Source,
    label: Label,
    begun: Timestamp,
}

/// Everything that is remembered of one [`Key`](crate::Key).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// The last time something happened.
    seen: Option<Timestamp>,
    /// What was read outside of any thread, or in one that has ended.
    whole: Raised,
    /// What was read in one thread, the oldest first.
    threads: Vec<(Thread, Raised)>,
    /// Calls that run. They have raised nothing yet and count as if they had.
    flights: BTreeMap<u64, Origin>,
    next: u64,
    spent: Spent,
}

impl Flow {
    /// Threads that are told apart. When one more comes, the oldest joins what counts for all.
    pub const MOST_THREADS: usize = 64;
    /// Calls that may still be taken back. When one more begins, it has raised the labels for good.
    pub const MOST_FLIGHTS: usize = 256;

    /// Begins where what was remembered cannot be read: as if the worst had been read. Otherwise whoever spoils a row of
    /// the store could carry out what it was about.
    pub fn lost(server: &ServerName, now: Timestamp) -> Self {
        let source = Source::new(server, Item::Resource("what was remembered, which could not be read"));
        let mut flow = Self { seen: Some(now), ..Self::default() };
        flow.whole = Raised::by(&source, Label::TOP, now);
        flow
    }

    /// Judges a call, and where it passes counts it as running. An approval is used up whatever comes of it.
    pub fn before(
        &mut self,
        call: &Call<'_>,
        approved: Option<Approved>,
        labels: &Labels,
        rules: &Rules,
        now: Timestamp,
    ) -> Judged {
        let fallen = self.fall_if_idle(rules, now);
        self.seen = Some(now);
        let nature = labels.nature(call.server, call.item);
        let place = nature.sink.place(call.arguments);
        let read = self.read_by(call.thread.as_ref());
        // What a call reads it may send in the same breath (a tool that forwards a mail); its text comes too late to
        // have chosen the arguments.
        let own = Label { integrity: Integrity::Trusted, confidentiality: nature.source.confidentiality };
        let carried = if place == Place::Nowhere { read.label() } else { read.label().join(own) };

        let bytes = if place == Place::Outward { size(call) } else { 0 };
        let over = self.spent.over(bytes, rules, now);
        let rule = rules.judge(carried, place);
        let then = rule.max(over.map_or(Then::Pass, |over| over.then()));
        let origin = Origin {
            thread: call.thread.clone(),
            source: Source::new(call.server, call.item),
            label: nature.source,
            begun: now,
        };
        if then == Then::Pass {
            return Judged { verdict: Verdict::Pass(self.begin(origin, bytes)), fallen };
        }
        let reason = Reason {
            at: now,
            call: origin.source.clone(),
            digest: call.digest,
            place,
            carried,
            // Where the call reads more secret things itself than anything before it gave, that is what it would carry.
            secret: read.secret.filter(|mark| mark.level >= nature.source.confidentiality),
            tainted: read.tainted,
            carries: rule > Then::Pass,
            over,
            approver: if let Then::Ask(approver) = then { Some(approver) } else { None },
            labelled: nature.labelled,
            destinations: nature.sink.destinations(call.arguments),
        };
        let verdict = match then {
            Then::Refuse => Verdict::Block(Box::new(reason)),
            _ if approved.is_some_and(|approved| approved.fits(&reason)) => {
                Verdict::Pass(self.begin(origin, bytes))
            }
            _ => Verdict::NeedsApproval(Box::new(reason)),
        };
        Judged { verdict, fallen }
    }

    /// Counts a call as running that nobody judges: where labels are only recorded.
    pub fn unjudged(&mut self, call: &Call<'_>, labels: &Labels, now: Timestamp) -> Ticket {
        self.seen = Some(now);
        let label = labels.nature(call.server, call.item).source;
        let source = Source::new(call.server, call.item);
        self.begin(Origin { thread: call.thread.clone(), source, label, begun: now }, 0)
    }

    /// Takes a ticket back. What an answer raised stays raised, whatever happened while the call ran.
    pub fn after(&mut self, ticket: Ticket, outcome: Outcome, now: Timestamp) {
        // A call that is no longer counted may have outlived its thread: then it is held against all.
        let uncounted = Origin { thread: None, ..ticket.origin };
        let mut origin = self.flights.remove(&ticket.flight).unwrap_or(uncounted);
        if let Outcome::Answered(found) = outcome {
            self.seen = Some(now);
            origin.label = origin.label.join(found);
            self.raise(origin);
        }
    }

    /// Remembers that the person's model was shown what a server says of itself and of its tools, and that nobody has
    /// approved it. A description is read by the model like any page: it can tell what to write into its own tool, or
    /// into another server's.
    pub fn shown(&mut self, server: &ServerName, thread: Option<Thread>, now: Timestamp) {
        let label = Label { integrity: Integrity::Untrusted, ..Label::BOTTOM };
        self.raise(Origin { thread, source: Source::definitions(server), label, begun: now });
    }

    /// Gives the labels up, because somebody said so. Calls that run go on counting: what they bring was not read yet.
    pub fn reset(&mut self, who: &str, why: &str, now: Timestamp) -> Fallen {
        let cause = Cause::Act { who: who.to_owned(), why: why.to_owned() };
        let fallen = Fallen { label: self.settled().label(), cause, at: now };
        self.whole = Raised::default();
        self.threads.clear();
        self.seen = Some(now);
        fallen
    }

    /// Ends a thread: what was read in it counts for all others from now on. Whoever could end a session and begin
    /// another would otherwise wash its labels off.
    pub fn end(&mut self, thread: &Thread) {
        if let Some(at) = self.threads.iter().position(|(own, _)| own == thread) {
            let (_, raised) = self.threads.remove(at);
            self.whole.absorb(raised);
        }
        for flight in self.flights.values_mut() {
            flight.thread.take_if(|own| own == thread);
        }
    }

    /// Ends every thread that is a session: those of a process that is gone have ended.
    pub fn end_sessions(&mut self) {
        let sessions: Vec<Thread> = self.threads.iter().map(|(own, _)| own.clone()).collect();
        sessions.iter().filter(|own| matches!(own, Thread::Session { .. })).for_each(|own| self.end(own));
    }

    /// Joins what another has remembered of the same key: nothing that either read is lost, in whatever order they come.
    pub fn absorb(&mut self, other: Self) {
        let ended = other.ended();
        self.seen = self.seen.max(ended.seen);
        self.spent.join(ended.spent);
        self.next = self.next.max(ended.next);
        self.whole.absorb(ended.whole);
        for (thread, raised) in ended.threads {
            self.raise_by(Some(thread), raised);
        }
    }

    /// Goes on from what another has remembered, because there labels were given up since. Calls that run here go on
    /// counting.
    pub fn take_over(&mut self, other: Self) {
        let flights = std::mem::take(&mut self.flights);
        let (seen, next, spent) = (self.seen, self.next, self.spent);
        *self = other.ended();
        self.seen = self.seen.max(seen);
        self.next = self.next.max(next);
        self.spent.join(spent);
        self.flights = flights;
    }

    /// Returns what is written down: calls that run have read what they were sent for, since nobody hands their tickets
    /// back after a restart.
    #[must_use]
    pub fn ended(&self) -> Self {
        let mut ended = self.clone();
        for flight in std::mem::take(&mut ended.flights).into_values() {
            ended.raise(flight);
        }
        ended
    }

    /// Says whether both have read the same, whenever that was.
    pub fn has_read_as(&self, other: &Self) -> bool {
        self.whole == other.whole && self.threads == other.threads
    }

    /// Returns when something last happened.
    pub fn seen(&self) -> Option<Timestamp> {
        self.seen
    }

    /// Says whether calls run.
    pub fn is_busy(&self) -> bool {
        !self.flights.is_empty()
    }

    /// Returns what raised each half of the label first, for a person to read.
    pub fn marks(&self) -> (Option<Mark<Confidentiality>>, Option<Mark<Integrity>>) {
        let read = self.read_by(None);
        (read.secret, read.tainted)
    }

    /// Returns everything that was read and not given up, running calls included.
    pub fn label(&self) -> Label {
        self.read_by(None).label()
    }

    fn fall_if_idle(&mut self, rules: &Rules, now: Timestamp) -> Option<Fallen> {
        // A clock that was set back shows no time at all, so the labels stay longer and never shorter.
        let idle = now.since(self.seen?);
        if idle < rules.idle {
            return None;
        }
        let label = self.label();
        self.whole = Raised::default();
        self.threads.clear();
        // Their tickets still raise the labels when they come back; one that was lost must not count for ever.
        self.flights.clear();
        (label != Label::BOTTOM).then_some(Fallen { label, cause: Cause::Idle(idle), at: now })
    }

    fn begin(&mut self, origin: Origin, outward: u64) -> Ticket {
        self.spent.spend(outward, origin.begun);
        let flight = self.next;
        self.next = self.next.wrapping_add(1);
        if self.flights.len() < Self::MOST_FLIGHTS {
            self.flights.insert(flight, origin.clone());
        } else {
            self.raise(origin.clone());
        }
        Ticket { flight, origin }
    }

    fn raise(&mut self, origin: Origin) {
        let raised = origin.raised();
        self.raise_by(origin.thread, raised);
    }

    fn raise_by(&mut self, thread: Option<Thread>, raised: Raised) {
        let Some(thread) = thread else { return self.whole.absorb(raised) };
        if let Some((_, own)) = self.threads.iter_mut().find(|(own, _)| *own == thread) {
            return own.absorb(raised);
        }
        if self.threads.len() >= Self::MOST_THREADS {
            let (_, oldest) = self.threads.remove(0);
            self.whole.absorb(oldest);
        }
        self.threads.push((thread, raised));
    }

    /// What counts for a call of this thread. Restricted data of another thread counts as well: it is why the grant is
    /// watched at all, and a mistake in telling threads apart must not cost it.
    fn read_by(&self, thread: Option<&Thread>) -> Raised {
        let mut read = self.whole.clone();
        let mut add = |own: Option<&Thread>, raised: Raised| match (own, thread) {
            (Some(own), Some(thread)) if !own.reaches(thread) => read.absorb(raised.restricted()),
            _ => read.absorb(raised),
        };
        for (own, raised) in &self.threads {
            add(Some(own), raised.clone());
        }
        for flight in self.flights.values() {
            add(flight.thread.as_ref(), flight.raised());
        }
        read
    }

    fn settled(&self) -> Raised {
        let mut all = self.whole.clone();
        self.threads.iter().for_each(|(_, raised)| all.absorb(raised.clone()));
        all
    }
}

/// What a call sends: its arguments, and the URI it reads, which says as much as its writer likes.
fn size(call: &Call<'_>) -> u64 {
    let arguments = call.arguments.map_or(0, |arguments| arguments.raw().len());
    u64::try_from(arguments.saturating_add(call.item.name().len())).unwrap_or(u64::MAX)
}

impl Origin {
    fn raised(&self) -> Raised {
        Raised::by(&self.source, self.label, self.begun)
    }
}

impl Raised {
    /// Only the part that no thread is apart from.
    fn restricted(mut self) -> Self {
        self.tainted = None;
        self.secret.take_if(|mark| mark.level < Confidentiality::Restricted);
        self
    }
}
