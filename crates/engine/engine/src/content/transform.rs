//! Which texts of a result are spotlit, and how the result still is one.

use bytes::Bytes;
use doorward_wire::{Edits, Limits, Method, Span, Tree, Value, quote};

use super::spotlight::{Code, defuse, standing_notice};
use super::texts::is_twin;
use super::{Form, fit, outcome};
use crate::catalogue::Tool;

/// How one answer is spotlit.
pub(crate) struct Spot<'a> {
    pub(crate) form: Form,
    pub(crate) code: &'a Code,
    pub(crate) server: &'a str,
}

impl Spot<'_> {
    /// What hosts need to take it back, for `_meta`.
    pub(crate) fn told(&self) -> String {
        let (form, mark) = match self.form {
            Form::Delimit => ("delimit", String::new()),
            Form::Datamark => ("datamark", format!(r#","mark":{}"#, quote(&self.code.mark().to_string()))),
            Form::Encode => ("encode", String::new()),
        };
        format!(r#"{{"form":"{form}","number":"{}"{mark}}}"#, self.code.text())
    }

    /// Spotlights the texts of a result.
    pub(crate) fn result(&self, result: Value<'_>, method: Method, tool: Option<&Tool>, edits: &mut Edits) {
        match method {
            Method::ToolsCall | Method::TasksResult | Method::TasksGet => {
                self.outcome(outcome(result, method), tool, edits);
            }
            Method::ResourcesRead => {
                let texts = result.get("contents").into_iter().flat_map(|contents| contents.items());
                let mut first = true;
                for text in texts.filter_map(|contents| text_of(contents, "text")) {
                    let notice = if std::mem::take(&mut first) {
                        format!("{}\n", self.code.notice(self.form, self.server))
                    } else {
                        String::new()
                    };
                    let said = text.as_str().unwrap_or_default();
                    edits.replace(
                        text.span(),
                        quote(&format!("{notice}{}", self.code.wrap(self.form, &said, false))),
                    );
                }
            }
            // What a person asks for by name is meant to be read as an order: a prompt is their own.
            _ => {}
        }
    }

    fn outcome(&self, outcome: Value<'_>, tool: Option<&Tool>, edits: &mut Edits) {
        let Some(content) = outcome.get("content") else { return };
        let structured = outcome.get("structuredContent");
        let edited = structured.and_then(|structured| self.structured(structured, tool));
        if let (Some(structured), Some(edited)) = (structured, &edited) {
            edits.replace(structured.span(), edited.as_bytes());
        }
        let mut spotlit = edited.is_some();
        for item in content.items() {
            let resource = item.get("resource");
            let texts = [text_of(item, "text"), resource.and_then(|resource| text_of(resource, "text"))];
            for text in texts.into_iter().flatten().chain(text_of(item, "description")) {
                let said = text.as_str().unwrap_or_default();
                // The text of a structured result stays one: whoever reads it reads the same as there.
                let is_twin = structured.is_some_and(|structured| is_twin(&said, structured));
                match (&edited, is_twin) {
                    (Some(edited), true) => edits.replace(text.span(), quote(edited)),
                    (None, true) if tool.is_some_and(|tool| tool.output().is_some()) => {}
                    _ => {
                        spotlit = true;
                        edits.replace(text.span(), quote(&self.code.wrap(self.form, &said, false)));
                    }
                }
            }
        }
        let notice =
            format!(r#"{{"type":"text","text":{}}}"#, quote(&self.code.notice(self.form, self.server)));
        match content.items().next() {
            _ if !spotlit => {}
            Some(first) => {
                let before = Span { start: first.span().start, end: first.span().start };
                edits.replace(before, format!("{notice},"));
            }
            None => edits.replace(content.span(), format!("[{notice}]")),
        }
    }

    /// The structured result with its free strings spotlit; nothing where it would no longer be what its tool promised.
    fn structured(&self, structured: Value<'_>, tool: Option<&Tool>) -> Option<String> {
        let output = tool.and_then(Tool::output);
        let free = fit::free(structured, output.map(|output| output.root()))?;
        let base = structured.span().start;
        let mut out = String::with_capacity(structured.raw().len() * 2);
        let mut at = 0;
        for text in &free {
            let start = (text.span().start - base) as usize;
            out.push_str(structured.raw().get(at..start)?);
            out.push_str(&quote(&self.code.wrap(self.form, &text.as_str()?, true)));
            at = start + text.raw().len();
        }
        out.push_str(structured.raw().get(at..)?);
        let limits = Limits { max_bytes: out.len(), max_nodes: u32::MAX, max_depth: u16::MAX };
        let tree = Tree::parse(Bytes::copy_from_slice(out.as_bytes()), &limits).ok()?;
        let fits = output.is_none_or(|output| output.fits(tree.root()));
        (fits && !free.is_empty()).then_some(out)
    }
}

fn text_of<'t>(of: Value<'t>, member: &str) -> Option<Value<'t>> {
    of.get(member).filter(|text| text.as_str().is_some_and(|text| !text.is_empty()))
}

/// What a server says of itself, for a client whose texts are spotlit: with a word on how.
pub(crate) fn greeting(result: Value<'_>, instructions: Option<&str>, edits: &mut Edits) {
    let own = instructions.map(|said| format!("\n\n{}", defuse(said))).unwrap_or_default();
    edits.set_member(result, "instructions", &quote(&format!("{}{own}", standing_notice())));
}
