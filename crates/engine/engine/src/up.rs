//! An old client before a new server: the door holds the session that the server does not know, says with each request what
//! the client said once, and turns what a server asks by its results into the requests that the client understands.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use doorward_wire::lens::{self, META_SUBSCRIPTION_ID};
use doorward_wire::translate::{Sender, initialize_of, result_to_legacy, to_modern};
use doorward_wire::{Edits, Frame, FrameKind, Id, LEGACY, LEGACY_SERVED, Limits, Method, Value, quote};

use crate::bridge::{Local, errands, is_of_tasks};
use crate::catalogue::single;
use crate::change::Change;
use crate::door::Door;
use crate::errand::{Errand, ErrandKind};
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::refusal::Reason;
use crate::session::Seat;
use crate::sessions::{Asker, Bridged, Session};
use crate::stage::{Asked, Exchange, Trail};

/// A client's name for itself is said to servers only up to this length, in bytes: it is kept for as long as the session.
const MOST_INFO: usize = 2_048;
/// Resources that one session may subscribe to, and the longest name of one, in bytes.
const MOST_SUBSCRIPTIONS: usize = 256;
const LONGEST_URI: usize = 2_048;
/// The levels of log messages (RFC 5424, as both revisions list them), least severe first.
pub(crate) const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// What the door keeps of a client's session for a server that has none.
#[derive(Default)]
pub(crate) struct Up {
    client_info: Option<Box<str>>,
    /// Which lists the server says that it tells the changes of, as `subscriptions/listen` names them.
    lists: Vec<&'static str>,
    wishes: Mutex<Wishes>,
    /// Announced when the client wants to hear of other things than before.
    pub(crate) changed: Change,
}

#[derive(Default)]
struct Wishes {
    level: Option<&'static str>,
    subscriptions: BTreeSet<Arc<str>>,
    /// Counts the streams that the client opened to listen: only the newest is served, each message once (T-28).
    listener: u64,
}

/// What a client says of itself when it greets.
pub(crate) struct Greeter {
    client_info: Option<Box<str>>,
}

impl Greeter {
    /// Begins what the door keeps, with what the server tells the changes of by its answer.
    pub(crate) fn greeted(&self, result: Value<'_>) -> Up {
        let tells = |of: &str| {
            let told = result.path(&["capabilities", of, "listChanged"]);
            told.and_then(|told| told.as_bool()) == Some(true)
        };
        let lists = [("tools", "toolsListChanged"), ("prompts", "promptsListChanged")];
        let lists = lists.into_iter().chain([("resources", "resourcesListChanged")]);
        let lists = lists.filter(|(of, _)| tells(of)).map(|(_, name)| name).collect();
        Up { client_info: self.client_info.clone(), lists, ..Up::default() }
    }
}

impl Up {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_level(&self, level: &'static str) {
        self.wishes().level = Some(level);
    }

    fn has_room(&self, uri: &str) -> bool {
        uri.len() <= LONGEST_URI && self.wishes().subscriptions.len() < MOST_SUBSCRIPTIONS
    }

    pub(crate) fn subscribe(&self, uri: Arc<str>, on: bool) {
        let mut wishes = self.wishes();
        let changed = if on { wishes.subscriptions.insert(uri) } else { wishes.subscriptions.remove(&uri) };
        drop(wishes);
        if changed {
            self.changed.announce();
        }
    }

    /// Says whether a stream is still the one that listens.
    pub(crate) fn is_newest(&self, listener: u64) -> bool {
        self.wishes().listener == listener
    }

    /// Begins to listen in place of whoever listened before; returns the listener's number.
    fn next_listener(&self) -> u64 {
        let mut wishes = self.wishes();
        wishes.listener += 1;
        let own = wishes.listener;
        drop(wishes);
        self.changed.announce();
        own
    }

    /// Puts a request into the words of the server.
    fn envelop(&self, frame: &Frame, capabilities: &str) -> Option<Frame> {
        let level = self.wishes().level.map(quote);
        let sender =
            Sender { capabilities, client_info: self.client_info.as_deref(), log_level: level.as_deref() };
        to_modern(frame, &sender).ok()
    }

    /// Writes the request that listens for all that the client wants to hear of now.
    pub(crate) fn listening(&self, id: i64, capabilities: &str, limits: &Limits) -> Option<Frame> {
        let wishes = self.wishes();
        let mut filter: Vec<_> = self.lists.iter().map(|name| format!("{}:true", quote(name))).collect();
        if !wishes.subscriptions.is_empty() {
            let uris: Vec<_> = wishes.subscriptions.iter().map(|uri| quote(uri)).collect();
            filter.push(format!(r#""resourceSubscriptions":[{}]"#, uris.join(",")));
        }
        drop(wishes);
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"subscriptions/listen","params":{{"notifications":{{{}}}}}}}"#,
            filter.join(",")
        );
        self.envelop(&Frame::parse(Bytes::from(text), limits).ok()?, capabilities)
    }
}

/// Puts what an old client says into the words of a new server.
pub(crate) fn cross<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    seat: &Seat<P>,
    asked: Asked,
) -> Result<Asked, Reason> {
    let session = seat.session();
    let up = session.and_then(|session| match &session.bridged {
        Bridged::Up(up) => Some(up),
        _ => None,
    });
    let limits = &trail.server.request_limits;
    let (frame, method) = match asked {
        Asked::Leave | Asked::Resume => return Ok(asked),
        Asked::Listen => {
            // The stream on which an old server speaks unasked is a subscription at a new one.
            let up = up.ok_or(Reason::SessionMissing)?;
            trail.listener = up.next_listener();
            let frame = up.listening(door.next_id(), seat.capabilities(), limits).ok_or(Reason::Busy)?;
            return Ok(Asked::Frame { frame, method: Method::SubscriptionsListen });
        }
        Asked::Frame { frame, method } => (frame, method),
    };
    trail.local = match (frame.kind(), method) {
        (FrameKind::Response, _) | (_, Method::Cancelled) => None,
        (FrameKind::Notification, _) => Some(Local::Taken),
        (_, Method::Initialize) => Some(greeting_of(&frame)),
        (_, Method::Ping) => Some(Local::Ping),
        (_, Method::LoggingSetLevel) => {
            let level = frame.params().and_then(|params| params.get("level"));
            let level = LEVELS.into_iter().find(|word| level.is_some_and(|level| level.is_str(word)));
            Some(Local::SetLevel(level.ok_or(Reason::BadLevel)?))
        }
        (_, Method::ResourcesSubscribe | Method::ResourcesUnsubscribe) => {
            // What it is about is judged like a reading of it, before anything is noted.
            let (uri, on) = (Arc::<str>::from(trail.subject.name()), method == Method::ResourcesSubscribe);
            if on && !up.is_some_and(|up| up.has_room(&uri)) {
                return Err(Reason::TooManySubscriptions);
            }
            Some(Local::Subscribe { uri, on })
        }
        (_, method) if is_of_tasks(method) => return Err(Reason::MethodNotPermitted),
        _ => {
            let up = up.ok_or(Reason::SessionMissing)?;
            let frame = up.envelop(&frame, seat.capabilities()).ok_or(Reason::NotTheJudgedFrame)?;
            return Ok(Asked::Frame { frame, method });
        }
    };
    Ok(Asked::Frame { frame, method })
}

fn greeting_of(frame: &Frame) -> Local {
    let said = lens::initialize(frame);
    let version = said
        .as_ref()
        .and_then(|said| LEGACY_SERVED.iter().find(|served| **served == said.protocol_version).copied());
    let info = said.map(|said| said.client_info.raw()).filter(|info| info.len() <= MOST_INFO);
    let up = Arc::new(Greeter { client_info: info.map(Into::into) });
    Local::Greeting { version: version.unwrap_or(LEGACY), up }
}

/// Answers `initialize` with what the server says of itself now.
pub(crate) async fn greeting<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: &Exchange<P>,
    version: &str,
) -> Result<String, UpstreamError> {
    let on = errands(&exchange.trail, &exchange.caller, &exchange.seat);
    let id = door.next_id();
    let answered = door.ports.errand(Errand::<P>::new(&on, id, ErrandKind::Discover)).await?;
    let frame = single(answered, id, &on.server.answer_limits).await?;
    let discovered = frame.result().ok_or_else(|| {
        // It may not speak the newer revision any more.
        on.server.acquaintance.forget();
        UpstreamError::new(UpstreamFault::Refused, "`server/discover` was answered with an error")
    })?;
    Ok(initialize_of(discovered, version, on.server.name.as_str()))
}

/// The questions of one round, and what the client has answered.
pub(crate) struct Answers {
    questions: Mutex<Vec<Question>>,
    /// Announced with each answer.
    pub(crate) answered: Change,
}

struct Question {
    id: i64,
    /// Under which the server asked, and wants the answer.
    name: Box<str>,
    /// A form can be closed; nothing else can be left unanswered.
    elicits: bool,
    said: Option<Option<String>>,
}

impl Answers {
    /// Takes an answer, raw JSON; none where the client answered with an error.
    pub(crate) fn put(&self, id: i64, said: Option<String>) {
        let mut questions = self.questions();
        if let Some(question) = questions.iter_mut().find(|question| question.id == id) {
            question.said = Some(said);
        }
        drop(questions);
        self.answered.announce();
    }

    /// Writes `inputResponses` once everything is answered; an error if something cannot be.
    pub(crate) fn all(&self) -> Option<Result<String, &'static str>> {
        let questions = self.questions();
        let mut members = Vec::with_capacity(questions.len());
        for question in questions.iter() {
            let said = match (question.said.as_ref()?, question.elicits) {
                (Some(said), _) => said.clone(),
                (None, true) => r#"{"action":"cancel"}"#.to_owned(),
                (None, false) => return Some(Err("the client could not answer what the server asked")),
            };
            members.push(format!("{}:{said}", quote(&question.name)));
        }
        Some(Ok(format!("{{{}}}", members.join(","))))
    }

    fn questions(&self) -> MutexGuard<'_, Vec<Question>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns what a result asks for into requests to the client, each of which may be answered once, by this session.
pub(crate) fn ask<P: Ports>(
    door: &Door<P>,
    session: &Session<P::Link>,
    result: Value<'_>,
) -> Option<(Arc<Answers>, Vec<Bytes>)> {
    let (mut questions, mut frames) = (Vec::new(), Vec::new());
    for (name, request) in result.get("inputRequests").into_iter().flat_map(|asked| asked.members()) {
        let id = door.next_id();
        let method = request.get("method")?.as_str()?;
        let params = request.get("params").filter(Value::is_object);
        let params = match params {
            // 2025-11-25 names each address that a person is sent to.
            Some(params) if params.get("mode").is_some_and(|mode| mode.is_str("url")) => {
                let mut members: Vec<_> = params.members().collect();
                members.retain(|(name, _)| name != "elicitationId");
                let members = members.iter().map(|(name, value)| format!("{}:{}", quote(name), value.raw()));
                let members: Vec<_> = members.collect();
                format!(r#","params":{{{},"elicitationId":"{id}"}}"#, members.join(","))
            }
            Some(params) => format!(r#","params":{}"#, params.raw()),
            None => String::new(),
        };
        frames.push(Bytes::from(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":{}{params}}}"#,
            quote(&method)
        )));
        let elicits = method == "elicitation/create";
        questions.push(Question { id, name: (&*name).into(), elicits, said: None });
    }
    let ids: Vec<_> = questions.iter().map(|question| (question.id, question.elicits)).collect();
    let round = Arc::new(Answers { questions: Mutex::new(questions), answered: Change::default() });
    let noted =
        ids.into_iter().all(|(id, elicits)| session.ask(id, Asker::Round(Arc::clone(&round)), elicits));
    if !noted {
        session.unask(&round);
    }
    noted.then_some((round, frames))
}

/// Puts a result, an error or a notification of a new server into the words of an old client.
pub(crate) fn answer_of(frame: &Frame, method: Method, edits: &mut Edits) {
    if let Some(result) = frame.result() {
        result_to_legacy(result, method, edits);
    }
    let Some(code) = frame.error().and_then(|error| error.get("code")) else { return };
    let old = match code.as_i64() {
        // An old client tells a resource that is not there by a code of its own.
        Some(-32602) if method == Method::ResourcesRead => {
            frame.error().and_then(|error| error.path(&["data", "uri"])).map(|_| "-32002")
        }
        // Of headers, capabilities and versions of this revision it knows nothing; they were the door's doing.
        Some(-32022..=-32020) => Some("-32603"),
        _ => None,
    };
    old.into_iter().for_each(|old| edits.replace(code.span(), old));
}

/// Takes the name of a subscription out of a notification: an old client has none.
pub(crate) fn unnamed(frame: &Frame, edits: &mut Edits) {
    let meta = frame.params().and_then(|params| params.get("_meta"));
    if let Some(meta) = meta.filter(Value::is_object) {
        edits.remove_member(meta, META_SUBSCRIPTION_ID);
    }
}

/// Reads what a client answers to a question of a round.
pub(crate) fn said(frame: &Frame, id: &Id) -> Option<(i64, Option<String>)> {
    let Id::Number(id) = id else { return None };
    Some((*id, frame.result().map(|result| result.raw().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        Frame::parse_result(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap().0
    }

    fn old(text: &str, method: Method) -> String {
        let frame = frame(text);
        let mut edits = Edits::new();
        answer_of(&frame, method, &mut edits);
        String::from_utf8(edits.apply(frame.tree()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn errors_are_told_in_the_codes_of_an_old_client() {
        let error = |code: i64, data: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"m"{data}}}}}"#)
        };
        let uri = r#","data":{"uri":"a:b"}"#;
        for (method, code, data, told) in [
            (Method::ResourcesRead, -32602, uri, -32002),
            (Method::ResourcesRead, -32602, "", -32602),
            (Method::ToolsCall, -32602, uri, -32602),
            (Method::ToolsCall, -32021, "", -32603),
            (Method::ToolsCall, -32020, "", -32603),
            (Method::ToolsCall, -32022, "", -32603),
            (Method::ToolsCall, -32603, "", -32603),
        ] {
            assert_eq!(old(&error(code, data), method), error(told, data), "{method:?} {code}");
        }
    }

    #[test]
    fn answers_are_complete_when_every_question_is_answered() {
        let question = |id, name: &str, elicits| Question { id, name: name.into(), elicits, said: None };
        let answers = |questions| Answers { questions: Mutex::new(questions), answered: Change::default() };
        let round = answers(vec![question(1, "a", true), question(2, "b\"", false)]);
        round.put(2, Some("{\"roots\":[]}".to_owned()));
        round.put(3, Some("{}".to_owned()));
        assert_eq!(round.all(), None);
        round.put(1, None);
        assert_eq!(round.all(), Some(Ok(r#"{"a":{"action":"cancel"},"b\"":{"roots":[]}}"#.to_owned())));
        round.put(2, None);
        assert!(round.all().is_some_and(|all| all.is_err()));
        assert_eq!(answers(Vec::new()).all(), Some(Ok("{}".to_owned())));
    }
}
