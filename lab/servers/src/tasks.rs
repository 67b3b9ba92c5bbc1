//! A server of 2026-07-28 with the tasks extension: some of its tools answer with a task, which is looked after by its id.
//!
//! It knows nobody: whoever has an id has the task, as at any server that sees one caller alone. Nothing runs in the
//! background: what a task has come to is worked out when somebody asks.

mod tools;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use doorward_types::Timestamp;
use serde_json::{Map, Value, json};

use crate::answer::{About, Answer, INVALID_PARAMS, Service};
use crate::endpoint::Eras;
use crate::message::Call;
use crate::running::Running;
use crate::state::State;
use tools::Job;

/// How long a task may be looked at, in milliseconds.
const TTL: u64 = 600_000;
const POLL: u64 = 200;

/// Starts the server, with a transcript.
///
/// # Errors
/// When the address cannot be bound, or is not loopback.
pub async fn start(listen: SocketAddr) -> io::Result<Running> {
    let state = State::new(true);
    let service = Tasks { state: Arc::clone(&state), kept: Mutex::default() };
    Running::start(listen, Eras::Modern, state, service).await
}

struct Tasks {
    state: Arc<State>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    tasks: HashMap<String, Task>,
    /// The states of rounds that wait for input.
    rounds: HashSet<String>,
}

struct Task {
    created: SystemTime,
    updated: SystemTime,
    job: Job,
    cancelled: bool,
    /// What it was told, by the keys of what it asked.
    told: Map<String, Value>,
}

impl Task {
    fn new(job: Job) -> Self {
        let now = SystemTime::now();
        Self { created: now, updated: now, job, cancelled: false, told: Map::new() }
    }

    /// What it still asks for.
    fn asks(&self) -> Map<String, Value> {
        let waits = self.job.asks.iter().filter(|key| !self.cancelled && !self.told.contains_key(**key));
        waits.map(|key| ((*key).to_owned(), tools::question(key))).collect()
    }

    /// What has become of it: the status, and the member that goes with it.
    fn status(&self) -> (&'static str, Option<(&'static str, Value)>) {
        let asks = self.asks();
        if self.cancelled {
            ("cancelled", None)
        } else if !asks.is_empty() {
            ("input_required", Some(("inputRequests", asks.into())))
        } else if self.updated.elapsed().unwrap_or_default() < self.job.takes {
            ("working", None)
        } else {
            match self.job.ends(&self.told) {
                Ok(result) => ("completed", Some(("result", result))),
                Err(error) => ("failed", Some(("error", error))),
            }
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self.status().0, "working" | "input_required")
    }

    /// As `tasks/get` tells of it; `whole` with what the status brings.
    fn told_of(&self, id: &str, whole: bool) -> Value {
        let (status, member) = self.status();
        let at = |time| Timestamp::from(time).to_string();
        let mut task = json!({
            "taskId": id, "status": status, "createdAt": at(self.created), "lastUpdatedAt": at(self.updated),
            "ttlMs": TTL, "pollIntervalMs": POLL,
        });
        if let (Some((name, value)), Value::Object(task), true) = (member, &mut task, whole) {
            task.insert(name.to_owned(), value);
        }
        task
    }
}

impl Tasks {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, job: Job) -> Answer {
        let (id, task) = (self.state.fresh(), Task::new(job));
        let mut made = task.told_of(&id, false);
        if let Value::Object(made) = &mut made {
            made.insert("resultType".to_owned(), "task".into());
        }
        self.kept().tasks.insert(id, task);
        Answer::Raw(made.to_string())
    }

    /// Does something with the task that a request names.
    fn with(&self, params: &Value, then: impl FnOnce(&str, &mut Task) -> Answer) -> Answer {
        let id = params.get("taskId").and_then(Value::as_str).unwrap_or_default();
        match self.kept().tasks.get_mut(id) {
            Some(task) => then(id, task),
            None => unfit("Task not found"),
        }
    }

    fn call(&self, params: &Value) -> Answer {
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
        let arguments = params.get("arguments").cloned().unwrap_or_default();
        let Some(tool) = tools::tool(name, &arguments) else { return unfit("Unknown tool") };
        let knows = |capability: &str| tools::knows(params, capability);
        if let Some(missing) = tool.needs.iter().find(|capability| !knows(capability)) {
            return tools::missing(missing);
        }
        if tool.in_rounds {
            return self.in_rounds(params, tool.job);
        }
        match (tool.job, knows(tools::TASKS)) {
            // What takes no time needs no task.
            (job, false) => tools::at_once(job),
            (job, true) if job.takes.is_zero() && job.asks.is_empty() => tools::at_once(job),
            (job, true) => self.begin(job),
        }
    }

    /// Asks before there is a task. The state is good for whoever brings it, once.
    fn in_rounds(&self, params: &Value, mut job: Job) -> Answer {
        let Some(name) = params.pointer("/inputResponses/user_name/content/name").and_then(Value::as_str)
        else {
            let state = self.state.fresh();
            self.kept().rounds.insert(state.clone());
            let asked = json!({
                "resultType": "input_required", "requestState": state,
                "inputRequests": {"user_name": tools::question("user_name")},
            });
            return Answer::Raw(asked.to_string());
        };
        let state = params.get("requestState").and_then(Value::as_str).unwrap_or_default();
        if !self.kept().rounds.remove(state) {
            return unfit("The request state is not known");
        }
        job.text = format!("Hello, {name}!");
        self.begin(job)
    }
}

fn unfit(why: &str) -> Answer {
    Answer::Error { code: INVALID_PARAMS, message: why.to_owned() }
}

impl Service for Tasks {
    fn about(&self) -> &About {
        &About {
            implementation: r#"{"name":"doorward-tasks","version":"0.1.0"}"#,
            capabilities: r#"{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
            instructions: "Takes its time over some of its answers. For tests.",
        }
    }

    fn objects(&self, call: &Call<'_>) -> Option<Answer> {
        let params = call.tree();
        let about_tasks = match call.method {
            "tasks/get" | "tasks/update" | "tasks/cancel" => true,
            "subscriptions/listen" => params.pointer("/notifications/taskIds").is_some(),
            _ => false,
        };
        (about_tasks && !tools::knows(&params, tools::TASKS)).then(|| tools::missing(tools::TASKS))
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        let params = call.tree();
        match call.method {
            "tools/list" => Answer::Result(tools::list()),
            "tools/call" => self.call(&params),
            "tasks/get" => self.with(&params, |id, task| Answer::Result(task.told_of(id, true).to_string())),
            "tasks/cancel" => self.with(&params, |_, task| {
                if !task.is_over() {
                    (task.cancelled, task.updated) = (true, SystemTime::now());
                }
                Answer::Result("{}".to_owned())
            }),
            "tasks/update" => {
                let Some(Value::Object(told)) = params.get("inputResponses") else {
                    return unfit("inputResponses must be an object");
                };
                self.with(&params, |_, task| {
                    // What was not asked, or was told before, is ignored.
                    let asked = task.asks();
                    for (key, response) in told.iter().filter(|(key, _)| asked.contains_key(*key)) {
                        task.told.insert(key.clone(), response.clone());
                        task.updated = SystemTime::now();
                    }
                    Answer::Result("{}".to_owned())
                })
            }
            _ => Answer::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
