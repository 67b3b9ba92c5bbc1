//! The pages that a person sees. Whatever comes from outside is escaped by the templates, which know no other way in.

use askama::Template;
use http::StatusCode;

use crate::respond::{Answer, FormsLead, page};

/// The pages' style.
pub const STYLE: &str = include_str!("../templates/style.css");

/// A piece of a text of strangers', for a template.
#[derive(Debug, PartialEq, Eq)]
pub struct Bit {
    /// `unseen` for the number of a character that nobody sees, `code` for what stands in backticks, else nothing.
    pub mark: &'static str,
    /// What it says.
    pub text: String,
}

/// Takes a text apart in which what is invisible was made visible. Its line breaks are followed by a line.
pub fn bits(shown: &str) -> Vec<Bit> {
    let mut bits = Vec::new();
    let mut push = |mark, text: &str| {
        if !text.is_empty() {
            bits.push(Bit { mark, text: text.to_owned() });
        }
    };
    let mut rest = shown;
    // Where these signs were in the text itself they are numbers now, so all that are left are ours.
    while let Some((before, (sign, after))) = rest.find(['⟨', '↵']).and_then(|at| {
        let (before, found) = rest.split_at_checked(at)?;
        let end = if found.starts_with('⟨') { found.find('⟩')? } else { 0 };
        Some((before, found.split_at_checked(end + '⟩'.len_utf8())?))
    }) {
        push("", before);
        push("unseen", sign);
        // Many in a row push nothing out of sight.
        if sign == "↵" && !after.starts_with('↵') {
            push("", "\n");
        }
        rest = after;
    }
    push("", rest);
    bits
}

/// Takes a sentence of ours apart, in which strangers' names stand in backticks.
pub fn said(sentence: &str) -> Vec<Bit> {
    let marks = ["", "code"].into_iter().cycle();
    let pieces = marks.zip(sentence.split('`')).filter(|(_, piece)| !piece.is_empty());
    pieces.map(|(mark, text)| Bit { mark, text: text.to_owned() }).collect()
}

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
    pub(crate) called: String,
    pub(crate) client: String,
    /// Who calls, where that is somebody else.
    pub(crate) called_by: Option<String>,
    /// Why somebody is asked.
    pub(crate) why: Vec<Bit>,
    /// What will be sent, what is invisible in it made visible.
    pub(crate) arguments: Vec<Bit>,
    /// Characters that are not shown.
    pub(crate) cut: usize,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(bits: &[Bit]) -> Vec<(&str, &str)> {
        bits.iter().map(|bit| (bit.mark, bit.text.as_str())).collect()
    }

    // control: TPO-02: what is invisible in a text of strangers' stands out on a page
    #[test]
    fn what_is_invisible_stands_out() {
        assert_eq!(
            marked(&bits("a⟨U+200B⟩b↵↵c")),
            [
                ("", "a"),
                ("unseen", "⟨U+200B⟩"),
                ("", "b"),
                ("unseen", "↵"),
                ("unseen", "↵"),
                ("", "\n"),
                ("", "c")
            ]
        );
        assert_eq!(marked(&bits("cut off ⟨U+2")), [("", "cut off ⟨U+2")]);
        assert_eq!(marked(&bits("")), []);
        assert_eq!(marked(&said("`a` gave `b")), [("code", "a"), ("", " gave "), ("code", "b")]);
    }
}
