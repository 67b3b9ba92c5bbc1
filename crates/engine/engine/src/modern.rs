//! What 2026-07-28 asks of answers, and what the door asks of them besides: a server behind it cannot say more, or to
//! more people, than the revision and the policies let it.

use doorward_policy::Ask;
use doorward_wire::lens::{self, EnvelopeState, ResultType, input_requests, is_round, result_type};
use doorward_wire::{Edits, Era, Frame, Method, Value};

use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::rounds::{Round, has_rounds};
use crate::snapshot::Snapshot;
use crate::stage::{Caller, Exchange};
use crate::tasks::EXTENSION;
use crate::up::LEVELS;

/// What a request lets its server send besides the answer. In 2025-11-25 it is asked of tasks alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The level it named for log messages, as a place in [`LEVELS`] (L-17).
    pub(crate) log: Option<u8>,
    /// It can fetch its answer later.
    pub(crate) task: bool,
    /// Of `subscriptions/listen`: which kinds it asked to hear of (L-16).
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) updates: bool,
    tasks: bool,
}

impl Wanted {
    /// Reads it from a request.
    pub(crate) fn of(frame: &Frame, era: Era) -> Self {
        if era == Era::Legacy {
            let task = frame.params().is_some_and(|params| params.get("task").is_some());
            return Self { task, ..Self::default() };
        }
        let asked = frame.params().and_then(|params| params.get("notifications"));
        let wants = |name: &str| {
            let value = asked.and_then(|asked| asked.get(name));
            value.is_some_and(|value| value.as_bool() == Some(true) || value.items().next().is_some())
        };
        let EnvelopeState::Present(envelope) = lens::envelope(frame) else { return Self::default() };
        let extensions = envelope.client_capabilities.get("extensions");
        Self {
            log: envelope.log_level.as_deref().and_then(rank),
            task: extensions.is_some_and(|known| known.get(EXTENSION).is_some()),
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged"),
            resources: wants("resourcesListChanged"),
            updates: wants("resourceSubscriptions"),
            tasks: wants("taskIds"),
        }
    }
}

/// Returns the place of a level of log messages among all, least severe first.
pub(crate) fn rank(level: &str) -> Option<u8> {
    LEVELS.iter().position(|known| *known == level).and_then(|at| u8::try_from(at).ok())
}

/// The answers that a client may keep (L-12).
fn is_cacheable(method: Method) -> bool {
    use Method::{Discover, PromptsList, ResourceTemplatesList, ResourcesList, ResourcesRead, ToolsList};
    matches!(
        method,
        Discover | ToolsList | PromptsList | ResourcesList | ResourceTemplatesList | ResourcesRead
    )
}

impl<P: Ports> Exchange<P> {
    /// Judges what a result says that it is, and completes what it leaves unsaid.
    pub(crate) fn judge_result(
        &self,
        result: Value<'_>,
        snapshot: &Snapshot,
        caller: &Caller,
        by_door: bool,
        edits: &mut Edits,
    ) -> Result<(), UpstreamError> {
        let malformed = |what: &str| UpstreamError::new(UpstreamFault::Malformed, what);
        match result_type(result) {
            // An old server cannot say this: what looks like it would be taken for the door's own round.
            ResultType::Task | ResultType::InputRequired if self.trail.is_down() && !by_door => {
                return Err(malformed("a server of 2025-11-25 answers in the words of 2026-07-28"));
            }
            ResultType::Unsaid => edits.insert_member(result, "resultType", r#""complete""#),
            ResultType::Complete => {}
            ResultType::Task if self.method == Method::ToolsCall && self.trail.wanted.task => {}
            ResultType::InputRequired => self.judge_input_requests(result, snapshot, caller, edits)?,
            ResultType::Task | ResultType::Unknown => {
                return Err(malformed("the result is of an unknown type"));
            }
        }
        if result_type(result) != ResultType::InputRequired
            && let Some(asked) = result.get("inputRequests").filter(|asked| !asked.is_null())
        {
            // A task that waits for input says so in the answer to whoever looks after it; no other answer has questions.
            if self.method != Method::TasksGet {
                return Err(malformed("an answer that is complete asks for input"));
            }
            self.judge_asked(asked, snapshot, caller, edits)?;
        }
        if self.method == Method::TasksGet {
            self.judge_outcome(result)?;
        }
        if is_cacheable(self.method) && result_type(result) != ResultType::InputRequired {
            // What depends on who asks must not be shared between people by a cache on the way, and what a server says
            // nothing of is not kept at all.
            match result.get("cacheScope") {
                Some(scope) if scope.is_str("private") => {}
                Some(scope) => edits.replace(scope.span(), &br#""private""#[..]),
                None => edits.insert_member(result, "cacheScope", r#""private""#),
            }
            if result.get("ttlMs").is_none() {
                edits.insert_member(result, "ttlMs", "0");
            }
        }
        Ok(())
    }

    /// Judges what the result of a new server says that it is, for an old client.
    pub(crate) fn judge_for_old(
        &self,
        frame: &Frame,
        snapshot: &Snapshot,
        caller: &Caller,
        edits: &mut Edits,
    ) -> Result<(), UpstreamError> {
        let malformed = |what: &str| UpstreamError::new(UpstreamFault::Malformed, what);
        let Some(result) = frame.result() else { return Ok(()) };
        let asked = result.get("inputRequests").filter(|asked| !asked.is_null());
        match (result_type(result), asked) {
            (ResultType::Unsaid | ResultType::Complete, None) => Ok(()),
            (ResultType::InputRequired, asked) if has_rounds(self.method) && is_round(result) => {
                asked.map_or(Ok(()), |asked| self.judge_asked(asked, snapshot, caller, edits))
            }
            (ResultType::InputRequired, _) => Err(malformed("the server asks for input where it may not")),
            (ResultType::Unsaid | ResultType::Complete, Some(_)) => {
                Err(malformed("an answer that is complete asks for input"))
            }
            (ResultType::Task | ResultType::Unknown, _) => {
                Err(malformed("the result is of a type that nobody asked for"))
            }
        }
    }

    /// What a server asks of a client by its result is asked like any request of a server's: only where the protocol has
    /// it, only what the client can, only where a policy lets it (D-01, L-13).
    fn judge_input_requests(
        &self,
        result: Value<'_>,
        snapshot: &Snapshot,
        caller: &Caller,
        edits: &mut Edits,
    ) -> Result<(), UpstreamError> {
        let malformed = |what: &str| UpstreamError::new(UpstreamFault::Malformed, what);
        let Some(rounds) = &self.rounds else {
            return Err(malformed("the server asks for input where it may not"));
        };
        if !is_round(result) {
            return Err(malformed("nobody could go on from what the server asks for"));
        }
        if let Some(asked) = result.get("inputRequests") {
            self.judge_asked(asked, snapshot, caller, edits)?;
        }
        let round = Round {
            owner: &self.caller.owner,
            server: &self.trail.server,
            method: self.method,
            name: self.trail.subject.name(),
        };
        let sealed = rounds.hand_out(result, &round, self.trail.now, edits);
        sealed.ok_or_else(|| malformed("what the server asks for cannot be sealed"))
    }

    /// Says whether the client declared that it can answer such a question; nothing where no client could.
    pub(crate) fn can(&self, method: &str, params: Option<Value<'_>>) -> Option<bool> {
        // The text is the door's own, of the protocol's words alone.
        let declared = self.seat.capabilities();
        let can = |any: &[&str]| Some(any.iter().any(|word| declared.contains(word)));
        match (method, params.and_then(|params| params.get("mode"))) {
            ("elicitation/create", Some(mode)) if mode.is_str("url") => can(&[r#""url":{}"#]),
            ("elicitation/create", mode) if mode.is_none_or(|mode| mode.is_str("form")) => {
                can(&[r#""form":{}"#, r#""elicitation":{}"#])
            }
            ("sampling/createMessage", _) => can(&[r#""sampling":"#]),
            ("roots/list", _) => can(&[r#""roots":"#]),
            _ => None,
        }
    }

    /// Judges the questions that a server puts into what it sends.
    pub(crate) fn judge_asked(
        &self,
        asked: Value<'_>,
        snapshot: &Snapshot,
        caller: &Caller,
        edits: &mut Edits,
    ) -> Result<(), UpstreamError> {
        let malformed = |what: &str| UpstreamError::new(UpstreamFault::Malformed, what);
        let requests =
            input_requests(asked).ok_or_else(|| malformed("what the server asks for cannot be read"))?;
        for request in requests {
            match self.can(&request.method, request.params) {
                Some(true) => {}
                Some(false) => return Err(malformed("the server asks for what the client did not declare")),
                None => return Err(malformed("the server asks for something that no client has")),
            }
            let ask = Ask::ServerRequest { server: &self.trail.server.name, method: &request.method };
            if snapshot.policies().decide(&caller.principal, &ask).is_err() {
                let what = format!("no policy lets the server ask for {}", request.method);
                return Err(UpstreamError::new(UpstreamFault::Unpermitted, what));
            }
            if request.method == "elicitation/create" {
                self.guard(request.params, Era::Modern, edits).map_err(UpstreamError::unasked)?;
            }
        }
        Ok(())
    }

    /// Says why a notification has no place on this stream, if it has none.
    pub(crate) fn out_of_place(&self, method: Method, frame: &Frame) -> Option<&'static str> {
        use Method::{
            Cancelled, ElicitationComplete, Message, Other, Progress, PromptsListChanged, ResourceUpdated,
            ResourcesListChanged, SubscriptionsAcknowledged, Tasks, ToolsListChanged,
        };
        let wanted = &self.trail.wanted;
        if self.method != Method::SubscriptionsListen {
            return match method {
                Message if !self.is_loud_enough(frame) => Some("log-not-asked-for"),
                ElicitationComplete => Some("notification-out-of-place"),
                SubscriptionsAcknowledged
                | ToolsListChanged
                | PromptsListChanged
                | ResourcesListChanged
                | ResourceUpdated
                | Tasks => Some("notification-out-of-place"),
                _ => None,
            };
        }
        let asked_for = self.trail.is_up() && method != Message && method != Progress;
        let asked_for = asked_for
            || match method {
                SubscriptionsAcknowledged | Other | Cancelled => true,
                ToolsListChanged => wanted.tools,
                PromptsListChanged => wanted.prompts,
                ResourcesListChanged => wanted.resources,
                ResourceUpdated => wanted.updates,
                Tasks => wanted.tasks,
                Message | Progress => false,
                _ => false,
            };
        // Another subscription's news could be another person's.
        let own = lens::subscription_id(frame)
            .zip(self.door_id)
            .is_some_and(|(id, own)| id.as_i64() == Some(own) || id.is_str(&own.to_string()));
        // An old server names none; its session is this subscription's alone.
        let own = own || self.trail.is_down();
        (!asked_for || !own).then_some("notification-out-of-place")
    }

    /// Says whether a request asked for a log message. What an old server sends is measured here: its level is that of the
    /// whole session, of which other requests may have asked more.
    fn is_loud_enough(&self, frame: &Frame) -> bool {
        let Some(wanted) = self.trail.wanted.log else { return false };
        let level = frame.params().and_then(|params| params.get("level")).and_then(|level| level.as_str());
        !self.trail.is_down() || level.as_deref().and_then(rank).is_some_and(|level| level >= wanted)
    }
}
