//! Texts judged together, in pieces: an order that is cut in two by a border between items, or between events of a stream, is
//! whole in one of the readings (D-22). What is held of a long text at a time is one window.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use doorward_document::Unread;
use doorward_inspect::{Bundles, Names, Place, Rule, Severity, text_with};
use doorward_text::windows;

use super::Spotlight;
use super::spotlight::Code;
use super::texts::Text;
use crate::door::Door;
use crate::ports::Ports;
use crate::refusal::Reason;
use crate::snapshot::ServerRules;
use crate::stage::Caller;

/// Read in one go, and how much two windows share. After each window others may go on: a long answer holds nobody up.
const WINDOW: usize = 16 * 1024;
const OVERLAP: usize = 2 * 1024;
/// Read of one answer, in bytes. What lies beyond is marked as unread.
pub(crate) const MOST: usize = 1024 * 1024;
/// Read of one message on the way: a stream may hold any number of them.
pub(crate) const MOST_SAID: usize = 64 * 1024;
/// Of messages that are read together.
const MOST_TOGETHER: usize = 256 * 1024;
/// From each side of a border between two texts.
const SEAM: usize = 512;
/// Kept of what was said before on the same stream.
const TAIL: usize = 512;
/// Rules told of one answer.
const MOST_RULES: usize = 16;
/// From this score on there is no doubt.
const CERTAIN: f32 = 0.9;

/// What was found in one message.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The rules, each once, the worst first.
    pub(crate) rules: Vec<&'static Rule>,
    /// The rules of bundles in the shadow: they are told of, and nothing more.
    pub(crate) shadow: Vec<&'static Rule>,
    /// It reads like an order.
    pub(crate) is_flagged: bool,
    /// The rule by which it is one without doubt.
    pub(crate) certain: Option<&'static Rule>,
    /// Not all of it was read.
    pub(crate) unread: bool,
    /// Why a document in it was not read, or not to its end.
    pub(crate) unopened: Option<Unread>,
}

impl Verdict {
    pub(crate) fn is_certain(&self) -> bool {
        self.certain.is_some()
    }

    fn take(&mut self, place: Place, part: &str, by: By<'_>) {
        let report = text_with(place, part, by.names, by.bundles);
        for finding in &report.shadow {
            if self.shadow.len() < MOST_RULES && !self.shadow.iter().any(|rule| rule.id == finding.rule.id) {
                self.shadow.push(finding.rule);
            }
        }
        if !report.is_flagged {
            return;
        }
        self.is_flagged = true;
        for finding in &report.findings {
            // What a rule fits in an honest sentence is no finding.
            let counts = finding.severity > Severity::Low;
            if counts
                && self.rules.len() < MOST_RULES
                && !self.rules.iter().any(|rule| rule.id == finding.rule.id)
            {
                self.rules.push(finding.rule);
            }
        }
        let worst = report.findings.iter().find(|finding| finding.severity >= Severity::High);
        if report.score >= CERTAIN {
            self.certain = self.certain.or(worst.map(|finding| finding.rule));
        }
    }
}

/// By what texts are judged.
#[derive(Clone, Copy)]
struct By<'a> {
    names: &'a Names,
    bundles: &'a Bundles,
}

/// What is remembered of an exchange while its messages are read.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    tail: Mutex<String>,
    told: AtomicBool,
    /// From which the numbers are made that its texts are spotlit with.
    key: Option<[u8; 32]>,
    count: AtomicU64,
    /// The rules beside those that are built in, as they were when the exchange began.
    bundles: Arc<Bundles>,
}

impl Watch {
    /// Begins to watch, with a key where texts are to be spotlit.
    pub(crate) fn of<P: Ports>(door: &Door<P>, rules: &ServerRules, caller: &Caller) -> Result<Self, Reason> {
        let spotlit = matches!(rules.results.spotlight_for(&caller.owner.client), Spotlight::Transform(_));
        // Without randomness a server could forge what its texts stand between.
        let key = spotlit.then(|| door.ports.random().map_err(|_| Reason::Busy)).transpose()?;
        Ok(Self { key, bundles: Arc::clone(&rules.bundles), ..Self::default() })
    }

    /// Makes the number of one message.
    pub(crate) fn code(&self) -> Option<Code> {
        self.key.as_ref().map(|key| Code::of(key, self.count.fetch_add(1, Ordering::Relaxed)))
    }

    /// Says whether an alarm may be raised: once.
    pub(crate) fn may_tell(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// Says whether nothing is found in the texts of several messages; if something is, each is to be read by itself.
    pub(crate) async fn are_quiet(&self, texts: &[Text<'_>], names: &Names) -> bool {
        let length: usize = texts.iter().map(|text| text.text.len()).sum();
        if length > MOST_TOGETHER {
            return false;
        }
        let before = self.tail.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let verdict = self.read(texts, Place::Content, names, MOST_TOGETHER).await;
        let quiet = !verdict.is_flagged && !verdict.unread && verdict.shadow.is_empty();
        if !quiet {
            *self.tail.lock().unwrap_or_else(PoisonError::into_inner) = before;
        }
        quiet
    }

    /// Reads the texts of one message, after those of the messages before it.
    pub(crate) async fn read(&self, texts: &[Text<'_>], place: Place, names: &Names, most: usize) -> Verdict {
        let mut verdict = Verdict::default();
        if texts.is_empty() {
            return verdict;
        }
        let tail = std::mem::take(&mut *self.tail.lock().unwrap_or_else(PoisonError::into_inner));
        let (lines, unread) = lines(&tail, texts, most);
        verdict.unread = unread;
        let by = By { names, bundles: &self.bundles };
        through(&lines, place, by, &mut verdict).await;
        if !verdict.is_certain()
            && (!tail.is_empty() || texts.iter().filter(|text| text.is_shown).nth(1).is_some())
        {
            through(&glued(&tail, texts, most), place, by, &mut verdict).await;
        }
        // What was found need not be found again in what follows.
        if !verdict.is_certain() {
            *self.tail.lock().unwrap_or_else(PoisonError::into_inner) = next(&tail, texts);
        }
        verdict
    }
}

async fn through(text: &str, place: Place, by: By<'_>, verdict: &mut Verdict) {
    if text.len() <= WINDOW {
        return verdict.take(place, text, by);
    }
    for window in windows(text, WINDOW, OVERLAP) {
        verdict.take(place, text.get(window).unwrap_or_default(), by);
        pause().await;
    }
}

/// Lets others go on.
async fn pause() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// All texts, each on a line of its own; and whether there are more than are read.
fn lines<'t>(tail: &str, texts: &'t [Text<'_>], most: usize) -> (Cow<'t, str>, bool) {
    // Most answers are one text.
    if let ([only], "") = (texts, tail)
        && only.text.len() <= most
    {
        return (Cow::Borrowed(&only.text), false);
    }
    let total: usize = texts.iter().map(|text| text.text.len() + 1).sum();
    let mut all = String::with_capacity(tail.len() + 1 + total.min(most));
    all.push_str(tail);
    let (shown, other) =
        (texts.iter().filter(|text| text.is_shown), texts.iter().filter(|text| !text.is_shown));
    let mut left = most;
    for text in shown.chain(other) {
        if !all.is_empty() {
            all.push('\n');
        }
        let part = head(&text.text, left);
        all.push_str(part);
        left -= part.len();
        if part.len() < text.text.len() {
            return (all.into(), true);
        }
    }
    (all.into(), false)
}

/// What stands around the borders of the texts, without a border: of a short text all, of a long one its ends.
fn glued(tail: &str, texts: &[Text<'_>], most: usize) -> String {
    let mut all = String::from(tail);
    for text in texts.iter().filter(|text| text.is_shown) {
        if all.len() >= most {
            break;
        }
        if text.text.len() <= 2 * SEAM {
            all.push_str(&text.text);
        } else {
            all.push_str(head(&text.text, SEAM));
            all.push_str("\n\n");
            all.push_str(end(&text.text, SEAM));
        }
    }
    all
}

/// What is kept for the next message.
fn next(tail: &str, texts: &[Text<'_>]) -> String {
    let mut parts = Vec::new();
    let mut length = 0;
    for text in texts.iter().rev().filter(|text| text.is_shown).map(|text| &*text.text).chain([tail]) {
        let part = end(text, TAIL - length);
        length += part.len();
        parts.push(part);
        if length >= TAIL || part.len() < text.len() {
            break;
        }
    }
    parts.reverse();
    parts.concat()
}

fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

fn end(text: &str, most: usize) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(most))..).unwrap_or_default()
}
