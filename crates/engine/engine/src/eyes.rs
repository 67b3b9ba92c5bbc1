//! What servers say of what they offer, read as a model would read it before anybody's model does (TPO-01).
//!
//! A tool, prompt or resource whose definition gives orders to the model is left out of lists, and nobody can call it: for the
//! caller it is not there. The log is told of it once.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_inspect::{Finding, Names, Place, Report, text_with, tool_with};
use doorward_types::ServerName;
use doorward_wire::Value;

use crate::catalogue::Known;
use crate::pinned::Pinned;
use crate::record::Done;
use crate::snapshot::{ServerRules, Snapshot};

/// What becomes of a definition that is flagged. What is only likely is recorded, and never left out: one honest tool in some
/// hundreds reads like an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flagged {
    /// It is recorded, and left out where there is no doubt.
    Withhold,
    /// It is recorded.
    Record,
    /// Nothing: definitions are not read.
    Pass,
}

/// In what something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// What a server says of a tool, a prompt or a resource.
    Definition,
    /// What it says of itself.
    Instructions,
    /// What it returned.
    Answer,
}

/// Something that gives orders to the model, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    /// The server.
    pub server: ServerName,
    /// In what.
    pub found: Found,
    /// `tool`, `prompt` or `resource`.
    pub kind: &'static str,
    /// Its name, as the server has it: a stranger's text, cut to what a line holds. Of an answer that of what was called.
    pub name: String,
    /// The rule that weighs most, and why it matters.
    pub rule: &'static str,
    /// In words.
    pub reason: &'static str,
    /// What was done: kept from the client, let through, or let through by a rule that is only tried.
    pub done: Done,
}

/// Definitions whose judgement is remembered: some hundred bytes each.
const MOST: usize = 16_384;
/// Of a name, in characters.
const NAME: usize = 128;
/// Told of at once: a server that makes up thousands of poisoned tools fills no log. They are left out all the same.
const MOST_NEWS: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Clean,
    Likely,
    Certain,
}

impl Judged {
    /// Says whether it may be shown.
    fn lets(self, flagged: Flagged) -> bool {
        !(self == Self::Certain && flagged == Flagged::Withhold)
    }
}

/// Told of under one name.
const MOST_OF_A_NAME: usize = 4;

/// From this score on there is no doubt.
const CERTAIN: f32 = 0.9;

/// Judges definitions, each once.
#[derive(Default)]
pub(crate) struct Eyes {
    judged: Mutex<HashMap<[u8; 32], Judged>>,
    /// What the log was told of each name: a digest of the rule and the words.
    told: Mutex<HashMap<[u8; 32], Vec<[u8; 32]>>>,
    news: Mutex<Vec<Suspicion>>,
    has_news: AtomicBool,
    /// What holds them against what was agreed to.
    pub(crate) pinned: Pinned,
}

/// The tools beside which each of a list is judged: those of the list, and those of the door's other servers. They are made ready
/// where one is judged anew.
#[derive(Default)]
pub(crate) struct Listed {
    /// What each is called, and what it says of itself.
    tools: Vec<[String; 2]>,
    others: Vec<Arc<Known>>,
    names: OnceCell<Names>,
    /// Of all of them, made once: a list of thousands would else cost the square of it.
    digest: OnceCell<[u8; 32]>,
}

impl Listed {
    pub(crate) fn of<'t>(
        items: impl Iterator<Item = Value<'t>>,
        server: &ServerName,
        snapshot: &Snapshot,
    ) -> Self {
        let member = |item: Value<'t>, name| item.get(name)?.as_str();
        // A list may be of megabytes, and several are read at once.
        let said = |item| Names::compared(&member(item, "description").unwrap_or_default()).to_owned();
        let tool = |item| Some([member(item, "name")?.into_owned(), said(item)]);
        let others = snapshot.known().iter().filter(|(name, _)| *name != server);
        let others = others.map(|(_, known)| Arc::clone(known));
        Self { tools: items.filter_map(tool).collect(), others: others.collect(), ..Self::default() }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let own = self.tools.iter().map(|[name, said]| (0, name.as_str(), said.as_str()));
            let others = self.others.iter().zip(1..);
            let others = others.flat_map(|(known, n)| known.tool_names().map(move |name| (n, name, "")));
            Names::of(own.chain(others))
        })
    }

    fn digest(&self) -> &[u8; 32] {
        let own = self.tools.iter().flatten().map(String::as_bytes);
        let others = self.others.iter().map(|known| known.called().as_slice());
        self.digest.get_or_init(|| digest_of(own.chain(others)))
    }
}

impl Eyes {
    /// Says whether a definition may be shown.
    pub(crate) fn lets(
        &self,
        rules: &ServerRules,
        kind: &'static str,
        definition: Value<'_>,
        listed: &Listed,
    ) -> bool {
        if rules.flagged == Flagged::Pass {
            return true;
        }
        let name = || {
            let name = ["name", "uri", "uriTemplate"].iter().find_map(|name| definition.get(name)?.as_str());
            name.unwrap_or_default().into_owned()
        };
        let what = (Found::Definition, kind, &name as &dyn Fn() -> String);
        let key = key(rules, kind, definition.raw(), listed.digest());
        self.judge(rules, key, what, || tool_with(definition, listed.names(), &rules.bundles))
    }

    /// Says whether what a server says of itself may be passed on.
    pub(crate) fn lets_say(&self, rules: &ServerRules, said: &str) -> bool {
        if rules.flagged == Flagged::Pass {
            return true;
        }
        let key = key(rules, "instructions", said, &[]);
        let read = || text_with(Place::Instructions, said, &Names::default(), &rules.bundles);
        let what = (Found::Instructions, "instructions", &String::new as &dyn Fn() -> String);
        self.judge(rules, key, what, read)
    }

    /// Judges what was not judged before, has the log told of it, and says whether it may be shown.
    fn judge(
        &self,
        rules: &ServerRules,
        key: [u8; 32],
        (found, kind, name): (Found, &'static str, &dyn Fn() -> String),
        read: impl FnOnce() -> Report,
    ) -> bool {
        let known = locked(&self.judged).get(&key).copied();
        let judged = known.unwrap_or_else(|| {
            let report = read();
            let judged = match report.is_flagged {
                false => Judged::Clean,
                true if report.score < CERTAIN => Judged::Likely,
                true => Judged::Certain,
            };
            let mut all = locked(&self.judged);
            if all.len() >= MOST {
                all.clear();
            }
            all.insert(key, judged);
            drop(all);
            let done = match judged {
                judged if judged.lets(rules.flagged) => Done::Seen,
                _ => Done::Refused,
            };
            let worst = report.findings.first().filter(|_| judged != Judged::Clean);
            for (finding, done) in [(worst, done), (report.shadow.first(), Done::Shadow)] {
                if let Some(finding) = finding {
                    self.tell_of(rules, (found, kind, &name()), finding, done);
                }
            }
            judged
        });
        judged.lets(rules.flagged)
    }

    fn tell_of(
        &self,
        rules: &ServerRules,
        (found, kind, name): (Found, &'static str, &str),
        worst: &Finding,
        done: Done,
    ) {
        // A server that rewords its order at every list fills no log.
        let whose = digest_of([rules.name.as_str(), kind, name, done.id()].map(str::as_bytes).into_iter());
        let mut told = locked(&self.told);
        if told.len() >= MOST {
            told.clear();
        }
        // What is judged anew, because another server has a new tool, is no news for that.
        let what = digest_of([worst.rule.id, &worst.quote].map(str::as_bytes).into_iter());
        let before = told.entry(whose).or_default();
        if before.len() >= MOST_OF_A_NAME || before.contains(&what) {
            return;
        }
        before.push(what);
        drop(told);
        self.tell(Suspicion {
            server: rules.name.clone(),
            found,
            kind,
            name: name.to_owned(),
            rule: worst.rule.id,
            reason: worst.rule.reason,
            done,
        });
    }

    /// Keeps a suspicion for the log.
    pub(crate) fn tell(&self, suspicion: Suspicion) {
        let mut news = locked(&self.news);
        if news.len() >= MOST_NEWS {
            return;
        }
        let name = suspicion.name.chars().take(NAME).collect();
        news.push(Suspicion { name, ..suspicion });
        self.has_news.store(true, Ordering::Release);
    }

    /// Returns what has been flagged since the last time. Asked of every message: mostly it costs one load.
    pub(crate) fn news(&self) -> Vec<Suspicion> {
        // Read first: a write by every message would send this line of memory from core to core.
        if !self.has_news.load(Ordering::Relaxed) || !self.has_news.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *locked(&self.news))
    }
}

/// What a judgement depends on: the server, the rules, the definition byte for byte, and its siblings.
fn key(rules: &ServerRules, kind: &str, definition: &str, listed: &[u8]) -> [u8; 32] {
    let parts = [rules.name.as_str(), rules.bundles.id(), kind, definition].map(str::as_bytes);
    digest_of(parts.into_iter().chain([listed]))
}

/// A digest of parts that tells where each ends.
pub(crate) fn digest_of<'p>(parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
