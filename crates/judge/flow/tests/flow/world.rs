//! A house with its servers, their labels, and somebody at work whose model does whatever it is told.

use bytes::Bytes;
use doorward_flow::{
    Approved, Call, Entry, Flow, Item, Label, Labels, Outcome, Place, Reason, Rules, Thread, Ticket, Verdict,
};
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Limits, Tree};

const MAIL: &str = r#"outward unless args.to, args.cc ends with "@contoso.com" beside args.subject, args.body, args.id then internal for team"#;
const FETCH: &str =
    r#"outward unless args.url host is one of "docs.contoso.com", "learn.microsoft.com" then none"#;
const CHAT: &str =
    r#"outward unless args.channel is one of "sales", "dev" beside args.text then internal for team"#;
const INVITE: &str = r#"outward unless args.attendees ends with "@contoso.com" beside args.title, args.day then internal for team"#;
const REPOSITORY: &str =
    r#"outward unless args.repo is "contoso/private" beside args.text then internal for team"#;

/// Server, tool, integrity, confidentiality, sink. `gadget` stands in no line: nobody has labelled it.
pub(crate) const LABELS: [(&str, &str, &str, &str, &str); 27] = [
    ("crm", "read_customer", "user", "confidential", "none"),
    ("crm", "read_ticket", "untrusted", "confidential", "none"),
    ("crm", "update", "trusted", "public", "internal for team"),
    ("hr", "salary", "trusted", "restricted", "none"),
    ("hr", "draft", "trusted", "restricted", "internal for self"),
    ("mail", "read", "untrusted", "confidential", "none"),
    ("mail", "send", "trusted", "public", MAIL),
    ("mail", "forward", "trusted", "confidential", MAIL),
    ("web", "fetch", "untrusted", "public", FETCH),
    // Whoever searches tells the provider, which the house has a contract with, and no author of a page.
    ("web", "search", "untrusted", "public", "internal for team"),
    ("web", "post", "trusted", "public", "outward"),
    ("docs", "read", "user", "internal", "none"),
    ("docs", "read_shared", "untrusted", "confidential", "none"),
    ("docs", "write", "trusted", "public", "internal for company"),
    ("tickets", "create", "trusted", "public", "internal for team"),
    ("chat", "read", "user", "confidential", "none"),
    ("chat", "post", "trusted", "public", CHAT),
    ("calendar", "read", "untrusted", "confidential", "none"),
    ("calendar", "add", "trusted", "public", INVITE),
    ("github", "read_issue", "untrusted", "public", "none"),
    ("github", "read_code", "user", "confidential", "none"),
    ("github", "comment", "trusted", "public", REPOSITORY),
    ("files", "read", "user", "confidential", "none"),
    ("files", "keys", "user", "restricted", "none"),
    ("memory", "store", "trusted", "public", "internal for self"),
    // Whatever was stored may have been a page's idea.
    ("memory", "recall", "untrusted", "confidential", "none"),
    ("math", "add", "trusted", "public", "outward"),
];

/// A call, `server/tool` with its arguments. `crm` in the arguments of the sinks below is what must not leave.
pub(crate) type Step = (&'static str, &'static str);

pub(crate) struct Desk {
    pub(crate) flow: Flow,
    pub(crate) labels: Labels,
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
    pub(crate) thread: Option<Thread>,
    /// Off, nobody is asked: what the house is without this crate.
    pub(crate) judged: bool,
    /// Arguments of every call that went outward.
    pub(crate) outside: Vec<String>,
}

/// What became of a call that was wanted.
#[derive(Debug)]
pub(crate) enum Stop {
    Asked(Box<Reason>),
    Blocked(Box<Reason>),
}

impl Stop {
    pub(crate) fn reason(&self) -> &Reason {
        match self {
            Self::Asked(reason) | Self::Blocked(reason) => reason,
        }
    }
}

pub(crate) fn server(name: &str) -> ServerName {
    ServerName::parse(name).unwrap()
}

pub(crate) fn tree(arguments: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(arguments.as_bytes()), &Limits::default()).unwrap()
}

pub(crate) fn labels() -> Labels {
    let servers: Vec<ServerName> = LABELS.iter().map(|row| server(row.0)).collect();
    let entries: Vec<Entry<'_>> = LABELS
        .iter()
        .zip(&servers)
        .map(|(row, server)| Entry {
            server,
            item: Some(Item::Tool(row.1)),
            integrity: Some(row.2),
            confidentiality: Some(row.3),
            sink: Some(row.4),
        })
        .collect();
    Labels::read(&entries).unwrap()
}

impl Desk {
    /// At ten in the morning, with nothing read yet.
    pub(crate) fn new() -> Self {
        Self {
            flow: Flow::default(),
            labels: labels(),
            rules: Rules::default(),
            now: Timestamp::from_secs(1_795_168_800),
            thread: None,
            judged: true,
            outside: Vec::new(),
        }
    }

    pub(crate) fn minutes(&mut self, minutes: u64) {
        self.now = self.now.plus(std::time::Duration::from_secs(minutes * 60));
    }

    /// Asks about a call, and begins it if it may.
    pub(crate) fn begin(&mut self, step: Step, approved: Option<Approved>) -> Result<Ticket, Stop> {
        let (name, arguments) = step;
        let (of, tool) = name.split_once('/').unwrap();
        let (of, arguments) = (server(of), tree(arguments));
        let call = Call {
            server: &of,
            item: Item::Tool(tool),
            arguments: Some(arguments.root()),
            digest: digest(step),
            thread: self.thread.clone(),
        };
        let place = self.labels.nature(&of, call.item).sink.place(call.arguments);
        match self.flow.before(&call, approved, &self.labels, &self.rules, self.now).verdict {
            Verdict::Pass(ticket) => {
                if place == Place::Outward {
                    self.outside.push(step.1.to_owned());
                }
                Ok(ticket)
            }
            Verdict::NeedsApproval(reason) => Err(Stop::Asked(reason)),
            Verdict::Block(reason) => Err(Stop::Blocked(reason)),
        }
    }

    /// Makes a call from beginning to end, a minute later than the one before.
    pub(crate) fn call(&mut self, step: Step) -> Result<(), Stop> {
        self.approved(step, None)
    }

    pub(crate) fn approved(&mut self, step: Step, approved: Option<Approved>) -> Result<(), Stop> {
        self.minutes(1);
        match self.begin(step, approved) {
            Ok(ticket) => self.flow.after(ticket, Outcome::Answered(Label::BOTTOM), self.now),
            Err(stop) if self.judged => return Err(stop),
            Err(_) => self.outside.push(step.1.to_owned()),
        }
        Ok(())
    }

    /// Whether what must not leave has left.
    pub(crate) fn leaked(&self, secret: &str) -> bool {
        self.outside.iter().any(|text| text.contains(secret))
    }
}

/// Stands in for the engine's digest: other calls have others.
pub(crate) fn digest(step: Step) -> [u8; 32] {
    let mut digest = [0; 32];
    for (at, byte) in step.0.bytes().chain(step.1.bytes()).enumerate() {
        let slot: &mut u8 = &mut digest[at % 32];
        *slot = slot.wrapping_mul(31).wrapping_add(byte);
    }
    digest
}
