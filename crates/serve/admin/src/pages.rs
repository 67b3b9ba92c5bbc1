//! The pages. Whatever comes from outside is escaped by the templates, which know no other way in.

use askama::Template;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_facade::web::{Answer, Bit, FormsLead, page};
use doorward_types::Timestamp;
use http::StatusCode;

use crate::Admin;

/// A message: something went wrong, or is done.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    host: &'a str,
    title: &'a str,
    text: &'a str,
}

/// One line of the list.
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) server: String,
    /// What is the matter with it, or how it stands.
    pub(crate) why: Vec<Bit>,
    pub(crate) when: String,
    /// Where it is looked at.
    pub(crate) link: String,
}

/// What counts of one server.
pub(crate) struct Group {
    pub(crate) server: String,
    /// Whether it is shown without being asked for.
    pub(crate) open: bool,
    pub(crate) lines: Vec<Line>,
}

/// What waits, and what was agreed to.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) host: &'a str,
    pub(crate) name: &'a str,
    /// What was decided just now.
    pub(crate) done: Option<String>,
    pub(crate) waiting: Vec<Line>,
    /// Calls that wait for a yes.
    pub(crate) calls: Vec<Line>,
    pub(crate) reworded: Vec<Line>,
    pub(crate) agreed: Vec<Group>,
    pub(crate) sign_out: String,
}

/// A stretch of a text that is compared.
pub(crate) struct Stretch {
    /// `same`, `added`, `removed` or `cut`.
    pub(crate) what: &'static str,
    pub(crate) bits: Vec<Bit>,
}

/// One field of a definition.
pub(crate) struct FieldLine {
    pub(crate) pointer: String,
    /// What is the matter with it.
    pub(crate) reasons: Vec<Vec<Bit>>,
    pub(crate) stretches: Vec<Stretch>,
}

/// One definition, beside what was agreed to.
#[derive(Template)]
#[template(path = "pin.html")]
pub(crate) struct PinPage<'a> {
    pub(crate) host: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Why it waits.
    pub(crate) held: Option<Vec<Bit>>,
    /// Whether it passes meanwhile.
    pub(crate) passes: bool,
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What is the matter with it in places that are not shown: place and reason.
    pub(crate) reasons: Vec<(String, Vec<Bit>)>,
    pub(crate) fields: Vec<FieldLine>,
    pub(crate) fields_cut: usize,
    /// All of it, what is invisible made visible.
    pub(crate) whole: Vec<Bit>,
    pub(crate) hash: String,
    pub(crate) is_new: bool,
    pub(crate) can_approve: bool,
    pub(crate) can_reject: bool,
    /// Earlier ones to go back to: hash, and when they were agreed to.
    pub(crate) earlier: Vec<(String, String)>,
    pub(crate) form: String,
}

impl Admin {
    pub(crate) fn message(&self, title: &str, text: &str) -> Answer {
        self.told(StatusCode::OK, title, text)
    }

    pub(crate) fn told(&self, status: StatusCode, title: &str, text: &str) -> Answer {
        page(status, &Message { host: &self.host, title, text }, &FormsLead::default())
    }

    pub(crate) fn broken(&self, what: &str) -> Answer {
        tracing::error!(what, "the console cannot go on");
        self.told(
            StatusCode::SERVICE_UNAVAILABLE,
            "The console has a problem",
            "Nothing was decided. Try again in a minute; what is wrong stands in the door’s log.",
        )
    }

    /// Draws 256 bits, as text.
    pub(crate) fn draw(&self) -> Option<String> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A time for people who compare it with their clock.
pub(crate) fn minute(time: Timestamp) -> String {
    let text: String = time.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

pub(crate) fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}
