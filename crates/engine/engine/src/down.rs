//! A new client before an old server: the door holds the session that the client does not know, one for each person, client
//! and set of capabilities, and lets a call wait while its client answers what the server asked.

mod parked;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use doorward_policy::Item;
use doorward_types::ServerName;
use doorward_wire::lens::META_SUBSCRIPTION_ID;
use doorward_wire::translate::{discover_of, to_legacy};
use doorward_wire::{Edits, Era, Frame, FrameKind, Id, LEGACY, MODERN, Method, Value, quote};
use futures_util::lock::Mutex as AsyncMutex;

use crate::bridge::{Local, Retry, again, errands, is_of_tasks};
use crate::catalogue::single;
use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::guard;
use crate::ports::{Answer, Answered, Ports, UpstreamError, UpstreamFault};
use crate::refusal::{Reason, Refusal, URL_ELICITATION};
use crate::release::{Released, release};
use crate::rounds::has_rounds;
use crate::session::{Seat, without_tasks};
use crate::sessions::{Bridged, NewSession, Owner, Session};
use crate::stage::{Asked, Caller, Exchange, Trail};
use crate::up::LEVELS;

pub(crate) use parked::{Parking, Question, Resumed, addresses_of, park, resume};

/// The longest greeting of a server that is kept, in bytes.
const MOST_HELLO: usize = 64 * 1_024;
/// Resources that one subscription may name.
const MOST_URIS: usize = 64;

/// What the door keeps of a server's session for a client that has none.
pub(crate) struct Down {
    /// What the server said of itself when it was greeted, as the result of `server/discover`.
    discover: String,
    /// What it tells unasked, and whether it has log messages.
    tells: Tells,
    /// One more than the most talkative level that the server was told; 0 for none.
    level: AtomicU8,
    /// It is one subscription's alone, and lives as long as that.
    pub(crate) own: bool,
    /// Of such a one: what the server agreed to tell.
    honoured: OnceLock<Honoured>,
}

#[derive(Default)]
struct Honoured {
    filter: String,
    uris: HashSet<Arc<str>>,
}

#[derive(Clone, Copy)]
struct Tells {
    tools: bool,
    prompts: bool,
    resources: bool,
    updates: bool,
    logs: bool,
}

impl Tells {
    fn of(hello: Value<'_>) -> Self {
        let capability = |path: &[&str]| hello.get("capabilities")?.path(path);
        let tells =
            |of: &str, what: &str| capability(&[of, what]).and_then(|told| told.as_bool()) == Some(true);
        Self {
            tools: tells("tools", "listChanged"),
            prompts: tells("prompts", "listChanged"),
            resources: tells("resources", "listChanged"),
            updates: tells("resources", "subscribe"),
            logs: capability(&["logging"]).is_some(),
        }
    }
}

impl Down {
    /// Says whether a subscription was agreed on for a resource.
    pub(crate) fn has_honoured(&self, uri: &str) -> bool {
        self.honoured.get().is_some_and(|honoured| honoured.uris.contains(uri))
    }
}

/// What a client wants to hear of: the resources, by URI; the rest is in the trail.
pub(crate) struct Filter(Vec<Arc<str>>);

/// Puts what a new client says into the words of an old server.
pub(crate) fn cross(trail: &mut Trail, asked: Asked) -> Result<Asked, Reason> {
    let Asked::Frame { frame, method } = asked else { return Err(Reason::SessionMissing) };
    if !guard::are_answers(&frame) {
        return Err(Reason::BadAnswer);
    }
    if frame.kind() == FrameKind::Request {
        match method {
            Method::Discover => trail.local = Some(Local::Discover),
            Method::SubscriptionsListen => {
                let uris = frame
                    .params()
                    .and_then(|params| params.path(&["notifications", "resourceSubscriptions"]));
                let uris = uris.into_iter().flat_map(|uris| uris.items()).take(MOST_URIS);
                let uris = uris.filter_map(|uri| Some(Arc::from(&*uri.as_str()?))).collect();
                trail.local = Some(Local::Listen(Filter(uris)));
            }
            method if is_of_tasks(method) => return Err(Reason::MethodNotPermitted),
            method if has_rounds(method) => trail.retry = retry_of(&frame),
            _ => {}
        }
    }
    let frame = to_legacy(&frame).map_err(|_| Reason::NotTheJudgedFrame)?;
    Ok(Asked::Frame { frame, method })
}

/// Reads with what a client takes up a call again. Answers without a state belong to nothing: the call begins anew.
fn retry_of(frame: &Frame) -> Option<Retry> {
    let params = frame.params()?;
    let call = params.get("requestState")?.as_str()?.into_owned();
    let answers = params.get("inputResponses").into_iter().flat_map(|answers| answers.members());
    let answers =
        answers.map(|(name, said)| ((&*name).into(), Bytes::copy_from_slice(said.raw().as_bytes())));
    Some(Retry { call, answers: answers.collect() })
}

#[derive(PartialEq, Eq, Hash)]
struct LinkKey {
    server: ServerName,
    owner: Owner,
    /// The client's capabilities: servers offer by them, and ask by them.
    capabilities: Arc<str>,
}

type Slot<L> = Arc<AsyncMutex<Option<Arc<Session<L>>>>>;

/// The sessions that the door holds at servers for clients that have none.
pub(crate) struct Links<L>(Mutex<HashMap<LinkKey, Slot<L>>>);

impl<L> Default for Links<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L> Links<L> {
    fn slot(&self, key: LinkKey) -> Slot<L> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }

    /// Forgets the slots whose sessions have ended.
    pub(crate) fn sweep(&self) {
        let over = |slot: &Slot<L>| {
            let kept = slot.try_lock();
            kept.is_some_and(|kept| kept.as_ref().is_none_or(|session| session.ended()))
        };
        // A slot that somebody holds is about to be filled.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !over(slot));
    }
}

/// Finds the session that the door holds at the server for this client, or opens one. Never shared between persons, clients
/// or capabilities: an old server tells them apart by nothing else. A subscription has one of its own, which ends with it,
/// and with it whatever was subscribed to.
pub(crate) async fn greet<P: Ports>(
    door: &Door<P>,
    trail: &Trail,
    caller: &Arc<Caller>,
    capabilities: &Arc<str>,
) -> Result<Arc<Session<P::Link>>, Refusal> {
    let key = LinkKey {
        server: trail.server.name.clone(),
        owner: caller.owner.clone(),
        capabilities: Arc::clone(capabilities),
    };
    let slot = door.links.slot(key);
    // Held over the greeting: a hundred first calls cost one session.
    let mut kept = slot.lock().await;
    let session = match kept.as_ref().filter(|session| door.sessions.touch(session, trail.now)) {
        Some(session) => Arc::clone(session),
        None => Arc::clone(kept.insert(open(door, trail, caller, capabilities, false).await?)),
    };
    drop(kept);
    set_level(door, trail, caller, &session).await;
    Ok(session)
}

/// Asks the server for log messages of the level that the client wants with this request, unless it sends them already;
/// what other requests did not ask for is dropped again (L-17).
async fn set_level<P: Ports>(
    door: &Door<P>,
    trail: &Trail,
    caller: &Arc<Caller>,
    session: &Arc<Session<P::Link>>,
) {
    let Bridged::Down(down) = &session.bridged else { return };
    let Some((rank, word)) = trail.wanted.log.and_then(|rank| Some((rank, *LEVELS.get(usize::from(rank))?)))
    else {
        return;
    };
    let told = down.level.load(Ordering::Relaxed);
    if (told != 0 && told <= rank + 1) || !down.tells.logs {
        return;
    }
    down.level.store(rank + 1, Ordering::Relaxed);
    let on = errands(trail, caller, &Seat::<P>::Session(Arc::clone(session)));
    // Without it there are fewer messages, and that is all.
    let _told = door.ports.errand(Errand::<P>::new(&on, door.next_id(), ErrandKind::SetLevel(word))).await;
}

/// Gives back what a greeting took, unless it came to a session.
struct Opening<'a, P: Ports> {
    door: &'a Door<P>,
    owner: &'a Owner,
    server: &'a ServerName,
    link: Option<Arc<P::Link>>,
    opened: bool,
}

impl<P: Ports> Drop for Opening<'_, P> {
    fn drop(&mut self) {
        if !self.opened {
            self.door.sessions.release(self.owner, self.server);
            self.link.take().into_iter().for_each(|link| self.door.ports.close(link));
        }
    }
}

async fn open<P: Ports>(
    door: &Door<P>,
    trail: &Trail,
    caller: &Arc<Caller>,
    capabilities: &Arc<str>,
    own: bool,
) -> Result<Arc<Session<P::Link>>, Refusal> {
    let server = &trail.server;
    door.sessions.reserve(&caller.owner, &server.name).map_err(Refusal::new)?;
    let mut opening = Opening { door, owner: &caller.owner, server: &server.name, link: None, opened: false };
    let mut on = Errands::<P::Link> {
        server: Arc::clone(server),
        link: None,
        caller: Some(Arc::clone(caller)),
        era: Era::Legacy,
        version: LEGACY.into(),
        capabilities: Arc::clone(capabilities),
    };
    let id = door.next_id();
    let asked = door.ports.errand(Errand::<P>::new(&on, id, ErrandKind::Initialize)).await;
    let mut answered = asked.map_err(Refusal::upstream)?;
    opening.link = answered.link.take();
    on.link.clone_from(&opening.link);
    let hello = single(answered, id, &server.answer_limits).await.map_err(Refusal::upstream)?;
    let version =
        hello.result().and_then(|result| result.get("protocolVersion")).and_then(|version| version.as_str());
    let Some(version) = version.filter(|version| version != MODERN) else {
        // It may speak the newer revision by now.
        server.acquaintance.forget();
        let what = "`initialize` was not answered with a version to speak";
        return Err(Refusal::upstream(UpstreamError::new(UpstreamFault::Refused, what)));
    };
    on.version = version.as_ref().into();
    let hello = hello.result().map(|hello| (discover_of(hello), Tells::of(hello)));
    // It is kept for as long as the session.
    let Some((discover, tells)) = hello.filter(|(discover, _)| discover.len() <= MOST_HELLO) else {
        let what = "what it says when it is greeted is too long";
        return Err(Refusal::upstream(UpstreamError::new(UpstreamFault::TooLarge, what)));
    };
    let ready = Errand::<P>::new(&on, door.next_id(), ErrandKind::Initialized);
    door.ports.errand(ready).await.map_err(Refusal::upstream)?;
    let name = door.ports.random().map_err(|_| Refusal::because(Reason::Busy, "no randomness"))?;
    let new = NewSession {
        owner: caller.owner.clone(),
        server: server.name.clone(),
        version: Arc::clone(&on.version),
        capabilities: Arc::clone(capabilities),
        link: opening.link.take(),
        bridged: Bridged::Down(Box::new(Down {
            discover,
            tells,
            level: AtomicU8::new(0),
            own,
            honoured: OnceLock::new(),
        })),
    };
    opening.opened = true;
    Ok(door.sessions.open(&name, new, trail.now))
}

type Held<'a, L> = (&'a Arc<Session<L>>, &'a Down);

fn down<P: Ports>(exchange: &Exchange<P>) -> Result<Held<'_, P::Link>, UpstreamError> {
    let session = exchange.seat.session();
    let down = session.and_then(|session| match &session.bridged {
        Bridged::Down(down) => Some((session, &**down)),
        _ => None,
    });
    down.ok_or_else(|| UpstreamError::new(UpstreamFault::SessionLost, "there is no session at the server"))
}

/// Answers `server/discover` with what the server said when it was greeted.
pub(crate) fn discover<P: Ports>(exchange: &Exchange<P>) -> Result<String, UpstreamError> {
    down(exchange).map(|(_, down)| down.discover.clone())
}

/// Ends the session of a subscription that came to nothing.
struct Own<'a, P: Ports> {
    door: &'a Door<P>,
    session: Arc<Session<P::Link>>,
    kept: bool,
}

impl<P: Ports> Drop for Own<'_, P> {
    fn drop(&mut self) {
        if !self.kept {
            self.door.end_session(&self.session);
        }
    }
}

/// Opens what an old server has for a subscription: a session of its own, whose end takes everything back, its stream, and a
/// subscription to each resource. Without a stream it tells nothing unasked, and the subscription is silent.
pub(crate) async fn listen<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: &Exchange<P>,
    filter: Filter,
) -> Result<(Answered<P::Link, P::Events>, Arc<Session<P::Link>>), Refusal> {
    let (trail, caller) = (&exchange.trail, &exchange.caller);
    let capabilities = without_tasks(exchange.seat.capabilities());
    let session = open(door, trail, caller, &capabilities, true).await?;
    let mut own = Own { door, session, kept: false };
    let session = Arc::clone(&own.session);
    let Bridged::Down(down) = &session.bridged else { return Err(Refusal::new(Reason::SessionUnknown)) };
    let on = errands(trail, caller, &Seat::<P>::Session(Arc::clone(&session)));
    let opened = door.ports.errand(Errand::<P>::new(&on, door.next_id(), ErrandKind::OpenStream)).await;
    let answer = match opened {
        Ok(Answered { answer: Answer::Stream(events), .. }) => Answer::Stream(events),
        Ok(_) => Answer::Accepted,
        // The session was opened just now: it is the verb that is not found.
        Err(error) if matches!(error.fault, UpstreamFault::VerbNotServed | UpstreamFault::SessionLost) => {
            Answer::Accepted
        }
        Err(error) => return Err(Refusal::upstream(error)),
    };
    let (tells, wanted) = (down.tells, trail.wanted);
    let speaks = matches!(answer, Answer::Stream(_));
    let lists = [
        (wanted.tools && tells.tools, "toolsListChanged"),
        (wanted.prompts && tells.prompts, "promptsListChanged"),
        (wanted.resources && tells.resources, "resourcesListChanged"),
    ];
    let lists = lists.into_iter().filter(|(told, _)| *told && speaks);
    let mut filters: Vec<_> = lists.map(|(_, name)| format!("{}:true", quote(name))).collect();
    let mut uris = HashSet::new();
    for uri in filter.0 {
        if speaks && tells.updates && subscribe(door, exchange, &session, &uri).await {
            uris.insert(uri);
        }
    }
    if !uris.is_empty() {
        let uris: Vec<_> = uris.iter().map(|uri| quote(uri)).collect();
        filters.push(format!(r#""resourceSubscriptions":[{}]"#, uris.join(",")));
    }
    let _first = down.honoured.set(Honoured { filter: filters.join(","), uris });
    own.kept = true;
    Ok((Answered { link: None, answer }, session))
}

/// Subscribes to one resource, judged and recorded like a client's own request for it; false where it may not, or cannot.
async fn subscribe<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: &Exchange<P>,
    session: &Arc<Session<P::Link>>,
    uri: &str,
) -> bool {
    let (snapshot, caller) = (Arc::clone(&exchange.trail.snapshot), Arc::clone(&exchange.caller));
    let seen = snapshot.policies().sees(&caller.principal, &exchange.trail.server.name, Item::Resource(uri));
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{},"method":"resources/subscribe","params":{{"uri":{}}}}}"#,
        door.next_id(),
        quote(uri)
    );
    let frame = Frame::parse(Bytes::from(text), &exchange.trail.server.request_limits);
    let (Ok(frame), true) = (frame, seen) else { return false };
    let seat = Seat::Session(Arc::clone(session));
    // Once: lost, it must not be asked for in another session.
    let sent = again(door, exchange, (snapshot, caller), seat, frame, true).await;
    let Ok((answered, exchange)) = sent else { return false };
    let limits = exchange.trail.server.answer_limits;
    match release(door, answered, exchange).await {
        Ok(Released::Whole { bytes, .. }) => {
            Frame::parse_result(bytes, &limits).is_ok_and(|(frame, _)| frame.result().is_some())
        }
        Ok(Released::Stream(mut stream)) => {
            while stream.next().await.is_some() {}
            true
        }
        _ => false,
    }
}

/// Writes the first message of a subscription: what of it is honoured (L-16).
pub(crate) fn acknowledged<P: Ports>(exchange: &Exchange<P>) -> Option<Bytes> {
    let (_, down) = down(exchange).ok()?;
    let id = exchange.trail.id.as_ref()?.to_json();
    let honoured = &down.honoured.get()?.filter;
    Some(Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"{META_SUBSCRIPTION_ID}":{id}}},"notifications":{{{honoured}}}}}}}"#
    )))
}

/// Says to which subscription a notification belongs: an old server's names none.
pub(crate) fn named(frame: &Frame, id: &Id, edits: &mut Edits) {
    let (name, id) = (META_SUBSCRIPTION_ID, id.to_json());
    let meta = || format!("{{{}:{id}}}", quote(name));
    match frame.params().map(|params| (params, params.get("_meta"))) {
        None => edits.insert_member(frame.root(), "params", &format!(r#"{{"_meta":{}}}"#, meta())),
        Some((_, Some(held))) if held.is_object() => edits.set_member(held, name, &id),
        Some((params, _)) => edits.set_member(params, "_meta", &meta()),
    }
}

/// Puts an error of an old server into the words of a new client.
pub(crate) fn error_of(frame: &Frame, method: Method, subject: &str, edits: &mut Edits) {
    let Some(error) = frame.error() else { return };
    let Some(code) = error.get("code") else { return };
    let (new, data) = match code.as_i64() {
        // A resource that is not there has no code of its own any more, but its URI beside it.
        Some(-32002) if method == Method::ResourcesRead => {
            ("-32602", format!(r#"{{"uri":{}}}"#, quote(subject)))
        }
        // Where it could not become a round the client lacks what it takes.
        Some(URL_ELICITATION) => {
            ("-32021", r#"{"requiredCapabilities":{"elicitation":{"url":{}}}}"#.to_owned())
        }
        _ => return,
    };
    edits.replace(code.span(), new);
    edits.set_member(error, "data", &data);
}

#[cfg(test)]
mod tests {
    use doorward_wire::Limits;

    use super::*;

    fn edited(text: &str, edit: impl Fn(&Frame, &mut Edits)) -> String {
        let (frame, _) =
            Frame::parse_result(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap();
        let mut edits = Edits::new();
        edit(&frame, &mut edits);
        String::from_utf8(edits.apply(frame.tree()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn an_absent_resource_is_told_with_its_uri() {
        let absent = |code: i64, data: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"m"{data}}}}}"#)
        };
        let uri = r#","data":{"uri":"a:\"b"}"#;
        let read =
            |text: &str| edited(text, |frame, edits| error_of(frame, Method::ResourcesRead, "a:\"b", edits));
        assert_eq!(read(&absent(-32002, "")), absent(-32602, uri));
        assert_eq!(read(&absent(-32002, r#","data":{"x":1}"#)), absent(-32602, uri));
        assert_eq!(read(&absent(-32603, "")), absent(-32603, ""));
    }

    #[test]
    fn a_notification_is_named() {
        let id = Id::String("l-1".into());
        for (params, named_params) in [
            ("", r#","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l-1"}}"#),
            (
                r#","params":{"uri":"a:b"}"#,
                r#","params":{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":"l-1"}}"#,
            ),
            (
                r#","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"stolen","v":1}}"#,
                r#","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l-1","v":1}}"#,
            ),
        ] {
            let note = |params: &str| {
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated"{params}}}"#)
            };
            assert_eq!(edited(&note(params), |frame, edits| named(frame, &id, edits)), note(named_params));
        }
    }

    #[test]
    fn addresses_to_open_become_a_round() {
        let text = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://a.test/x","message":"open"}]}}}"#;
        let (frame, _) = Frame::parse_result(Bytes::from(text), &Limits::default()).unwrap();
        let round = addresses_of(&frame, 4).unwrap();
        assert_eq!(
            round,
            r#"{"jsonrpc":"2.0","id":4,"result":{"resultType":"input_required","inputRequests":{"e0":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.test/x","message":"open"}}},"requestState":"again"}}"#
        );
        let (other, _) =
            Frame::parse_result(Bytes::from(text.replace("-32042", "-32043")), &Limits::default()).unwrap();
        assert!(addresses_of(&other, 4).is_none());
    }
}
