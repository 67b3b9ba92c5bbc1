//! Second opinions (INJ-09, CSF-01): services outside of the door are asked about what is sent and what comes back, where the
//! operator says so. They come after the door's own judgements and make nothing milder; where they do not answer, what
//! follows is decided by what the server can do at the worst.

use std::borrow::Cow;

use doorward_types::{ServerName, TenantId};
use doorward_wire::{Edits, Frame};

use crate::answer::JudgedAnswer;
use crate::content::texts;
use crate::door::Door;
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::{Done, Ending};
use crate::refusal::Reason;
use crate::stage::{Exchange, Permitted, Step};

/// About what of a server second opinions are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdviseRules {
    /// What it is sent.
    pub calls: bool,
    /// What it answers.
    pub answers: bool,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviseOn {
    /// The arguments of a call.
    Call,
    /// What a server answered.
    Answer,
}

/// A question about texts, in the order in which a model or a server reads them.
#[derive(Debug, Clone, Copy)]
pub struct Advised<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// The tenant of whoever calls: opinions are kept apart by it.
    pub tenant: &'a TenantId,
    /// What it is about.
    pub on: AdviseOn,
    /// The texts.
    pub texts: &'a [&'a str],
}

/// What follows from the opinions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Nothing.
    Pass,
    /// It goes on and is recorded, for these reasons.
    Flag(Vec<&'static str>),
    /// It does not go on, for these reasons.
    Refuse(Vec<&'static str>),
}

async fn ask<P: Ports>(door: &Door<P>, question: Advised<'_>) -> Advice {
    if question.texts.is_empty() { Advice::Pass } else { door.ports.advise(question).await }
}

/// Has opinions about what is about to be sent, as it will be sent.
pub(crate) async fn advise_call<P: Ports>(
    door: &Door<P>,
    permitted: Box<Permitted<P>>,
) -> Step<Box<Permitted<P>>> {
    let server = &permitted.trail.server;
    if !server.advise.calls || permitted.frame.method().is_none() {
        return Ok(permitted);
    }
    let mut texts = texts::of(permitted.frame.params().into_iter());
    texts::open(&mut texts);
    let texts: Vec<Cow<'_, str>> = texts.into_iter().map(|text| text.text).collect();
    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    let tenant = permitted.caller.identity.tenant();
    let question = Advised { server: &server.name, tenant, on: AdviseOn::Call, texts: &texts };
    match ask(door, question).await {
        Advice::Pass => Ok(permitted),
        Advice::Flag(reasons) => {
            reasons.into_iter().for_each(|reason| permitted.trail.notes.add(reason, Done::Seen));
            Ok(permitted)
        }
        Advice::Refuse(reasons) => {
            let reason = Reason::Advised(reasons.join(", "));
            Err(permitted.trail.refuse(reason))
        }
    }
}

/// Has opinions about a final answer, as it would go on.
pub(crate) async fn advise_answer<P: Ports>(
    door: &Door<P>,
    exchange: &Exchange<P>,
    judged: JudgedAnswer,
) -> Result<JudgedAnswer, UpstreamError> {
    let server = &exchange.trail.server;
    if !server.advise.answers || !exchange.is_content() {
        return Ok(judged);
    }
    let mut texts = texts::of([judged.frame.result(), judged.frame.error()].into_iter().flatten());
    texts::open(&mut texts);
    let texts: Vec<Cow<'_, str>> = texts.into_iter().map(|text| text.text).collect();
    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    let tenant = exchange.caller.identity.tenant();
    let question = Advised { server: &server.name, tenant, on: AdviseOn::Answer, texts: &texts };
    match ask(door, question).await {
        Advice::Pass => Ok(judged),
        Advice::Flag(reasons) => {
            reasons.into_iter().for_each(|reason| exchange.trail.notes.add(reason, Done::Seen));
            Ok(judged)
        }
        Advice::Refuse(reasons) => {
            reasons.into_iter().for_each(|reason| exchange.trail.notes.add(reason, Done::Refused));
            let broken = |what: String| UpstreamError::new(UpstreamFault::Malformed, what);
            // What leaves already has the client's own id in it.
            let (frame, _) = Frame::parse_result(judged.bytes, &exchange.roomy())
                .map_err(|error| broken(error.to_string()))?;
            let mut edits = Edits::new();
            exchange.block(&frame, "a second opinion is against it", &mut edits)?;
            let bytes = edits.apply(frame.tree()).map_err(|error| broken(error.to_string()))?;
            Ok(JudgedAnswer { bytes, ending: Ending::Error, ..judged })
        }
    }
}
