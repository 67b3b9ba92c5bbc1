//! The pages that a person sees. Whatever comes from outside is escaped by the templates, which know no other way in.

use askama::Template;
use http::StatusCode;

use crate::respond::{Answer, FormsLead, page};

/// The pages' style.
pub const STYLE: &str = include_str!("../templates/style.css");

/// A scope in words.
pub(crate) struct ScopeLine {
    pub(crate) name: String,
    pub(crate) words: String,
}

/// The question whether a client may act for a person.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    pub(crate) host: &'a str,
    pub(crate) client_name: &'a str,
    pub(crate) server: &'a str,
    pub(crate) resource: &'a str,
    /// Who is signed in, if somebody is.
    pub(crate) person: Option<&'a str>,
    /// Whether the question was answered before, by somebody else in this browser (D-13).
    pub(crate) again: bool,
    pub(crate) scopes: Vec<ScopeLine>,
    /// Where the client comes from, in words.
    pub(crate) origin: String,
    pub(crate) redirect_host: String,
    pub(crate) warnings: Vec<&'static str>,
    /// What the form sends back, sealed.
    pub(crate) form: &'a str,
}

/// A link under a message.
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) words: String,
}

/// A message: something went wrong, or is done.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message<'a> {
    pub(crate) host: &'a str,
    pub(crate) title: String,
    pub(crate) paragraphs: Vec<String>,
    /// What helps whoever is asked for help.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) link: Option<Link>,
}

impl<'a> Message<'a> {
    pub(crate) fn new(host: &'a str, title: impl Into<String>) -> Self {
        Self { host, title: title.into(), paragraphs: Vec::new(), facts: Vec::new(), link: None }
    }

    #[must_use]
    pub(crate) fn say(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    #[must_use]
    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn link(mut self, href: impl Into<String>, words: impl Into<String>) -> Self {
        self.link = Some(Link { href: href.into(), words: words.into() });
        self
    }

    pub(crate) fn answer(self, status: StatusCode) -> Answer {
        page(status, &self, &FormsLead::default())
    }
}

/// One sign-in of one client, as its person sees it.
pub(crate) struct SessionLine {
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) since: String,
    pub(crate) used: String,
    pub(crate) form: String,
}

/// One consent, as its person sees it.
pub(crate) struct ConsentLine {
    pub(crate) client: String,
    pub(crate) id: String,
    pub(crate) server: String,
    pub(crate) scopes: String,
    pub(crate) given: String,
    pub(crate) form: String,
}

/// One server that a person's own account elsewhere is connected to.
pub(crate) struct ConnectionLine {
    pub(crate) server: String,
    pub(crate) connected: bool,
    pub(crate) form: String,
}

/// The question whether to go to another authorization server.
#[derive(Template)]
#[template(path = "connect.html")]
pub(crate) struct ConnectPage<'a> {
    pub(crate) host: &'a str,
    pub(crate) server: &'a str,
    pub(crate) name: &'a str,
    /// Where the person goes.
    pub(crate) authority: &'a str,
    pub(crate) form: &'a str,
}

/// The question whether to open an address that a server asks a person to open.
#[derive(Template)]
#[template(path = "open.html")]
pub(crate) struct OpenPage<'a> {
    pub(crate) host: &'a str,
    pub(crate) server: &'a str,
    pub(crate) name: &'a str,
    /// The host that the address leads to.
    pub(crate) authority: &'a str,
    pub(crate) encrypted: bool,
    pub(crate) url: &'a str,
    /// What for, in the server's words.
    pub(crate) message: &'a str,
}

/// A question about one call.
#[derive(Template)]
#[template(path = "approve.html")]
pub(crate) struct ApprovePage<'a> {
    pub(crate) host: &'a str,
    pub(crate) name: &'a str,
    pub(crate) server: &'a str,
    pub(crate) method: &'a str,
    pub(crate) called: &'a str,
    pub(crate) client: &'a str,
    /// Why somebody is asked.
    pub(crate) why: &'a str,
    pub(crate) arguments: &'a str,
    /// Characters that are not shown.
    pub(crate) cut: usize,
    /// Whether it is the call of whoever answers.
    pub(crate) own: bool,
    pub(crate) can_approve: bool,
    pub(crate) form: &'a str,
}

/// What a person has allowed, with the buttons to take it back.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) host: &'a str,
    pub(crate) name: &'a str,
    pub(crate) done: Option<&'a str>,
    pub(crate) sessions: Vec<SessionLine>,
    pub(crate) consents: Vec<ConsentLine>,
    pub(crate) connections: Vec<ConnectionLine>,
    pub(crate) sign_out: String,
}
