//! Answers: whatever a server says to a model is looked at before it leaves.

use doorward_dlp::{Direction, Facts, Scope, Tool, Treatment};
use doorward_wire::{Edits, Era, Frame, Method, Span, Value, quote};

use super::inside::{inside, kinds};
use super::people::Of;
use super::seams::{Seams, seams};
use super::{DataRules, done, look, name_of};
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::Subject;
use crate::refusal::REFUSED;
use crate::schema::OutputSchema;
use crate::snapshot::Snapshot;
use crate::stage::{Caller, Exchange};

/// Members of a result that are the protocol's: states and names that must come back as they were.
const STATES: [&str; 3] = ["requestState", "nextCursor", "taskId"];

/// The answers that a model reads. Lists say what is offered, and hold nobody's data.
fn is_read(method: Method) -> bool {
    use Method::{
        CompletionComplete, PromptsGet, ResourcesRead, TasksCancel, TasksGet, TasksList, TasksResult,
        TasksUpdate, ToolsCall,
    };
    matches!(
        method,
        ToolsCall
            | PromptsGet
            | ResourcesRead
            | CompletionComplete
            | TasksGet
            | TasksResult
            | TasksList
            | TasksCancel
            | TasksUpdate
    )
}

impl<P: Ports> Exchange<P> {
    /// Takes out of a final answer what may not reach the model. What is left is parsed again (D-02), and its
    /// `structuredContent` fits the tool's output schema, or the answer is withheld (D-04).
    pub(crate) fn shield(
        &self,
        frame: Frame,
        snapshot: &Snapshot,
        caller: &Caller,
    ) -> Result<Frame, UpstreamError> {
        self.shield_once(frame, snapshot, caller, true)
    }

    fn shield_once(
        &self,
        frame: Frame,
        snapshot: &Snapshot,
        caller: &Caller,
        mends: bool,
    ) -> Result<Frame, UpstreamError> {
        let Some(rules) = &self.trail.server.data else { return Ok(frame) };
        let read = frame.result().filter(|_| is_read(self.method)).or(frame.error());
        let Some(value) = read else { return Ok(frame) };
        let of = self.leaks.leaks.of(&caller.owner);
        let server = &self.trail.server.name;
        let roles: Vec<&str> = caller.identity.roles().iter().map(|role| &**role).collect();
        let leave = states(value, frame.error().is_some());
        // The tool as it was called; of a task, as it is known now.
        let known = || {
            let Subject::Tool(name) = &self.trail.subject else { return None };
            snapshot.known().get(server)?.tool(name)
        };
        let tool = self.trail.tool.as_ref().or_else(known);
        let output = tool.and_then(|tool| tool.output.as_ref());
        let facts = Facts {
            roles: &roles,
            leave: &leave,
            kept: &self.trail.restored,
            label: &rules.label,
            ..Facts::new(
                Direction::Result,
                Tool::answering(name_of(&self.trail.subject), output.map(OutputSchema::root)),
                Scope { server, owner: &of.owner },
            )
        };
        let between = if mends { seams(value, &facts, rules) } else { Seams::default() };
        for (kind, treatment) in &between.found {
            self.trail.notes.add(kind, done(*treatment, false));
        }
        if between.found.iter().any(|(_, treatment)| *treatment == Treatment::Block) {
            return self.withheld(&frame, &between.found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
        }
        if !between.edits.is_empty() {
            // What is left is looked at from the beginning; a seam that was mended is none any more.
            return self.shield_once(self.edited(&frame, &between.edits)?, snapshot, caller, false);
        }
        let looked = look(value, &facts, rules, &of);
        if looked.refused {
            looked.note(&self.trail.notes, true);
            return self.withheld(&frame, &looked.kinds());
        }
        let mut edits = looked.treated.edits.clone();
        looked.treated.numbers.iter().for_each(|number| edits.replace(number.span, number.text.as_str()));
        if edits.is_empty() {
            looked.note(&self.trail.notes, false);
            return self.shield_inside(frame, &facts, rules, &of);
        }
        let edited = self.edited(&frame, &edits)?;
        // What did not fit before is the server's affair, and fits no worse now.
        let fits = |frame: &Frame| {
            let content = frame.result().and_then(structured);
            content.zip(output).is_none_or(|(content, output)| output.fits(content))
        };
        let refused = !fits(&edited) && fits(&frame);
        looked.note(&self.trail.notes, refused);
        if refused {
            return self.withheld(&frame, &looked.kinds());
        }
        self.shield_inside(edited, &facts, rules, &of)
    }

    /// Holds back an answer with a document that may not be passed on, after what could be taken out of it was.
    fn shield_inside(
        &self,
        frame: Frame,
        facts: &Facts<'_>,
        rules: &DataRules,
        of: &Of,
    ) -> Result<Frame, UpstreamError> {
        let looked = frame.result().or(frame.error()).and_then(|value| inside(value, facts, rules, of));
        let Some(looked) = looked else { return Ok(frame) };
        looked.note(&self.trail.notes, looked.refused);
        if looked.refused { self.withheld(&frame, &kinds(&looked)) } else { Ok(frame) }
    }

    /// Applies edits, and reads what is left as strictly as what came.
    pub(super) fn edited(&self, frame: &Frame, edits: &Edits) -> Result<Frame, UpstreamError> {
        let bytes = edits.apply(frame.tree()).map_err(|error| lost(error.to_string()))?;
        let limits = &self.trail.server.answer_limits;
        Frame::parse_result(bytes, limits).map(|(frame, _)| frame).map_err(|error| lost(error.to_string()))
    }

    /// Writes what the model gets in the place of an answer that it may not have. Nothing in it is the server's.
    fn withheld(&self, frame: &Frame, kinds: &[&str]) -> Result<Frame, UpstreamError> {
        let kinds = match kinds.is_empty() {
            true => "what its schema leaves no other place for".to_owned(),
            false => kinds.join(", "),
        };
        let why = quote(&format!("withheld: the answer holds what may not be passed on ({kinds})"));
        let id = frame.id_value().map_or_else(String::new, |id| format!(r#""id":{},"#, id.raw()));
        let of_tool =
            frame.result().is_some() && matches!(self.method, Method::ToolsCall | Method::TasksResult);
        let kind = if self.trail.behind == Era::Modern { r#","resultType":"complete""# } else { "" };
        let text = if of_tool {
            format!(
                r#"{{"jsonrpc":"2.0",{id}"result":{{"content":[{{"type":"text","text":{why}}}],"isError":true{kind}}}}}"#
            )
        } else {
            format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{REFUSED},"message":{why}}}}}"#)
        };
        let limits = &self.trail.server.answer_limits;
        let (frame, _) = Frame::parse_result(text.into(), limits).map_err(|error| lost(error.to_string()))?;
        Ok(frame)
    }
}

fn lost(what: String) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Malformed, format!("after taking out what may not leave: {what}"))
}

/// The `structuredContent` of a result, or of the result of a task.
fn structured(result: Value<'_>) -> Option<Value<'_>> {
    result.get("structuredContent").or_else(|| result.get("result")?.get("structuredContent"))
}

/// Where the protocol's own members of a result or an error stand, and the addresses that a person is to open: those are no
/// model's to read, and would lead nowhere.
fn states(value: Value<'_>, is_error: bool) -> Vec<Span> {
    if is_error {
        let code = value.get("code");
        let asked = value.path(&["data", "elicitations"]).into_iter().flat_map(|asked| asked.items());
        return in_order(code.into_iter().chain(asked.filter_map(address)));
    }
    let states = STATES.into_iter().filter_map(|name| value.get(name));
    let asked = value.get("inputRequests").into_iter().flat_map(|asked| asked.members());
    let addresses = asked.filter_map(|(_, request)| address(request.get("params")?));
    let meta = value.get("_meta").into_iter().flat_map(|meta| meta.members());
    let meta = meta.filter(|(name, _)| name.starts_with("io.modelcontextprotocol/")).map(|(_, value)| value);
    in_order(states.chain(addresses).chain(meta))
}

/// Where values stand, in the order of the document.
pub(super) fn in_order<'t>(values: impl Iterator<Item = Value<'t>>) -> Vec<Span> {
    let mut spans: Vec<_> = values.map(|value| value.span()).collect();
    spans.sort_unstable();
    spans
}

/// The address that an elicitation asks a person to open.
pub(super) fn address(params: Value<'_>) -> Option<Value<'_>> {
    params.get("url").filter(|_| params.get("mode").is_some_and(|mode| mode.is_str("url")))
}
