//! The children of one stdio server: one for each person, started on demand, reaped when idle, capped (D-23).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{
    Answer, Answered, Cleared, Errand, ErrandKind, Owner, Ports, ServerRules, UpstreamError, UpstreamFault,
};
use doorward_types::{ObjectId, ServerName, TenantId};
use doorward_wire::{Era, Frame, FrameKind, Id, Limits, Method, rewrite_id};
use tokio::time::Instant;

use crate::child::Child;
use crate::duplex::{Deadlines, EndUnlessHeard};
use crate::events::UpstreamEvents;
use crate::walls::Walls;
use crate::{Ends, GRACE, Link, LinkTo};

/// How many children there may be, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct StdioLimits {
    /// Children of this server at once.
    pub children: usize,
    /// How long a child may go unused.
    pub idle: Duration,
    /// The longest a call may take, progress included.
    pub most: Duration,
}

/// A command and what it is run with.
pub struct StdioTarget {
    /// Program and arguments: the operator's, never a caller's (B-10).
    pub command: Vec<String>,
    /// Variables for it.
    pub env: Vec<(String, String)>,
    /// Its working directory.
    pub cwd: Option<PathBuf>,
    /// What stands around it; nothing where it is trusted as the door itself is.
    pub walls: Option<Arc<Walls>>,
    /// One child for everybody.
    pub shared: bool,
    /// There is one person. In 2026-07-28, where a process is greeted by nobody, what the door asked is theirs then: a slow
    /// server starts once, and not a second time while its client's patience ends.
    pub one_person: bool,
    /// Bounds.
    pub limits: StdioLimits,
}

/// Children of one person at once: one for each set of capabilities that their clients declare.
const MOST_OF_ONE: usize = 4;

/// How long a process may take to start and to say what it is, before it counts as one that has never heard the question. A
/// large Python server on a busy machine was seen to need more than five seconds, and was bridged for nothing.
const PROBE: Duration = Duration::from_secs(10);

/// Whose child it is.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Whose {
    /// A person's, and in 2025-11-25 one for each set of capabilities that their clients declare: a process is greeted once,
    /// and offers and asks by what it was greeted with.
    Person(TenantId, ObjectId, Option<Arc<str>>),
    Everybody,
    /// The door's own, to learn what the server offers.
    Door,
}

pub(crate) struct Children {
    server: ServerName,
    target: StdioTarget,
    running: Mutex<HashMap<Whose, Arc<Child>>>,
    /// The door's own that is on its way out. Nothing is started beside it: a server may hold a port, a lock or a name.
    leaving: Mutex<Option<Arc<Child>>>,
}

type Said = Result<Answered<Link, UpstreamEvents>, UpstreamError>;

impl Children {
    pub(crate) fn new(server: ServerName, target: StdioTarget) -> Self {
        Self { server, target, running: Mutex::default(), leaving: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Whose, Arc<Child>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whose(&self, owner: Option<&Owner>, capabilities: Option<&Arc<str>>) -> Whose {
        match owner {
            _ if self.target.shared => Whose::Everybody,
            _ if self.target.one_person && capabilities.is_none() => Whose::Everybody,
            Some(owner) => {
                Whose::Person(owner.tenant.clone(), owner.object.clone(), capabilities.map(Arc::clone))
            }
            None => Whose::Door,
        }
    }

    fn child(&self, whose: Whose, limits: &Limits) -> Result<Arc<Child>, UpstreamError> {
        let mut running = self.running();
        running.retain(|_, child| !child.talk.over());
        if let Some(child) = running.get(&whose) {
            return Ok(Arc::clone(child));
        }
        // Of one person's own, the one unused longest gives way: their clients can declare what they like, and must not take
        // everybody else's children.
        let own = |other: &Whose| match (other, &whose) {
            (Whose::Person(tenant, object, _), Whose::Person(of, who, _)) => (tenant, object) == (of, who),
            _ => false,
        };
        let owned: Vec<_> = running.keys().filter(|other| own(other)).cloned().collect();
        if owned.len() >= MOST_OF_ONE {
            let idle = |whose: &Whose| running.get(whose).and_then(|child| child.talk.idle());
            let unused = owned.into_iter().filter_map(|whose| idle(&whose).map(|idle| (idle, whose)));
            let Some((_, oldest)) = unused.max_by_key(|(idle, _)| *idle) else {
                let what = format!("{MOST_OF_ONE} children of one person run already, all of them at work");
                return Err(UpstreamError::new(UpstreamFault::Capped, what));
            };
            running.remove(&oldest).into_iter().for_each(|child| child.talk.end());
        }
        // The door's own child is short-lived and not counted: a full house must not keep the door from learning.
        let counted = running.keys().filter(|whose| **whose != Whose::Door).count();
        if whose != Whose::Door && counted >= self.target.limits.children {
            return Err(UpstreamError::new(UpstreamFault::Capped, format!("{counted} children run already")));
        }
        let child = Child::start(self.server.clone(), &self.target, *limits)?;
        running.insert(whose, Arc::clone(&child));
        Ok(child)
    }

    pub(crate) async fn send<P>(&self, cleared: Cleared<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(cleared.server());
        self.alone().await;
        let child = match cleared.link().map(|link| &link.to) {
            Some(LinkTo::Child(child)) if child.talk.over() => {
                return Err(UpstreamError::new(
                    UpstreamFault::SessionLost,
                    "the child of this session has ended",
                ));
            }
            Some(LinkTo::Child(child)) => Arc::clone(child),
            _ => {
                let capabilities = (cleared.era() == Era::Legacy).then(|| cleared.capabilities());
                let whose = self.whose(Some(cleared.owner()), capabilities);
                self.give_way(&whose).await;
                self.child(whose, &rules.answer_limits)?
            }
        };
        match (cleared.era(), cleared.method(), cleared.door_id()) {
            (Era::Legacy, Method::Initialize, Some(id)) => {
                self.hello(&child, cleared.bytes(), id, &rules).await
            }
            // The process is greeted once, whoever shares it.
            (Era::Legacy, Method::Initialized, _) if child.greeted.swap(true, Ordering::AcqRel) => {
                Ok(Answered { link: None, answer: Answer::Accepted })
            }
            (_, method, Some(id)) if self.target.shared && subscribes(method) => Ok(not_found(id)),
            (era, method, id) => {
                let mut said = self.say(&child, cleared.bytes(), id, era, &rules).await;
                if let (Method::SubscriptionsListen, Ok(answered)) = (method, &mut said)
                    && let Answer::Stream(UpstreamEvents::Duplex(events)) = &mut answered.answer
                {
                    events.listen();
                }
                said
            }
        }
    }

    pub(crate) async fn errand<P>(&self, errand: Errand<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(errand.server());
        self.alone().await;
        let child = match errand.link().map(|link| &link.to) {
            Some(LinkTo::Child(child)) => Arc::clone(child),
            // A probe must not end a process that people share.
            _ if *errand.kind() == ErrandKind::Discover && errand.owner().is_none() => {
                self.child(Whose::Door, &rules.answer_limits)?
            }
            _ => {
                let capabilities = (errand.era() == Era::Legacy).then(|| errand.capabilities());
                let whose = self.whose(errand.owner(), capabilities);
                self.give_way(&whose).await;
                self.child(whose, &rules.answer_limits)?
            }
        };
        match (errand.kind(), errand.frame()) {
            (ErrandKind::Initialize, Some(frame)) => self.hello(&child, &frame, errand.id(), &rules).await,
            (ErrandKind::Initialized, _) if child.greeted.swap(true, Ordering::AcqRel) => {
                Ok(Answered { link: None, answer: Answer::Accepted })
            }
            (ErrandKind::OpenStream, _) => match errand.link() {
                // A shared child has no streams: what it says unasked belongs to nobody in particular (D-23).
                Some(_) if self.target.shared => {
                    Err(UpstreamError::new(UpstreamFault::VerbNotServed, "a shared child"))
                }
                Some(link) => {
                    let events = child.talk.listen(Arc::clone(link));
                    Ok(Answered { link: None, answer: Answer::Stream(UpstreamEvents::Duplex(events)) })
                }
                None => Err(UpstreamError::new(UpstreamFault::VerbNotServed, "no session")),
            },
            (ErrandKind::Discover, Some(frame)) => self.discover(&child, &frame, &errand, &rules).await,
            (
                ErrandKind::ListTools(_)
                | ErrandKind::ListPrompts(_)
                | ErrandKind::ListResources(_)
                | ErrandKind::ListTemplates(_)
                | ErrandKind::SetLevel(_),
                Some(frame),
            ) => self.say(&child, &frame, Some(errand.id()), errand.era(), &rules).await,
            (_, Some(frame)) => self.say(&child, &frame, None, errand.era(), &rules).await,
            (_, None) => Err(UpstreamError::new(UpstreamFault::VerbNotServed, "not on stdio")),
        }
    }

    /// Answers `initialize`: the process gets it once, and whoever shares the process gets the same answer.
    async fn hello(&self, child: &Arc<Child>, frame: &Bytes, id: i64, rules: &Arc<ServerRules>) -> Said {
        let mut hello = child.hello.lock().await;
        let bytes = match &*hello {
            Some(known) => {
                let (known, _) = Frame::parse_result(known.clone(), &rules.answer_limits)
                    .map_err(|error| UpstreamError::new(UpstreamFault::Malformed, error.to_string()))?;
                rewrite_id(&known, &Id::Number(id))
            }
            None => {
                // A process that was asked once and not heard to the end cannot be asked again: it is ended.
                let asked = EndUnlessHeard::new(&child.talk);
                let mut events = child.talk.call(id, self.deadlines(rules), None, None);
                child.talk.write(frame, None).await?;
                let answer = loop {
                    let said = events.next().await?;
                    let parsed = Frame::parse_result(said.clone(), &rules.answer_limits);
                    // It may log before it answers.
                    if parsed.is_ok_and(|(frame, _)| frame.kind() == FrameKind::Response) {
                        break said;
                    }
                };
                events.answered();
                asked.heard();
                let parsed = Frame::parse_result(answer.clone(), &rules.answer_limits);
                if parsed.is_ok_and(|(frame, _)| frame.result().is_some()) {
                    *hello = Some(answer.clone());
                }
                answer
            }
        };
        let link =
            Link { ends: Ends::default(), to: LinkTo::Child(Arc::clone(child)), server: self.server.clone() };
        Ok(Answered { link: Some(Arc::new(link)), answer: Answer::Whole(bytes, 200) })
    }

    /// Asks a process what it is. One that cannot answer may have ended over the question, or wait for a greeting for ever:
    /// it is asked in a process that nobody else needs, and not for long.
    async fn discover<P>(
        &self,
        child: &Arc<Child>,
        frame: &Bytes,
        errand: &Errand<P>,
        rules: &Arc<ServerRules>,
    ) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let said = self.say(child, frame, Some(errand.id()), errand.era(), rules);
        let said = match tokio::time::timeout(rules.call_timeout.min(PROBE), said).await {
            Ok(said) => said,
            Err(_) => Err(UpstreamError::new(UpstreamFault::Timeout, "no answer in time")),
        };
        let knows = matches!(&said, Ok(Answered { answer: Answer::Whole(bytes, _), .. })
            if Frame::parse_result(bytes.clone(), &rules.answer_limits).is_ok_and(|(frame, _)| frame.result().is_some()));
        if errand.owner().is_none() && !(knows && self.adopted(child)) {
            // Whatever comes next is asked in a process that has heard nothing.
            self.left(child);
        }
        said
    }

    fn deadlines(&self, rules: &ServerRules) -> Deadlines {
        Deadlines { silence: Some(rules.call_timeout), most: Some(Instant::now() + self.target.limits.most) }
    }

    async fn say(
        &self,
        child: &Arc<Child>,
        frame: &Bytes,
        id: Option<i64>,
        era: Era,
        rules: &Arc<ServerRules>,
    ) -> Said {
        child.talk.say(frame, id, era, None, self.deadlines(rules), &rules.answer_limits).await
    }

    /// Makes the door's own child the one person's, if there is one person; false if it stays the door's.
    fn adopted(&self, child: &Arc<Child>) -> bool {
        let mut running = self.running();
        let own = running.get(&Whose::Door).is_some_and(|own| Arc::ptr_eq(own, child));
        let adopts = self.target.one_person && own && !running.contains_key(&Whose::Everybody);
        if adopts {
            running
                .remove(&Whose::Door)
                .into_iter()
                .for_each(|child| _ = running.insert(Whose::Everybody, child));
        }
        adopts
    }

    /// Ends the process that was adopted before one of 2025-11-25 begins: its client greets, so the other is nobody's.
    async fn give_way(&self, whose: &Whose) {
        let adopted = match whose {
            Whose::Person(_, _, Some(_)) | Whose::Door if self.target.one_person => {
                self.running().remove(&Whose::Everybody)
            }
            _ => None,
        };
        if let Some(child) = adopted {
            child.talk.end();
            child.finished().await;
        }
    }

    /// A link is gone; the door's own child goes with it.
    pub(crate) fn left(&self, child: &Arc<Child>) {
        let mut running = self.running();
        if running.get(&Whose::Door).is_some_and(|own| Arc::ptr_eq(own, child)) {
            running.remove(&Whose::Door);
            child.talk.end();
            *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(child));
        }
    }

    /// Waits until the door's own child, if one is leaving, is gone.
    async fn alone(&self) {
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(leaving) = leaving {
            leaving.finished().await;
        }
    }

    pub(crate) fn at_work(&self) -> bool {
        self.running().iter().any(|(whose, child)| *whose != Whose::Door && !child.talk.over())
    }

    pub(crate) fn reap(&self) {
        let idle = self.target.limits.idle;
        self.running().retain(|whose, child| {
            // The door's own has told what it was asked, and a stateless one has no link whose end would end it.
            let idle = if *whose == Whose::Door { idle.min(GRACE) } else { idle };
            let keep = !child.talk.over() && child.talk.idle().is_none_or(|unused| unused < idle);
            if !keep {
                child.talk.end();
            }
            keep
        });
    }

    pub(crate) async fn shut_down(&self) {
        let children: Vec<_> = self.running().drain().map(|(_, child)| child).collect();
        children.iter().for_each(|child| child.talk.end());
        for child in children {
            child.finished().await;
        }
    }
}

/// Asks for what comes later and names no call. A shared child has one list of subscriptions for everybody, and nobody
/// to whom its news could be given (D-23).
fn subscribes(method: Method) -> bool {
    matches!(method, Method::ResourcesSubscribe | Method::ResourcesUnsubscribe | Method::SubscriptionsListen)
}

fn not_found(id: i64) -> Answered<Link, UpstreamEvents> {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"a shared server takes no subscriptions"}}}}"#
    );
    Answered { link: None, answer: Answer::Whole(Bytes::from(text), 200) }
}
