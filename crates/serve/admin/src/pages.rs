//! The pages. Whatever comes from outside is escaped by the templates, which know no other way in.

use askama::Template;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_facade::web::{Answer, FormsLead, page};
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

impl Admin {
    pub(crate) async fn show(
        &self,
        _asked: &crate::Asked<'_>,
        _session: &crate::entry::Session,
        _path: &str,
    ) -> Answer {
        self.message("x", "y")
    }
    pub(crate) async fn act(
        &self,
        _asked: &crate::Asked<'_>,
        _session: &crate::entry::Session,
        _path: &str,
    ) -> Answer {
        self.message("x", "y")
    }
    pub(crate) async fn api_show(&self, _asked: &crate::Asked<'_>, _path: &str) -> Answer {
        self.message("x", "y")
    }
    pub(crate) async fn api_act(
        &self,
        _asked: &crate::Asked<'_>,
        _decider: &crate::Decider,
        _path: &str,
    ) -> Answer {
        self.message("x", "y")
    }
}
