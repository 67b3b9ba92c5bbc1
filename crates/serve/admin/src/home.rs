//! The list: what waits, what passes meanwhile, calls that wait for a yes, and what counts.

use doorward_approvals::Question;
use doorward_facade::web::{Answer, FormsLead, page, said};
use doorward_flow::Approver;
use doorward_issuer::params::{Params, encode};
use doorward_pinboard::Listed;
use doorward_pins::visible;
use doorward_types::Timestamp;
use http::StatusCode;

use crate::entry::Session;
use crate::pages::{Group, HomePage, Line, day, minute};
use crate::pin::stood;
use crate::pins::{Told, called};
use crate::{Admin, Asked};

/// Up to so many things that count are shown without being asked for.
const FEW: usize = 24;

impl Admin {
    pub(crate) async fn home(&self, asked: &Asked<'_>, session: &Session) -> Answer {
        let mut listed = match self.parts.pins.list(None, asked.now).await {
            Ok(listed) => listed,
            Err(failed) => {
                let (status, what) = self.why(&failed);
                return self.told(status, "The console has a problem", &what);
            }
        };
        listed.sort_by(|a, b| a.server.cmp(&b.server));
        let calls = match self.calls(asked.now).await {
            Ok(calls) => calls,
            Err(error) => return self.broken(&error),
        };
        let (mut waiting, mut reworded) = (Vec::new(), Vec::new());
        for one in &listed {
            for held in &one.waiting {
                let hash = held.definition.hash().to_string();
                let line = Line { why: said(&held.why), when: minute(held.seen), ..line(one, Some(&hash)) };
                if held.passes() { reworded.push(line) } else { waiting.push(line) }
            }
        }
        let done = Params::parse(asked.query()).ok();
        let done: Option<Told> = done.and_then(|query| self.pressed(&query, "done", session, asked.now));
        let template = HomePage {
            host: &self.host,
            name: &session.name,
            done: done.map(|done| done.told),
            waiting,
            calls,
            reworded,
            agreed: agreed(&listed),
            sign_out: self.button(session, &"sign-out", asked.now),
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }

    /// Calls that wait. They are answered at the door, after another fresh sign-in.
    async fn calls(&self, now: Timestamp) -> Result<Vec<Line>, String> {
        let Some(approvals) = &self.parts.approvals else { return Ok(Vec::new()) };
        let waiting = approvals.pending(now).await.map_err(|error| error.to_string())?;
        let line = |question: &Question| Line {
            kind: "call",
            name: visible(&question.name),
            server: question.server.clone(),
            why: said(match question.approver {
                Approver::Person => "the caller’s own yes is enough",
                Approver::Another => "somebody else than the caller has to answer",
            }),
            when: format!("until {}", minute(question.expires)),
            link: approvals.url(&question.reference),
        };
        Ok(waiting.iter().map(line).collect())
    }
}

/// What counts, server by server.
fn agreed(listed: &[Listed]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let open = listed.iter().filter(|one| one.pin.is_some()).count() <= FEW;
    for one in listed {
        let Some((pin, stand)) = &one.pin else { continue };
        let server = one.server.to_string();
        let line = Line { why: said(&stood(*stand, pin, day)), ..line(one, None) };
        match groups.last_mut().filter(|group| group.server == server) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { server, open, lines: vec![line] }),
        }
    }
    groups
}

fn line(one: &Listed, hash: Option<&str>) -> Line {
    let name = called(one.kind, &one.name, &one.server);
    let mut link = format!("/pin?server={}&kind={}&name={}", one.server, one.kind.name(), encode(&name));
    if let Some(hash) = hash {
        link.push_str(&format!("&hash={}", encode(hash)));
    }
    Line {
        kind: one.kind.name(),
        name: visible(&name),
        server: one.server.to_string(),
        why: Vec::new(),
        when: String::new(),
        link,
    }
}
