//! What comes back, read as a model will read it: orders that somebody planted in a result, an error, a question or a message
//! on the way are found (INJ-01, TPO-12), and what an untrusted server said is marked as its own (INJ-04, INJ-06).
//!
//! Only what is certain is ever kept from the client, and only where the operator says so. All else is recorded and goes on,
//! with a note beside it that says what it is. What is judged are the bytes that leave: after an edit a frame is parsed anew.

pub(crate) mod budget;
mod fit;
mod read;
mod spotlight;
#[cfg(test)]
mod tests;
pub(crate) mod texts;
mod tokens;
mod transform;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use doorward_inspect::{Names, Place};
use doorward_types::ClientId;
use doorward_wire::{Edits, Frame, FrameKind, Limits, Method, Value, quote};

pub use budget::Budget;
use read::{MOST, MOST_SAID};
pub(crate) use read::{Verdict, Watch};
use transform::Spot;

use crate::answer::JudgedEvent;
use crate::catalogue::Known;
use crate::eyes::{Found, Suspicion};
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::{Done, Subject};
use crate::refusal::REFUSED;
use crate::snapshot::Snapshot;
use crate::stage::Exchange;

/// Where the door says in a result's `_meta` whose words it holds. What a server says there itself is taken out: it would
/// vouch for itself.
pub(crate) const PROVENANCE: &str = "doorward/provenance";
/// All names of the door's own in a `_meta`.
const OWN: &str = "doorward/";
/// What the door's notes may add to an answer, in bytes.
const ROOM: usize = 64 * 1024;

/// What becomes of an answer in which somebody gives orders to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injected {
    /// Nothing: answers are not read.
    Pass,
    /// It is recorded.
    Record,
    /// It is recorded, and goes on with a note of what was found in it.
    Mark,
    /// As `Mark`; where there is no doubt it does not go on, and the client is told so (D-04).
    Block,
}

/// How a client, and with it its model, is told that a text is a stranger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spotlight {
    /// Not at all: what the server returns is trusted.
    Off,
    /// By a note in `_meta`. Nothing that a model reads changes.
    Annotate,
    /// In the text itself, and by the note.
    Transform(Form),
}

/// What becomes of a text that a model is to take for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It stands between two lines that nobody can forge, who does not know this message's number.
    Delimit,
    /// And a sign stands for each blank.
    Datamark,
    /// And it is in base64.
    Encode,
}

/// What is done about the content of one server's answers.
#[derive(Debug, Clone)]
pub struct ResultRules {
    /// What becomes of planted orders.
    pub injected: Injected,
    /// How its words are told from others.
    pub spotlight: Spotlight,
    /// What single clients have instead.
    pub clients: Arc<BTreeMap<ClientId, Spotlight>>,
    /// How much one answer may be.
    pub budget: Budget,
}

impl Default for ResultRules {
    fn default() -> Self {
        let (injected, spotlight) = (Injected::Mark, Spotlight::Annotate);
        Self { injected, spotlight, clients: Arc::default(), budget: Budget::default() }
    }
}

impl ResultRules {
    /// What holds for a client: off where either side says so, else the client's own word, else the server's.
    pub(crate) fn spotlight_for(&self, client: &ClientId) -> Spotlight {
        match self.spotlight {
            Spotlight::Off => Spotlight::Off,
            own => self.clients.get(client).copied().unwrap_or(own),
        }
    }
}

/// Answers whose words are definitions, which are judged as such, or nobody's.
fn is_content(method: Method) -> bool {
    !matches!(
        method,
        Method::ToolsList
            | Method::PromptsList
            | Method::ResourcesList
            | Method::ResourceTemplatesList
            | Method::Ping
            | Method::LoggingSetLevel
    )
}

/// Answers that are made for a model, and say whose they are.
fn has_content(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall
            | Method::ResourcesRead
            | Method::PromptsGet
            | Method::TasksGet
            | Method::TasksResult
    )
}

/// The result of a tool call that an answer holds: the answer's own, or a task's that is over.
fn outcome<'t>(result: Value<'t>, method: Method) -> Value<'t> {
    match method {
        Method::TasksGet => result.get("result").filter(Value::is_object).unwrap_or(result),
        _ => result,
    }
}

fn broken(what: impl std::fmt::Display) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Malformed, format!("after a look at its content: {what}"))
}

impl<P: Ports> Exchange<P> {
    /// Judges what a final answer says, and gives back what may go on, with what is still to be written into it: the door's own
    /// note, if that is all. It stands where no judgement looks, so that what was judged is what leaves, and is written together
    /// with the client's id; all other edits are made here, and what they leave is parsed anew.
    pub(crate) async fn regard(
        &self,
        frame: Frame,
        snapshot: &Snapshot,
    ) -> Result<(Frame, Edits), UpstreamError> {
        let rules = &self.trail.server.results;
        if matches!(self.method, Method::Initialize | Method::Discover) {
            return Ok((self.regard_greeting(frame)?, Edits::new()));
        }
        if !is_content(self.method) {
            return Ok((frame, Edits::new()));
        }
        let place = if frame.error().is_some() { Place::Error } else { Place::Content };
        let read = [frame.result(), frame.error()].into_iter().flatten();
        let verdict = self.read(read, place, MOST, snapshot).await;
        if self.method == Method::Other {
            // What no revision knows passes byte for byte (D-27).
            self.note(&verdict, false, Injected::Record);
            return Ok((frame, Edits::new()));
        }
        let blocked = verdict.is_certain() && rules.injected == Injected::Block;
        self.note(&verdict, blocked, rules.injected);
        let mut edits = Edits::new();
        let mut is_reworded = blocked;
        if blocked {
            self.block(&frame, "it gives orders to the model that reads it", &mut edits)?;
        } else if let Some(result) = frame.result() {
            is_reworded = self.spotlight(result, &verdict, snapshot, &mut edits);
        }
        // A budget counts the note too, and what is put into an old client's words is read once more.
        if is_reworded || rules.budget != Budget::default() || self.trail.is_up() {
            return Ok((self.spotlit(frame, &edits)?, Edits::new()));
        }
        Ok((frame, edits))
    }

    /// Says whether a message on the way says something that is to be read.
    pub(crate) fn says(&self, frame: &Frame) -> bool {
        self.trail.server.results.injected != Injected::Pass
            && !texts::of(frame.params().into_iter()).is_empty()
    }

    /// Says whether nothing is to be found in what messages say together. Most are harmless, and read together they cost a
    /// fraction of what they cost one by one.
    pub(crate) async fn are_quiet(&self, frames: &[&Frame], snapshot: &Snapshot) -> bool {
        let mut texts = texts::of(frames.iter().filter_map(|frame| frame.params()));
        if texts::open(&mut texts).is_some() {
            return false;
        }
        let known = snapshot.known().get(&self.trail.server.name);
        let none = Names::default();
        self.watch.are_quiet(&texts, known.map_or(&none, |known| known.names())).await
    }

    /// Judges what a message says that may be passed on otherwise.
    pub(crate) async fn regard_event(
        &self,
        frame: &Frame,
        bytes: Bytes,
        snapshot: &Snapshot,
    ) -> Result<JudgedEvent, UpstreamError> {
        match self.regard_said(frame, snapshot).await {
            (false, _) => Ok(JudgedEvent::Dropped("injected")),
            (true, verdict) if verdict.is_flagged || verdict.unread => {
                let (frame, _) = Frame::parse_result(bytes, &self.roomy()).map_err(broken)?;
                let mut edits = Edits::new();
                frame
                    .params()
                    .into_iter()
                    .for_each(|params| self.mark(params, &verdict, None, None, &mut edits));
                edits.apply(frame.tree()).map(JudgedEvent::Pass).map_err(broken)
            }
            _ => Ok(JudgedEvent::Pass(bytes)),
        }
    }

    /// What a message on the way, or a question of the server, says: false if it must not go on.
    pub(crate) async fn regard_said(&self, frame: &Frame, snapshot: &Snapshot) -> (bool, Verdict) {
        let most = if frame.kind() == FrameKind::Request { MOST } else { MOST_SAID };
        let verdict = self.read(frame.params().into_iter(), Place::Content, most, snapshot).await;
        let rule = self.trail.server.results.injected;
        let blocked = verdict.is_certain() && rule == Injected::Block;
        self.note(&verdict, blocked, rule);
        (!blocked, verdict)
    }

    /// Says whether an answer holds words of the server's that are no definitions.
    pub(crate) fn is_content(&self) -> bool {
        is_content(self.method) && !matches!(self.method, Method::Initialize | Method::Discover)
    }

    async fn read<'t>(
        &self,
        of: impl Iterator<Item = Value<'t>>,
        place: Place,
        most: usize,
        snapshot: &Snapshot,
    ) -> Verdict {
        if self.trail.server.results.injected == Injected::Pass {
            return Verdict::default();
        }
        let mut texts = texts::of(of);
        let unopened = texts::open(&mut texts);
        let known = snapshot.known().get(&self.trail.server.name);
        let none = Names::default();
        let names = known.map_or(&none, |known| known.names());
        let verdict = self.watch.read(&texts, place, names, most).await;
        Verdict { unread: verdict.unread || unopened.is_some(), unopened, ..verdict }
    }

    /// Writes down what was found, and raises an alarm for what is certain: one for each call at the most.
    fn note(&self, verdict: &Verdict, blocked: bool, rule: Injected) {
        let done = match rule {
            _ if blocked => Done::Refused,
            Injected::Mark | Injected::Block => Done::Marked,
            Injected::Record | Injected::Pass => Done::Seen,
        };
        verdict.rules.iter().for_each(|rule| self.trail.notes.add(rule.id, done));
        verdict.shadow.iter().for_each(|rule| self.trail.notes.add(rule.id, Done::Shadow));
        if verdict.unread {
            self.trail.notes.add("unread", done);
        }
        if let Some(why) = verdict.unopened {
            self.trail.notes.add(why.name(), done);
        }
        if let Some(rule) = verdict.certain.filter(|_| self.watch.may_tell()) {
            let name = match &self.trail.subject {
                Subject::Tool(name) | Subject::Prompt(name) => &**name,
                // An address of a resource holds personal data.
                _ => "",
            };
            let kind = match &self.trail.subject {
                Subject::Tool(_) => "tool",
                Subject::Prompt(_) => "prompt",
                _ => "resource",
            };
            self.eyes.tell(Suspicion {
                server: self.trail.server.name.clone(),
                found: Found::Answer,
                kind,
                name: name.to_owned(),
                rule: rule.id,
                reason: rule.reason,
                done,
            });
        }
    }

    /// Puts a word of the door's own in the place of what a certain order stands in (D-04).
    pub(crate) fn block(&self, frame: &Frame, why: &str, edits: &mut Edits) -> Result<(), UpstreamError> {
        let says = |what: &str| quote(&format!("{what}: {why}. The record has the details."));
        if let Some(error) = frame.error() {
            let message = error.get("message").ok_or_else(|| broken("an error without a message"))?;
            edits.replace(message.span(), says("The server's error message was withheld"));
            edits.remove_member(error, "data");
            return Ok(());
        }
        let Some(result) = frame.result() else { return Ok(()) };
        let held = outcome(result, self.method);
        if matches!(self.method, Method::ToolsCall | Method::TasksResult | Method::TasksGet) {
            // Whose task it was the client has to know all the same.
            let task = held
                .path(&["_meta", RELATED])
                .map(|task| format!(r#","_meta":{{"{RELATED}":{}}}"#, task.raw()));
            let text = says("Doorward withheld the result of this tool");
            let blocked = format!(
                r#"{{"content":[{{"type":"text","text":{text}}}],"isError":true{}}}"#,
                task.unwrap_or_default()
            );
            edits.replace(held.span(), blocked);
            return Ok(());
        }
        let id = frame.id_value().map_or("null", |id| id.raw());
        let text = says("What the server returned was withheld");
        let error = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{REFUSED},"message":{text}}}}}"#);
        edits.replace(frame.root().span(), error);
        Ok(())
    }

    /// Tells a result's texts from others, in the way that its client has them; says whether it changed any.
    fn spotlight(
        &self,
        result: Value<'_>,
        verdict: &Verdict,
        snapshot: &Snapshot,
        edits: &mut Edits,
    ) -> bool {
        let held = outcome(result, self.method);
        let way = self.trail.server.results.spotlight_for(&self.caller.owner.client);
        let way = if has_content(self.method) { way } else { Spotlight::Off };
        let code = self.watch.code();
        let spot = match (way, &code) {
            (Spotlight::Transform(form), Some(code)) => {
                Some(Spot { form, code, server: self.trail.server.name.as_str() })
            }
            _ => None,
        };
        if let Some(spot) = &spot {
            let known: Option<&Known> = snapshot.known().get(&self.trail.server.name).map(|known| &**known);
            let tool = known.and_then(|known| known.tool(self.trail.subject.name()));
            spot.result(result, self.method, tool.map(|tool| &**tool), edits);
        }
        let is_reworded = !edits.is_empty();
        let spot = spot.filter(|_| is_reworded);
        self.mark(held, verdict, Some(way), spot.map(|spot| spot.told()).as_deref(), edits);
        is_reworded
    }

    /// Says beside a result whose words it holds, and what was found in them.
    fn mark(
        &self,
        result: Value<'_>,
        verdict: &Verdict,
        way: Option<Spotlight>,
        spot: Option<&str>,
        edits: &mut Edits,
    ) {
        let rules = &self.trail.server.results;
        let is_marked = matches!(rules.injected, Injected::Mark | Injected::Block);
        let found = is_marked && (verdict.is_flagged || verdict.unread);
        let spotlit = way.is_some_and(|way| way != Spotlight::Off);
        let note = (found || spotlit).then(|| self.provenance(verdict, found, spot));
        set_meta(result, note.as_deref(), edits);
    }

    fn provenance(&self, verdict: &Verdict, found: bool, spot: Option<&str>) -> String {
        let mut note = format!(r#"{{"server":{}"#, quote(self.trail.server.name.as_str()));
        if let Subject::Tool(tool) = &self.trail.subject {
            note.push_str(&format!(r#","tool":{}"#, quote(tool)));
        }
        note.push_str(r#","untrusted":true"#);
        if found {
            let rules: Vec<_> = verdict.rules.iter().map(|rule| quote(rule.id)).collect();
            note.push_str(&format!(r#","findings":[{}]"#, rules.join(",")));
        }
        if found && verdict.unread {
            note.push_str(r#","unread":true"#);
        }
        spot.iter().for_each(|spot| note.push_str(&format!(r#","spotlight":{spot}"#)));
        note.push('}');
        note
    }

    /// What a server says of itself is a definition: where it gives orders beyond doubt, it is not there.
    fn regard_greeting(&self, frame: Frame) -> Result<Frame, UpstreamError> {
        let Some(result) = frame.result() else { return Ok(frame) };
        let mut edits = Edits::new();
        let said = result.get("instructions");
        let told =
            said.and_then(|said| said.as_str()).filter(|said| self.eyes.lets_say(&self.trail.server, said));
        let way = self.trail.server.results.spotlight_for(&self.caller.owner.client);
        if matches!(way, Spotlight::Transform(_)) {
            transform::greeting(result, told.as_deref(), &mut edits);
        } else if said.is_some() && told.is_none() {
            edits.remove_member(result, "instructions");
        }
        self.spotlit(frame, &edits)
    }

    fn spotlit(&self, frame: Frame, edits: &Edits) -> Result<Frame, UpstreamError> {
        if edits.is_empty() {
            return Ok(frame);
        }
        let bytes: Bytes = edits.apply(frame.tree()).map_err(broken)?;
        Frame::parse_result(bytes, &self.roomy()).map(|(frame, _)| frame).map_err(broken)
    }

    /// What was added may take an answer past its bounds, which were those of its server.
    pub(crate) fn roomy(&self) -> Limits {
        let limits = self.trail.server.answer_limits;
        Limits {
            max_bytes: limits.max_bytes.saturating_mul(2).saturating_add(ROOM),
            max_depth: limits.max_depth.saturating_add(2),
            max_nodes: limits.max_nodes.saturating_add(256),
        }
    }
}

/// Names the task that a result belongs to (2025-11-25).
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// Sets the door's note in an object's `_meta`, and takes out what a server wrote under the door's names.
pub(crate) fn set_meta(of: Value<'_>, note: Option<&str>, edits: &mut Edits) {
    let whole = |note: &str| format!(r#"{{"{PROVENANCE}":{note}}}"#);
    match (of.get("_meta"), note) {
        (Some(meta), note) if meta.is_object() => {
            for (name, _) in meta.members().filter(|(name, _)| name.starts_with(OWN)) {
                edits.remove_member(meta, &name);
            }
            note.iter().for_each(|note| edits.insert_member(meta, PROVENANCE, note));
        }
        (Some(meta), Some(note)) => edits.replace(meta.span(), whole(note)),
        (None, Some(note)) => edits.insert_member(of, "_meta", &whole(note)),
        (_, None) => {}
    }
}
