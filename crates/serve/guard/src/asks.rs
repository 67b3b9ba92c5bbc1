//! Asking who sits here: by a notification of the desktop, or at a terminal. Both are out of reach of what is asked about:
//! the server sees neither bus nor terminal from its sandbox, and nothing that the client sends over MCP is an answer.

mod desktop;
mod terminal;

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use doorward_engine::{Consent, Question};
use tokio::sync::Mutex;

pub use desktop::Desktop;
pub use terminal::Terminal;

/// What puts a question to a person.
pub trait Ask: Send + Sync + 'static {
    /// Puts it, and waits for the answer; dropping the future takes it back.
    fn ask<'a>(&'a self, asked: &'a Asked) -> Asking<'a>;
}

/// An answer on its way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Consent> + Send + 'a>>;

/// A question as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// One line.
    pub what: String,
    /// What is to be known of it.
    pub about: String,
}

/// Below the minute after which clients give a call up: whoever agrees must not have agreed to nothing.
const PATIENCE: Duration = Duration::from_secs(45);
/// What a person reads of the arguments.
const MOST_SHOWN: usize = 1_000;

/// Puts one question at a time: several windows at once are clicked away unread.
pub(crate) struct Asks {
    by: Box<dyn Ask>,
    turn: Mutex<()>,
}

impl Asks {
    pub(crate) fn new(by: Box<dyn Ask>) -> Self {
        Self { by, turn: Mutex::new(()) }
    }

    pub(crate) async fn put(&self, question: &Question<'_>) -> Consent {
        let asked = Asked::of(question);
        let answer = async {
            let _turn = self.turn.lock().await;
            self.by.ask(&asked).await
        };
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Consent::Silence)
    }
}

impl Asked {
    /// Writes a question. Names and arguments are the server's and the client's: what acts on a screen, or is not seen there,
    /// is written out.
    fn of(question: &Question<'_>) -> Self {
        let shown = |text: &str, most: usize| -> String {
            let mut shown = String::new();
            let mut left = text.chars();
            for character in left.by_ref().take(most) {
                if is_plain(character) {
                    shown.push(character);
                } else {
                    let _infallible = write!(shown, "\\u{{{:x}}}", u32::from(character));
                }
            }
            // What is cut off may be what matters: it is said how much that is.
            match left.count() {
                0 => shown,
                more => format!("{shown} … and {more} characters that are not shown"),
            }
        };
        let tool = shown(question.tool, 100);
        let arguments = shown(question.arguments, MOST_SHOWN);
        let why = match question.because {
            Some(why) => format!("{}.", shown(why, MOST_SHOWN)),
            None => "The server marks this tool as destructive.".to_owned(),
        };
        Self {
            what: format!("May `{tool}` of `{}` be called?", question.server),
            about: format!("{why} It is called with: {arguments}"),
        }
    }
}

/// Letters, digits and signs that are what they look like, and leave the rest of the line where it is.
fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\u{a1}'..='\u{2ff}' | '\u{370}'..='\u{52f}' => !matches!(character, '\u{ad}'),
        // CJK and Hangul, which people read.
        '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use doorward_types::ServerName;

    use super::*;

    fn of(tool: &str, arguments: &str) -> Asked {
        let server = ServerName::parse("files").unwrap();
        Asked::of(&Question { server: &server, tool, arguments, because: None })
    }

    // control: D-21: What a person agrees to is shown whole, or it is said how much is not; nothing hides in it
    #[test]
    fn a_question_shows_what_it_is_about() {
        let asked = of("delete", r#"{"path":"/srv/a"}"#);
        assert_eq!(asked.what, "May `delete` of `files` be called?");
        let about = r#"The server marks this tool as destructive. It is called with: {"path":"/srv/a"}"#;
        assert_eq!(asked.about, about);
        let hidden = of("read\u{202e}eteled", "{\"a\":\"x\u{200b}\u{e0041}\n\u{1b}[2J\"}");
        assert_eq!(hidden.what, r"May `read\u{202e}eteled` of `files` be called?");
        assert!(hidden.about.ends_with(r#"{"a":"x\u{200b}\u{e0041}\u{a}\u{1b}[2J"}"#), "{}", hidden.about);
        let long = of("x", &"y".repeat(2_345));
        assert!(long.about.ends_with("y … and 1345 characters that are not shown"), "{}", long.about);
    }
}
