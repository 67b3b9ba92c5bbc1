//! Tasks: answers that are fetched later, under an id of the server's. The id is all that a server asks for, and to a server
//! that sees nobody but the door everybody is the same caller: whoever learned or guessed an id would have the answer. So
//! the door notes whose a task is before the answer that names it leaves, and from then on the task exists for that person
//! and client alone, at that server, for as long as they may see the tool that began it (B-08).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_policy::Item;
use doorward_types::{ObjectId, ServerName, TenantId, Timestamp};
use doorward_wire::lens::{ResultType, result_type};
use doorward_wire::{Direction, Era, Frame, Method, Value};

use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::Subject;
use crate::refusal::{Reason, Refusal};
use crate::sessions::Owner;
use crate::snapshot::Snapshot;
use crate::stage::{Caller, Exchange, Trail};

/// The extension of 2026-07-28, as clients and servers declare it.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// How long a task is kept without a look at it, whatever its server says.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many tasks one person may have, over all clients and servers: a client that registers anew gains nothing.
const OF_ONE: usize = 256;
const IN_ALL: usize = 65_536;
/// The longest id that is kept: ids are the servers' own, and a server may be hostile.
const LONGEST_ID: usize = 1_024;

/// Why a task is not there for somebody. To them it is all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTask {
    /// This door has not seen it begin, or it is over.
    Unknown,
    /// It is another's.
    Foreign,
    /// It is theirs, but they may no longer see the tool that began it.
    Unseen,
}

type Key = (ServerName, Arc<str>);
type Person = (TenantId, ObjectId);

struct Task {
    owner: Owner,
    tool: Arc<str>,
    kept: Duration,
    expires: Timestamp,
}

/// The tasks of one door, in memory and bounded.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<Held>);

#[derive(Default)]
struct Held {
    by_id: HashMap<Key, Task>,
    /// Each person's, oldest first.
    by_person: HashMap<Person, VecDeque<Key>>,
}

impl Held {
    fn remove(&mut self, key: &Key) {
        let Some(task) = self.by_id.remove(key) else { return };
        let person = person(&task.owner);
        if let Some(own) = self.by_person.get_mut(&person) {
            own.retain(|one| one != key);
            if own.is_empty() {
                self.by_person.remove(&person);
            }
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        let over = self.by_id.iter().filter(|(_, task)| now >= task.expires);
        let over: Vec<_> = over.map(|(key, _)| key.clone()).collect();
        over.iter().for_each(|key| self.remove(key));
    }
}

fn person(owner: &Owner) -> Person {
    (owner.tenant.clone(), owner.object.clone())
}

impl Tasks {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whose a task is. One that is another's, or that another tool began, stays what it was: a server that hands one id
    /// out twice must not hand the first one's answer to the second.
    fn note(
        &self,
        key: Key,
        owner: &Owner,
        tool: Arc<str>,
        kept: Duration,
        now: Timestamp,
    ) -> Result<(), UpstreamError> {
        let mut held = self.held();
        if let Some(task) = held.by_id.get(&key)
            && now < task.expires
            && (task.owner != *owner || task.tool != tool)
        {
            return Err(malformed("the task that the server names is another's"));
        }
        held.remove(&key);
        // A person's own oldest task gives way, so that nobody is locked out by what they forgot to fetch.
        let oldest = held.by_person.get(&person(owner)).filter(|own| own.len() >= OF_ONE);
        if let Some(oldest) = oldest.and_then(|own| own.front()).cloned() {
            held.remove(&oldest);
        }
        if held.by_id.len() >= IN_ALL {
            held.sweep(now);
        }
        // Nobody else's gives way, so that nobody can push it out.
        if held.by_id.len() >= IN_ALL {
            return Err(UpstreamError::new(
                UpstreamFault::Capped,
                format!("{IN_ALL} tasks are kept already"),
            ));
        }
        held.by_person.entry(person(owner)).or_default().push_back(key.clone());
        held.by_id.insert(key, Task { owner: owner.clone(), tool, kept, expires: now.plus(kept) });
        Ok(())
    }

    /// Finds the tool that began a task. A look at a task keeps it.
    fn find(&self, key: &Key, owner: &Owner, now: Timestamp) -> Result<Arc<str>, NoTask> {
        let mut held = self.held();
        let task = held.by_id.get_mut(key).filter(|task| now < task.expires).ok_or(NoTask::Unknown)?;
        if task.owner != *owner {
            return Err(NoTask::Foreign);
        }
        task.expires = task.expires.max(now.plus(task.kept));
        Ok(Arc::clone(&task.tool))
    }

    /// Finds the tool of a task that is this caller's own and that they may still see.
    fn own(
        &self,
        id: Option<Value<'_>>,
        server: &ServerName,
        caller: &Caller,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Arc<str>, NoTask> {
        let id = id.and_then(|id| id.as_str()).ok_or(NoTask::Unknown)?;
        let tool = self.find(&(server.clone(), id.as_ref().into()), &caller.owner, now)?;
        let seen = snapshot.policies().sees(&caller.principal, server, Item::Tool(&tool));
        if seen { Ok(tool) } else { Err(NoTask::Unseen) }
    }

    /// Lets a caller look after a task, or after all of theirs: the permit to use the server is enough, since its tool was
    /// permitted with arguments that are gone, and may still be seen.
    pub(crate) fn admit(
        &self,
        trail: &mut Trail,
        caller: &Caller,
        frame: &Frame,
        method: Method,
    ) -> Result<(), Refusal> {
        // Each revision has its own methods; what it does not have would look after tasks past this check.
        if !method.known_in(trail.era, Direction::ClientToServer, frame.kind()) {
            return Err(Refusal::new(Reason::MethodNotPermitted));
        }
        declared(trail)?;
        // A list is cut to what is the caller's own when it comes back.
        if method != Method::TasksList {
            let id = frame.params().and_then(|params| params.get("taskId"));
            let tool = self.own(id, &trail.server.name, caller, &trail.snapshot, trail.now);
            // From here on it is about the tool: for the log, and for the policies while an answer streams.
            trail.subject = Subject::Tool(tool.map_err(|why| Refusal::new(Reason::NoTask(why)))?);
        }
        Ok(())
    }

    /// Lets a caller subscribe to news of their own tasks. Which of others' ids a server acknowledges would tell which exist.
    pub(crate) fn admit_listener(
        &self,
        trail: &Trail,
        caller: &Caller,
        frame: &Frame,
    ) -> Result<(), Refusal> {
        let wanted = frame.params().and_then(|params| params.path(&["notifications", "taskIds"]));
        let Some(wanted) = wanted else { return Ok(()) };
        declared(trail)?;
        for id in wanted.items() {
            self.own(Some(id), &trail.server.name, caller, &trail.snapshot, trail.now)
                .map_err(|why| Refusal::new(Reason::NoTask(why)))?;
        }
        Ok(())
    }

    /// Forgets the tasks that are over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.held().sweep(now);
    }
}

/// In 2026-07-28 tasks are for clients that say they know them; asked before any id is looked at, so that it tells nothing.
fn declared(trail: &Trail) -> Result<(), Refusal> {
    let knows = trail.capabilities.as_deref().is_some_and(|declared| declared.contains(EXTENSION));
    if trail.era == Era::Legacy || knows { Ok(()) } else { Err(Refusal::new(Reason::TasksUndeclared)) }
}

fn malformed(what: &'static str) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Malformed, what)
}

/// Says whether a task ended in an error, of the tool or of the protocol.
pub(crate) fn failed(task: Value<'_>) -> bool {
    let tool = task.path(&["result", "isError"]).and_then(|value| value.as_bool());
    tool == Some(true) || task.get("error").is_some_and(|error| error.is_object())
}

impl<P: Ports> Exchange<P> {
    /// Notes whose a task is, where the answer to a call is one. Comes before the answer is released.
    pub(crate) fn note_task(&self, result: Value<'_>) -> Result<(), UpstreamError> {
        let (true, Subject::Tool(tool)) = (self.trail.wanted.task, &self.trail.subject) else {
            return Ok(());
        };
        let made = match self.trail.era {
            Era::Modern => Some(result).filter(|result| result_type(*result) == ResultType::Task),
            Era::Legacy => result.get("task"),
        };
        let (Some(made), Method::ToolsCall) = (made, self.method) else { return Ok(()) };
        let id = made.get("taskId").and_then(|id| id.as_str()).filter(|id| id.len() <= LONGEST_ID);
        let id = id.ok_or_else(|| malformed("the server names a task by nothing that can be kept"))?;
        let lives = made.get("ttlMs").or(made.get("ttl")).and_then(|ttl| ttl.as_i64());
        let lives = lives.and_then(|ttl| u64::try_from(ttl).ok()).map_or(KEPT, Duration::from_millis);
        let key = (self.trail.server.name.clone(), id.as_ref().into());
        self.tasks.note(key, &self.caller.owner, Arc::clone(tool), lives.min(KEPT), self.trail.now)
    }

    /// Judges what a task carries when it is over: the tool's answer, which has nothing more to ask for. A question in there
    /// would reach the client past the judgement of questions (D-01).
    pub(crate) fn judge_outcome(&self, task: Value<'_>) -> Result<(), UpstreamError> {
        let Some(result) = task.get("result").filter(|result| !result.is_null()) else { return Ok(()) };
        let over = matches!(result_type(result), ResultType::Unsaid | ResultType::Complete);
        if over && result.get("inputRequests").is_none() {
            return Ok(());
        }
        Err(malformed("a task that is over asks for input"))
    }

    /// Says whether a task, as a list or a notification has it, is this caller's own.
    pub(crate) fn owns(&self, task: Value<'_>, snapshot: &Snapshot, caller: &Caller) -> bool {
        let server = &self.trail.server.name;
        self.tasks.own(task.get("taskId"), server, caller, snapshot, self.trail.now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use doorward_types::ClientId;

    use super::*;

    fn owner(person: usize, client: usize) -> Owner {
        let guid = |of: usize| format!("10000000-0000-4000-8000-{of:012x}");
        Owner {
            tenant: TenantId::parse(&guid(0)).unwrap(),
            object: ObjectId::parse(&guid(person)).unwrap(),
            client: ClientId::parse(&guid(client)).unwrap(),
        }
    }

    fn key(id: &str) -> Key {
        (ServerName::parse("lab").unwrap(), id.into())
    }

    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: Timestamp = Timestamp::from_secs(1_000);

    // control: B-08: a task is one person's and one client's, at one server, and no second one can be made under its id
    #[test]
    fn a_task_is_its_owners_and_stays_it() {
        let (tasks, alice) = (Tasks::default(), owner(1, 1));
        tasks.note(key("t"), &alice, "tool".into(), MINUTE, NOW).unwrap();
        assert_eq!(tasks.find(&key("t"), &alice, NOW).as_deref(), Ok("tool"));
        assert_eq!(tasks.find(&key("t"), &owner(2, 1), NOW), Err(NoTask::Foreign));
        assert_eq!(tasks.find(&key("t"), &owner(1, 2), NOW), Err(NoTask::Foreign));
        assert_eq!(tasks.find(&key("u"), &alice, NOW), Err(NoTask::Unknown));
        let elsewhere = (ServerName::parse("other").unwrap(), "t".into());
        assert_eq!(tasks.find(&elsewhere, &alice, NOW), Err(NoTask::Unknown));
        assert!(tasks.note(key("t"), &owner(2, 1), "tool".into(), MINUTE, NOW).is_err());
        assert!(tasks.note(key("t"), &alice, "another".into(), MINUTE, NOW).is_err());
        tasks.note(key("t"), &alice, "tool".into(), MINUTE, NOW).unwrap();
        assert_eq!(tasks.find(&key("t"), &alice, NOW).as_deref(), Ok("tool"));
    }

    #[test]
    fn a_task_is_kept_for_as_long_as_it_is_looked_at() {
        let (tasks, alice) = (Tasks::default(), owner(1, 1));
        tasks.note(key("t"), &alice, "tool".into(), MINUTE, NOW).unwrap();
        let later = NOW.plus(MINUTE / 2);
        assert!(tasks.find(&key("t"), &alice, later).is_ok());
        assert!(tasks.find(&key("t"), &alice, later.plus(MINUTE / 2)).is_ok());
        assert_eq!(tasks.find(&key("t"), &alice, later.plus(MINUTE * 2)), Err(NoTask::Unknown));
        // Its id is free again, for anybody.
        tasks.note(key("t"), &owner(2, 1), "tool".into(), MINUTE, later.plus(MINUTE * 2)).unwrap();
        tasks.sweep(later.plus(MINUTE * 4));
        let held = tasks.held();
        assert!(held.by_id.is_empty() && held.by_person.is_empty());
    }

    // control: B-08, RAT-04: one person's tasks are bounded over all of their clients, and push out nobody else's
    #[test]
    fn nobody_pushes_out_anothers_tasks() {
        let (tasks, alice) = (Tasks::default(), owner(0, 1));
        tasks.note(key("alice"), &alice, "tool".into(), MINUTE, NOW).unwrap();
        for number in 0..OF_ONE * 2 {
            let mallory = owner(1, number % 3);
            tasks.note(key(&format!("m-{number}")), &mallory, "tool".into(), MINUTE, NOW).unwrap();
        }
        assert_eq!(tasks.held().by_id.len(), OF_ONE + 1);
        assert_eq!(tasks.find(&key("m-0"), &owner(1, 1), NOW), Err(NoTask::Unknown), "their own oldest went");
        assert!(tasks.find(&key("alice"), &alice, NOW).is_ok());
        for number in OF_ONE + 1..IN_ALL {
            let others = owner(number / OF_ONE + 1, 1);
            tasks.note(key(&format!("o-{number}")), &others, "tool".into(), MINUTE, NOW).unwrap();
        }
        let full = tasks.note(key("late"), &owner(9_999, 1), "tool".into(), MINUTE, NOW);
        assert_eq!(full.map_err(|error| error.fault), Err(UpstreamFault::Capped));
        assert!(tasks.find(&key("alice"), &alice, NOW).is_ok());
        // What is over makes room.
        let later = NOW.plus(MINUTE);
        tasks.note(key("late"), &owner(9_999, 1), "tool".into(), MINUTE, later).unwrap();
    }
}
