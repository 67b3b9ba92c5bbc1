//! The members of each kind of record, in the order a reader meets them: who, what, why, how long.

use crate::encode::Line;
use crate::record::{Alarm, Grant, Intent, Outcome, PinAct, RefusedRecord, Target};

pub(crate) fn intent(line: &mut Line<'_>, intent: &Intent<'_>) {
    line.hex("call", &intent.call.0);
    if let Some(trace) = &intent.trace {
        line.hex("trace", trace);
    }
    line.encoded(intent.subject.members());
    line.text("client", intent.client);
    line.token("server", intent.server.as_str().as_bytes());
    line.method(intent.method);
    target(line, &intent.target);
    line.token("decision", b"permit");
    line.names("policies", intent.policies);
    if let Some(arguments) = &intent.arguments {
        line.token("arguments", arguments.text());
    }
    if let Some(session) = &intent.session {
        line.token("session", session.text());
    }
    line.findings(intent.findings);
    line.steps(intent.steps);
}

pub(crate) fn outcome(line: &mut Line<'_>, outcome: &Outcome<'_>) {
    line.hex("call", &outcome.call.0);
    if let Some(trace) = &outcome.trace {
        line.hex("trace", trace);
    }
    line.token("server", outcome.server.as_str().as_bytes());
    line.token("result", outcome.ending.id().as_bytes());
    if let Some(reason) = outcome.reason {
        line.text("reason", reason);
    }
    line.number("frames", outcome.frames);
    line.number("bytes", outcome.bytes);
    if let Some(digest) = &outcome.digest {
        line.token("digest", digest.text());
    }
    line.findings(outcome.findings);
    line.number("took_us", outcome.took_micros);
    line.steps(outcome.steps);
}

pub(crate) fn refused(line: &mut Line<'_>, refused: &RefusedRecord<'_>) {
    if let Some(call) = &refused.call {
        line.hex("call", &call.0);
    }
    if let Some(trace) = &refused.trace {
        line.hex("trace", trace);
    }
    line.encoded(refused.subject.members());
    line.text("client", refused.client);
    if let Some(server) = refused.server {
        line.token("server", server.as_str().as_bytes());
    }
    if let Some(method) = refused.method {
        line.method(method);
    }
    target(line, &refused.target);
    line.token("decision", b"refuse");
    line.text("reason", refused.reason);
    line.token("fault", refused.fault.id().as_bytes());
    line.names("policies", refused.policies);
    line.names("errors", refused.errors);
    if let Some(session) = &refused.session {
        line.token("session", session.text());
    }
    line.findings(refused.findings);
    line.steps(refused.steps);
}

pub(crate) fn grant(line: &mut Line<'_>, grant: &Grant<'_>) {
    line.text("grant", grant.what);
    if let Some(subject) = grant.subject {
        line.encoded(subject.members());
    }
    if let Some(client) = grant.client {
        line.text("client", client);
    }
    if let Some(server) = grant.server {
        line.token("server", server.as_str().as_bytes());
    }
    if let Some(of) = &grant.grant {
        line.token("session", of.text());
    }
    if let Some(reason) = grant.reason {
        line.text("reason", reason);
    }
}

pub(crate) fn alarm(line: &mut Line<'_>, alarm: &Alarm<'_>) {
    line.text("alarm", alarm.what);
    if let Some(call) = &alarm.call {
        line.hex("call", &call.0);
    }
    if let Some(trace) = &alarm.trace {
        line.hex("trace", trace);
    }
    if let Some(subject) = alarm.subject {
        line.encoded(subject.members());
    }
    if let Some(server) = alarm.server {
        line.token("server", server.as_str().as_bytes());
    }
    target(line, &alarm.target);
    if let Some(rule) = alarm.rule {
        line.text("rule", rule);
    }
    if let Some(session) = &alarm.session {
        line.token("session", session.text());
    }
}

pub(crate) fn pin(line: &mut Line<'_>, act: &PinAct<'_>) {
    line.text("pin", act.what);
    line.text("by", act.by);
    line.token("server", act.server.as_str().as_bytes());
    line.text("of", act.of);
    line.text("name", act.name);
    line.text("hash", act.hash);
    line.text("record", act.record);
    line.text("reason", act.reason);
    line.number("at", u64::try_from(act.at.as_micros()).unwrap_or(0));
    if let Some(expires) = act.expires {
        line.number("expires", u64::try_from(expires.as_micros()).unwrap_or(0));
    }
}

fn target(line: &mut Line<'_>, target: &Target<'_>) {
    match target {
        Target::None => {}
        Target::Tool(name) => line.text("tool", name),
        Target::Prompt(name) => line.text("prompt", name),
        Target::Resource(digest) => line.token("resource", digest.text()),
        Target::Unlisted(digest) => line.token("unlisted", digest.text()),
    }
}
