//! What comes back from a server, judged before it is released: one final answer, or one event of a stream.

use std::collections::HashSet;

use bytes::Bytes;
use doorward_policy::{Ask, Item};
use doorward_wire::lens::{ResultType, retain_items};
use doorward_wire::{
    Direction, Edits, Era, Frame, FrameKind, Id, Kind, Method, Value, headers, lens, quote, translate,
};

use crate::content::budget::OVER;
use crate::down::{self, Question};
use crate::eyes::Listed;
use crate::guard::Unasked;
use crate::inspect::is_door_id;
use crate::leaks::WITHHELD;
use crate::pinned::{List, Pinned};
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::{Done, Ending};
use crate::refusal::URL_ELICITATION;
use crate::rounds::has_rounds;
use crate::session::opens_urls;
use crate::sessions::{Asker, Bridged};
use crate::snapshot::Snapshot;
use crate::stage::{Caller, Exchange};
use crate::tasks;
use crate::up;

/// A final answer that may be released.
pub(crate) struct JudgedAnswer {
    pub(crate) frame: Frame,
    pub(crate) bytes: Bytes,
    pub(crate) ending: Ending,
}

/// What became of one event.
pub(crate) enum JudgedEvent {
    /// Release these bytes.
    Pass(Bytes),
    /// Release these bytes, once what the message says has been read beside the others that came with it.
    Said(Frame, Bytes),
    /// The final answer.
    Final(JudgedAnswer),
    /// Not released; the reason's stable name. The stream goes on.
    Dropped(&'static str),
    /// A request of the server that the caller's policies do not let through: the server is told so.
    Declined(Id),
    /// A question of the server that must not reach the person: the server is told no, and somebody should look.
    Unasked(Id, Unasked),
    /// A ping of the server, which the door answers itself.
    Pinged(Id),
    /// The server says that its offer changed: what is known of it is old. The bytes are released, where they have a place.
    Changed(Option<Bytes>),
    /// A question of an old server on the call of a new client: the call waits for the answer.
    Asked(Question),
    /// Nothing that the client could use, and nothing to remark on.
    Nothing,
}

/// Says whether a tool of 2025-11-25 can be called as a task alone, which the newer revision has in another form.
pub(crate) fn wants_task(tool: Value<'_>) -> bool {
    tool.path(&["execution", "taskSupport"]).is_some_and(|support| support.is_str("required"))
}

fn malformed(what: impl Into<String>) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Malformed, what)
}

impl<P: Ports> Exchange<P> {
    /// Judges a final answer: strictly parsed, to this very request, its lists cut to what the caller may see.
    pub(crate) async fn judge_answer(&self, bytes: Bytes) -> Result<JudgedAnswer, UpstreamError> {
        let limits = &self.trail.server.answer_limits;
        let (frame, _) = Frame::parse_result(bytes, limits).map_err(|error| malformed(error.to_string()))?;
        if frame.kind() != FrameKind::Response {
            return Err(malformed("the answer is not a response"));
        }
        // A server that could not read the request answers without an id; any other id is another request's (two
        // answers, foreign ids).
        if frame.id().is_some() && !is_door_id(&frame, self.door_id) {
            return Err(malformed("the answer is to another request"));
        }
        self.judge_final(frame, &self.trail.snapshot, &self.caller, false).await
    }

    /// Judges a round that the door itself answers with, in the place of a server that cannot.
    pub(crate) async fn judge_own(
        &self,
        bytes: Bytes,
        snapshot: &Snapshot,
        caller: &Caller,
    ) -> Result<JudgedAnswer, UpstreamError> {
        let limits = &self.trail.server.answer_limits;
        let (frame, _) = Frame::parse_result(bytes, limits).map_err(|error| malformed(error.to_string()))?;
        self.judge_final(frame, snapshot, caller, true).await
    }

    async fn judge_final(
        &self,
        frame: Frame,
        snapshot: &Snapshot,
        caller: &Caller,
        by_door: bool,
    ) -> Result<JudgedAnswer, UpstreamError> {
        if self.trail.is_down()
            && let Some(door_id) = self.door_id.filter(|_| has_rounds(self.method))
            && opens_urls(self.seat.capabilities())
            && let Some(round) = down::addresses_of(&frame, door_id)
        {
            return Box::pin(self.judge_own(round, snapshot, caller)).await;
        }
        let cut = self.cut_lists(&frame, snapshot, caller).or_else(|| self.cut_words(&frame));
        let frame = match cut {
            Some(bytes) => {
                Frame::parse_result(bytes, &self.trail.server.answer_limits)
                    .map_err(|error| malformed(format!("after cutting a list: {error}")))?
                    .0
            }
            None => frame,
        };
        let frame = self.shield(frame, snapshot, caller)?;
        let (frame, mut edits) = self.regard(frame, snapshot).await?;
        let frame = self.afford(frame)?;
        let ending = match (frame.error(), frame.result()) {
            (Some(_), _) => Ending::Error,
            (_, Some(result)) if result.get("isError").and_then(|value| value.as_bool()) == Some(true) => {
                Ending::Error
            }
            (_, Some(result))
                if self.is_modern() && lens::result_type(result) == ResultType::InputRequired =>
            {
                Ending::Asked
            }
            (_, Some(result)) if self.method == Method::TasksGet && tasks::failed(result) => Ending::Error,
            _ => Ending::Result,
        };
        let client_id = self.trail.id.as_ref().map_or_else(|| "null".to_owned(), Id::to_json);
        match frame.id_value() {
            Some(value) => edits.replace(value.span(), client_id.clone()),
            None => edits.insert_member(frame.root(), "id", &client_id),
        }
        if self.trail.is_up() {
            self.judge_for_old(&frame, snapshot, caller, &mut edits)?;
            up::answer_of(&frame, self.method, &mut edits);
        } else if let Some(result) = frame.result() {
            if self.trail.era == Era::Modern {
                self.judge_result(result, snapshot, caller, by_door, &mut edits)?;
            }
            self.own_subscription(result, &client_id, &mut edits);
            self.note_task(result)?;
        } else if self.trail.is_down() {
            down::error_of(&frame, self.method, self.trail.subject.name(), &mut edits);
        }
        if let Some(error) = frame.error().filter(|_| !self.trail.is_down()) {
            self.judge_needed(error, snapshot, caller, &mut edits)?;
        }
        let bytes = edits.apply(frame.tree()).map_err(|error| malformed(error.to_string()))?;
        Ok(JudgedAnswer { frame, bytes, ending })
    }

    /// Says whether one side at least speaks the revision whose results say what they are.
    fn is_modern(&self) -> bool {
        self.trail.era == Era::Modern || self.trail.behind == Era::Modern
    }

    /// Cuts what the caller may not see out of a list, and what breaks the rules: the second of two tools with one
    /// name, and tools whose `x-mcp-header` is invalid (T-21).
    fn cut_lists(&self, frame: &Frame, snapshot: &Snapshot, caller: &Caller) -> Option<Bytes> {
        frame.result().filter(|_| !self.trail.server.unabridged)?;
        let (policies, who, server) = (snapshot.policies(), &caller.principal, &self.trail.server.name);
        let text = |value: Value<'_>, member: &str| {
            value.get(member).and_then(|v| v.as_str().map(|s| s.into_owned()))
        };
        let mut seen = HashSet::new();
        // Most answers are no lists.
        let result = frame.result().filter(|_| self.method == Method::ToolsList);
        let tools = result.and_then(|result| result.get("tools"));
        let listed = tools.map_or_else(Listed::default, |tools| Listed::of(tools.items(), server, snapshot));
        let (rules, offer) = (&self.trail.server, self.trail.offer.as_ref());
        let passes = |list: List, item: Value<'_>| {
            let passes = Pinned::rules(&self.eyes, rules, offer, (list, item), &listed, self.trail.now);
            if !passes {
                self.trail.notes.add("definition-left-out", Done::Edited);
            }
            passes
        };
        match self.method {
            Method::ToolsList => retain_items(frame, "tools", |tool| {
                let valid =
                    tool.get("inputSchema").is_none_or(|schema| headers::x_mcp_headers(schema).is_ok());
                text(tool, "name").is_some_and(|name| {
                    valid
                        && !(self.trail.is_down() && wants_task(tool))
                        && policies.sees(who, server, Item::Tool(&name))
                        && seen.insert(name)
                        && passes(List::Tools, tool)
                })
            }),
            Method::PromptsList => retain_items(frame, "prompts", |prompt| {
                text(prompt, "name").is_some_and(|name| policies.sees(who, server, Item::Prompt(&name)))
                    && passes(List::Prompts, prompt)
            }),
            Method::ResourcesList => retain_items(frame, "resources", |resource| {
                text(resource, "uri").is_some_and(|uri| policies.sees(who, server, Item::Resource(&uri)))
                    && passes(List::Resources, resource)
            }),
            Method::ResourceTemplatesList => retain_items(frame, "resourceTemplates", |template| {
                text(template, "uriTemplate")
                    .is_some_and(|uri| policies.sees(who, server, Item::Resource(&uri)))
                    && passes(List::Templates, template)
            }),
            Method::TasksList => retain_items(frame, "tasks", |task| self.owns(task, snapshot, caller)),
            _ => None,
        }
    }

    /// A subscription is named by the id of the request that opened it: the client's, not the door's (L-16).
    fn own_subscription(&self, holder: Value<'_>, client_id: &str, edits: &mut Edits) {
        if self.method == Method::SubscriptionsListen
            && let Some(named) = holder.path(&["_meta", lens::META_SUBSCRIPTION_ID])
        {
            edits.replace(named.span(), client_id.to_owned());
        }
    }

    /// Reads one event.
    pub(crate) fn hear_event(&self, bytes: Bytes) -> Result<Frame, UpstreamError> {
        let limits = &self.trail.server.answer_limits;
        let parsed = Frame::parse_result(bytes, limits);
        parsed.map(|(frame, _)| frame).map_err(|error| malformed(error.to_string()))
    }

    /// Judges one event under the snapshot and caller of now (D-03).
    pub(crate) async fn judge_event(
        &self,
        frame: Frame,
        snapshot: &Snapshot,
        caller: &Caller,
        next_id: impl FnOnce() -> i64 + Send,
    ) -> Result<JudgedEvent, UpstreamError> {
        match frame.kind() {
            FrameKind::Response if self.door_id.is_some() && is_door_id(&frame, self.door_id) => {
                self.judge_final(frame, snapshot, caller, false).await.map(JudgedEvent::Final)
            }
            FrameKind::Response => Ok(JudgedEvent::Dropped("response-to-another-request")),
            FrameKind::Notification if self.is_over(&frame) => Ok(JudgedEvent::Dropped(OVER)),
            FrameKind::Request if self.is_over(&frame) => {
                Ok(frame.id().cloned().map_or(JudgedEvent::Dropped(OVER), JudgedEvent::Declined))
            }
            FrameKind::Notification => {
                let Some(frame) = self.shield_said(frame, caller)? else {
                    return Ok(JudgedEvent::Dropped(WITHHELD));
                };
                match self.judge_notification(&frame, snapshot, caller)? {
                    JudgedEvent::Pass(bytes) if self.says(&frame) => Ok(JudgedEvent::Said(frame, bytes)),
                    judged => Ok(judged),
                }
            }
            FrameKind::Request => {
                let asked = frame.id().cloned();
                let Some(frame) = self.shield_said(frame, caller)? else {
                    return Ok(asked.map_or(JudgedEvent::Dropped(WITHHELD), JudgedEvent::Declined));
                };
                // Where it is put aside it is read as the round that it becomes.
                if let (Some(asked), false, Era::Legacy) =
                    (frame.id(), self.trail.is_down(), self.trail.behind)
                    && !self.regard_said(&frame, snapshot).await.0
                {
                    return Ok(JudgedEvent::Unasked(asked.clone(), Unasked::Injected));
                }
                Ok(self.judge_request(&frame, snapshot, caller, next_id))
            }
        }
    }

    fn judge_notification(
        &self,
        frame: &Frame,
        snapshot: &Snapshot,
        caller: &Caller,
    ) -> Result<JudgedEvent, UpstreamError> {
        let name = frame.method().unwrap_or_default();
        let method = Method::of(name);
        let known = method.known_in(self.trail.behind, Direction::ServerToClient, FrameKind::Notification);
        if !known && method == Method::Other {
            let ask = Ask::Other { server: &self.trail.server.name, method: name };
            if snapshot.policies().decide(&caller.principal, &ask).is_err() {
                return Ok(JudgedEvent::Dropped("unknown-notification"));
            }
        } else if !known {
            return Ok(JudgedEvent::Dropped("notification-out-of-place"));
        }
        let changed = matches!(method, Method::ToolsListChanged | Method::PromptsListChanged)
            || method == Method::ResourcesListChanged && self.trail.server.pins.is_some();
        if (self.trail.era == Era::Modern || self.is_subscription())
            && let Some(reason) = self.out_of_place(method, frame)
        {
            // An old server says that its lists changed wherever it can: the door believes it, whoever is told.
            let told = if changed { JudgedEvent::Changed(None) } else { JudgedEvent::Dropped(reason) };
            return Ok(told);
        }
        if self.trail.is_up() && matches!(method, Method::SubscriptionsAcknowledged | Method::Tasks) {
            return Ok(JudgedEvent::Nothing);
        }
        let mut edits = Edits::new();
        if let (Method::Tasks | Method::TaskStatus, Some(task)) = (method, frame.params()) {
            if !self.owns(task, snapshot, caller) {
                return Ok(JudgedEvent::Dropped("foreign-task"));
            }
            let asked = task.get("inputRequests");
            let asked = asked.map_or(Ok(()), |asked| self.judge_asked(asked, snapshot, caller, &mut edits));
            if let Err(error) = asked.and_then(|()| self.judge_outcome(task)) {
                return Ok(JudgedEvent::Dropped(error.fault.id()));
            }
        }
        match method {
            Method::Progress => {
                // Progress of another call, or for a token nobody gave, is not this caller's (S7).
                let own = frame.progress_token().and_then(|token| token.as_i64()) == self.door_id;
                let (Some(token), Some(client), true) = (frame.progress_token(), &self.progress, own) else {
                    return Ok(JudgedEvent::Dropped("foreign-progress-token"));
                };
                edits.replace(token.span(), client.as_bytes());
            }
            // A server gives up what it asked this client: the client knows that by the door's id. Of anything else it
            // has nothing to give up here.
            Method::Cancelled => {
                let session = self.seat.session();
                let given_up = lens::cancelled_id(frame)
                    .and_then(|id| session.and_then(|session| session.given_up(&id)));
                let (Some(door_id), Some(value)) = (given_up, lens::cancelled_value(frame)) else {
                    return Ok(JudgedEvent::Dropped("foreign-cancellation"));
                };
                edits.replace(value.span(), door_id.to_string());
            }
            Method::ToolsListChanged | Method::PromptsListChanged | Method::ResourcesListChanged => {}
            Method::ResourceUpdated => {
                let uri = frame.params().and_then(|params| params.get("uri")).and_then(|uri| uri.as_str());
                let seen = uri.as_ref().is_some_and(|uri| {
                    snapshot.policies().sees(&caller.principal, &self.trail.server.name, Item::Resource(uri))
                });
                if !seen {
                    return Ok(JudgedEvent::Dropped("resource-unseen"));
                }
                // In a child that several share, an old server tells of what any of them wants to hear of (L-16).
                if !uri.is_some_and(|uri| self.subscribed_to(&uri)) {
                    return Ok(JudgedEvent::Dropped("notification-out-of-place"));
                }
            }
            _ => {}
        }
        if self.is_subscription() && self.trail.is_up() {
            up::unnamed(frame, &mut edits);
        } else if self.is_subscription() && self.trail.is_down() {
            self.trail.id.iter().for_each(|id| down::named(frame, id, &mut edits));
        } else if let Some(params) = frame.params() {
            let client_id = self.trail.id.as_ref().map_or_else(|| "null".to_owned(), Id::to_json);
            self.own_subscription(params, &client_id, &mut edits);
        }
        let bytes = if edits.is_empty() {
            frame.bytes().clone()
        } else {
            edits.apply(frame.tree()).map_err(|error| malformed(error.to_string()))?
        };
        Ok(if changed { JudgedEvent::Changed(Some(bytes)) } else { JudgedEvent::Pass(bytes) })
    }

    /// Says whether a new client's subscription at an old server is one to this resource; what else listens is told by its own
    /// filter.
    fn subscribed_to(&self, uri: &str) -> bool {
        match self.seat.session().map(|session| &session.bridged) {
            Some(Bridged::Down(down)) => down.has_honoured(uri),
            _ => true,
        }
    }

    pub(crate) fn is_subscription(&self) -> bool {
        self.method == Method::SubscriptionsListen
    }

    /// A request of the server to the client: legacy only, only in a session, only where a policy lets it.
    fn judge_request(
        &self,
        frame: &Frame,
        snapshot: &Snapshot,
        caller: &Caller,
        next_id: impl FnOnce() -> i64,
    ) -> JudgedEvent {
        let Some(asked) = frame.id() else { return JudgedEvent::Dropped("request-without-id") };
        if self.trail.behind == Era::Modern {
            return JudgedEvent::Dropped("server-request-in-modern-era");
        }
        let method = frame.method().unwrap_or_default();
        if Method::of(method) == Method::Ping {
            return JudgedEvent::Pinged(asked.clone());
        }
        let known = Method::of(method).known_in(Era::Legacy, Direction::ServerToClient, FrameKind::Request);
        let ask = Ask::ServerRequest { server: &self.trail.server.name, method };
        let permitted = known && snapshot.policies().decide(&caller.principal, &ask).is_ok();
        let Some(session) = self.seat.session().filter(|_| permitted) else {
            return JudgedEvent::Declined(asked.clone());
        };
        let mut edits = Edits::new();
        let elicits = method == "elicitation/create";
        if elicits && let Err(why) = self.guard(frame.params(), Era::Legacy, &mut edits) {
            return JudgedEvent::Unasked(asked.clone(), why);
        }
        if self.trail.is_down() {
            // Asked for where a client of 2026-07-28 can be asked: of the calls that have rounds, for what it declared.
            let can = has_rounds(self.method) && self.can(method, frame.params()) == Some(true);
            let params =
                frame.params().map(|params| translate::without(Some(params), &["elicitationId", "_meta"]));
            let params = params.map_or_else(String::new, |params| format!(r#","params":{params}"#));
            let question = Question {
                id: asked.clone(),
                request: format!(r#""method":{}{params}"#, quote(method)),
                elicits,
            };
            return if can { JudgedEvent::Asked(question) } else { JudgedEvent::Declined(asked.clone()) };
        }
        let id = next_id();
        let Some(value) = frame.id_value().filter(|_| session.ask(id, Asker::Server(asked.clone()), elicits))
        else {
            return JudgedEvent::Declined(asked.clone());
        };
        edits.replace(value.span(), id.to_string());
        match edits.apply(frame.tree()) {
            Ok(bytes) => JudgedEvent::Pass(bytes),
            Err(_) => JudgedEvent::Declined(asked.clone()),
        }
    }

    /// What a person must open before their request is served is a question too, though it comes as an error.
    fn judge_needed(
        &self,
        error: Value<'_>,
        snapshot: &Snapshot,
        caller: &Caller,
        edits: &mut Edits,
    ) -> Result<(), UpstreamError> {
        let needed = error.get("code").is_some_and(|code| code.as_i64() == Some(URL_ELICITATION));
        let Some(asked) = error.path(&["data", "elicitations"]).filter(|_| needed) else { return Ok(()) };
        let ask = Ask::ServerRequest { server: &self.trail.server.name, method: "elicitation/create" };
        if snapshot.policies().decide(&caller.principal, &ask).is_err() {
            let what = "no policy lets the server ask for elicitation/create";
            return Err(UpstreamError::new(UpstreamFault::Unpermitted, what));
        }
        // A list of anything else than addresses would be read by nobody here, and by the client as it likes.
        if asked.kind() != Kind::Array
            || !asked.items().all(|item| item.get("mode").is_some_and(|mode| mode.is_str("url")))
        {
            return Err(UpstreamError::unasked(Unasked::Malformed));
        }
        asked
            .items()
            .try_for_each(|item| self.guard(Some(item), Era::Legacy, edits))
            .map_err(UpstreamError::unasked)
    }

    /// Makes the one error that ends a stream whose server failed.
    pub(crate) fn error_event(&self, message: &str) -> Option<Bytes> {
        self.door_id?;
        let id = self.trail.id.as_ref()?.to_json();
        let message = quote(message);
        Some(Bytes::from(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":{message}}}}}"#
        )))
    }
}
