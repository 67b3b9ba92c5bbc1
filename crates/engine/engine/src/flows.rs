//! The flow step: may this call carry what was read to where it goes? Labels say it, and never a word of the content, so it
//! holds with every detector off (D-20, D-21).
//!
//! What was read is kept for each key in memory, and written down before the answer that raised it is released: whoever
//! kills the door in between, or starts a second one beside it, washes nothing off.

mod question;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_flow::{Approved, Approver, Call, Key, Labels, Rules, Thread, Verdict};
use doorward_oauth::{CallerKind, Identity};
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Era, Frame, Method};

use self::question::{Carries, call_digest};
pub(crate) use self::state::{Flows, Passage};
use crate::door::Door;
use crate::ports::{Approval, Plea, Ports};
use crate::record::Done;
use crate::refusal::{Held, Reason, Refusal, Withheld};
use crate::session::Seat;
use crate::stage::{Caller, Exchange, Permitted, Step, Trail};

/// What the configuration says of labels: the same for every server of a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRules {
    /// What is done about them.
    pub mode: FlowMode,
    /// What each tool, resource and prompt is.
    pub labels: Labels,
    /// What else the rule is made of.
    pub rules: Rules,
    /// The member of `_meta` in which a client that is believed names its conversation.
    pub conversation: Option<Box<str>>,
    /// Servers whose definitions may be believed.
    pub definitions_trusted: BTreeSet<ServerName>,
}

/// What is done about labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowMode {
    /// Calls are asked about, and refused.
    Enforce,
    /// They pass, and records say what would have been done.
    Record,
    /// Nothing is remembered.
    Off,
}

impl FlowRules {
    /// No labels: nothing is remembered, and everything passes.
    pub fn off() -> Self {
        Self {
            mode: FlowMode::Off,
            labels: Labels::default(),
            rules: Rules::default(),
            conversation: None,
            definitions_trusted: BTreeSet::new(),
        }
    }
}

/// Judges by labels what is about to be sent. It comes after everything that edits a frame, and sees what will leave
/// (D-02).
pub(crate) async fn flow<P: Ports>(
    door: &Door<P>,
    mut permitted: Box<Permitted<P>>,
) -> Step<Box<Permitted<P>>> {
    let rules = Arc::clone(&permitted.trail.server.flow);
    if rules.mode == FlowMode::Off {
        return Ok(permitted);
    }
    let passage = match Carries::of(&permitted.frame, permitted.method) {
        Some(carries) => judge(door, &permitted, &rules, &carries).await,
        None => return Ok(permitted),
    };
    match passage {
        Ok(passage) => permitted.passage = Some(Arc::new(passage)),
        Err(refusal) => return Err(permitted.trail.refused(*refusal)),
    }
    Ok(permitted)
}

async fn judge<P: Ports>(
    door: &Door<P>,
    permitted: &Permitted<P>,
    rules: &FlowRules,
    carries: &Carries<'_>,
) -> Result<Passage, Box<Refusal>> {
    let Permitted { trail, caller, seat, .. } = permitted;
    let (identity, now) = (&caller.identity, trail.now);
    let server = &trail.server.name;
    let key = key_of(&door.ports, identity);
    let state = door.flows.of(&key);
    if let Some(fallen) = state.refresh(&door.ports, server, now).await.map_err(|()| unavailable())? {
        door.ports.labels_fell(identity, &fallen).await;
    }
    let call = Call {
        server,
        item: carries.item(),
        arguments: carries.arguments,
        digest: call_digest(&key, trail, caller, permitted.definition, carries),
        thread: thread(rules, trail, caller, seat, &permitted.frame),
    };
    let judged = state.before(&call, None, rules, now);
    if let Some(fallen) = &judged.fallen {
        door.ports.labels_fell(identity, fallen).await;
    }
    let reason = match judged.verdict {
        Verdict::Pass(ticket) => return Ok(Passage::new(state, ticket, now)),
        verdict if rules.mode == FlowMode::Record => {
            let (what, reason) = match verdict {
                Verdict::Block(reason) => ("flow-refused", reason),
                Verdict::NeedsApproval(reason) => ("approval-needed", reason),
                Verdict::Pass(ticket) => return Ok(Passage::new(state, ticket, now)),
            };
            trail.notes.add(what, Done::Seen);
            door.ports.labels_noted(server, what, &reason.for_record());
            let ticket = state.unjudged(&call, rules, now);
            return Ok(Passage::new(state, ticket, now));
        }
        Verdict::Block(reason) => {
            let why = if reason.is_over_calls() { Withheld::OverCalls } else { Withheld::Never };
            return Err(refused(why, &reason));
        }
        Verdict::NeedsApproval(reason) => reason,
    };
    let bound = reason.bound();
    let person = reason.for_person();
    let plea = Plea {
        identity,
        server,
        method: carries.method.name(),
        name: carries.name(),
        arguments: carries.shown(),
        bound: &bound,
        why: &person,
        approver: reason.approver().unwrap_or(Approver::Another),
        now,
    };
    let by = match door.ports.approval(plea).await {
        Approval::Given(by) => by,
        Approval::Wait { reference, url } => {
            return Err(refused(Withheld::Until { reference, url, person }, &reason));
        }
        Approval::Refused => return Err(refused(Withheld::Refused, &reason)),
        Approval::Silence => return Err(refused(Withheld::Unanswered, &reason)),
        Approval::Nobody(why) => return Err(refused(Withheld::NobodyToAsk(why), &reason)),
        Approval::Full => return Err(refused(Withheld::TooMany, &reason)),
        Approval::Unavailable => return Err(unavailable()),
    };
    // Looked at once more: what was read while a person made up their mind is not what they were told of.
    match state.before(&call, Some(Approved::consumed(bound, by)), rules, now).verdict {
        Verdict::Pass(ticket) => Ok(Passage::new(state, ticket, now)),
        Verdict::Block(reason) | Verdict::NeedsApproval(reason) => Err(refused(Withheld::Changed, &reason)),
    }
}

fn refused(why: Withheld, reason: &doorward_flow::Reason) -> Box<Refusal> {
    let told = reason.for_record();
    let held = Held { why, text: told.clone(), help: reason.help() };
    Box::new(Refusal::because(Reason::Labels(Box::new(held)), told))
}

fn unavailable() -> Box<Refusal> {
    Box::new(Refusal::because(Reason::LabelsUnavailable, "what was read cannot be looked up or kept"))
}

/// Whose labels they are. Connections and sessions prove nothing (D-20).
fn key_of<P: Ports>(ports: &P, identity: &Identity) -> Key {
    if let Some(user) = ports.local_user() {
        return Key::LocalUser(user);
    }
    match (identity.kind(), identity.grant()) {
        (CallerKind::App, _) => Key::App(identity.tenant().clone(), identity.client().clone()),
        (CallerKind::User, Some(grant)) => Key::Grant(identity.person(), grant),
        (CallerKind::User, None) => Key::Client(identity.person(), identity.client().clone()),
    }
}

/// What narrows a frame, where its client is believed.
fn thread<P: Ports>(
    rules: &FlowRules,
    trail: &Trail,
    caller: &Caller,
    seat: &Seat<P>,
    frame: &Frame,
) -> Option<Thread> {
    // Sessions that the door holds at old servers are none of the client's.
    let session = seat.session().filter(|_| trail.era == Era::Legacy).map(|session| named(session.id()));
    let session = session.as_deref().map(|id| (&trail.server.name, id));
    let meta = frame.params().and_then(|params| params.get("_meta"));
    let conversation = rules.conversation.as_deref().and_then(|member| meta?.get(member));
    let conversation = conversation.and_then(|id| id.as_str());
    rules.rules.thread(caller.identity.client(), session, conversation.as_deref())
}

/// A session's id opens what is in it, with its owner's token: what is written down is a digest of it.
pub(crate) fn named(session: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, session.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl<P: Ports> Exchange<P> {
    /// Writes down what an answer is about to raise. Nothing of it leaves before: a door that is killed would start anew
    /// without it, with a model that has read it.
    pub(crate) async fn raise(&self, door: &Door<P>, streams: bool) -> Result<(), Refusal> {
        let rules = &self.trail.server.flow;
        if rules.mode == FlowMode::Off {
            return Ok(());
        }
        let now = self.trail.now;
        let mut touched = None;
        if let Some(passage) = &self.passage {
            if !streams {
                passage.answered(now);
            }
            touched = Some(Arc::clone(passage.state()));
        }
        if self.shows_definitions(door) {
            let state = match touched.take() {
                Some(state) => state,
                None => door.flows.of(&key_of(&door.ports, &self.caller.identity)),
            };
            let server = &self.trail.server.name;
            if let Some(fallen) =
                state.refresh(&door.ports, server, now).await.map_err(|()| *unavailable())?
            {
                door.ports.labels_fell(&self.caller.identity, &fallen).await;
            }
            let thread = rules.rules.thread(
                self.caller.identity.client(),
                self.seat
                    .session()
                    .filter(|_| self.trail.era == Era::Legacy)
                    .map(|session| named(session.id()))
                    .as_deref()
                    .map(|id| (server, id)),
                None,
            );
            state.shown(server, thread, now);
            touched = Some(state);
        }
        match touched {
            Some(state) => state
                .write(&door.ports, &self.trail.server.name, &rules.rules, now)
                .await
                .map_err(|()| *unavailable()),
            None => Ok(()),
        }
    }

    /// Ends what the stream of an answer raised.
    pub(crate) async fn raised(&self, door: &Door<P>) -> Result<(), Refusal> {
        let Some(passage) = &self.passage else { return Ok(()) };
        let now = door.ports.now();
        passage.answered(now);
        let rules = &self.trail.server.flow.rules;
        let server = &self.trail.server.name;
        passage.state().write(&door.ports, server, rules, now).await.map_err(|()| *unavailable())
    }

    /// A list of what a server has, and its word on how to use it, are read by the model like any page.
    fn shows_definitions(&self, door: &Door<P>) -> bool {
        let shows = matches!(
            self.method,
            Method::Initialize
                | Method::Discover
                | Method::ToolsList
                | Method::PromptsList
                | Method::ResourcesList
                | Method::ResourceTemplatesList
        );
        let server = &self.trail.server;
        shows
            && !server.flow.definitions_trusted.contains(&server.name)
            && !door.ports.approved_definitions(&server.name)
    }
}

impl<P: Ports> Door<P> {
    /// Forgets labels that have fallen; called from time to time.
    pub(crate) fn sweep_labels(&self, now: Timestamp) {
        let idle = self.snapshot().servers().next().map(|server| server.flow.rules.idle);
        if let Some(idle) = idle {
            self.flows.sweep(idle, now);
        }
    }
}
