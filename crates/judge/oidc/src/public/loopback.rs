//! What the small server on loopback hears while a person signs in in their browser, and what it believes of it.
//!
//! Everybody on the machine can talk to it, and every page in the browser can: a request counts by what it knows.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use doorward_types::Secret;

use crate::form::pairs;

/// One sign-in that waits for its browser.
pub struct Loopback {
    /// `localhost:PORT`, as the browser says it. Another `Host` is a name that was bound to this machine (DNS rebinding).
    pub host: String,
    /// The address that the browser is opened with, behind `/`. It leads to Entra once: it stands in the arguments of
    /// the program that opens the browser, where others on the machine can read it, and whoever comes second must not
    /// learn the state.
    pub start: String,
    /// The state.
    pub state: String,
}

/// What a request is.
pub enum Heard {
    /// The browser comes to be sent to Entra.
    Start,
    /// Entra's answer, which the browser brings back: a code, or the word of a refusal and the AADSTS number in its text.
    Answer(Result<Secret<String>, (String, Option<u32>)>),
    /// The browser asks for the page at the end.
    Done,
    /// None of this sign-in's business, with the status to say so.
    Stranger(u16),
}

impl Loopback {
    /// Returns the redirect address as it is registered, but for its port, which Entra does not compare for `localhost`.
    pub fn redirect_uri(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Judges one request: method, `Host`, path and query.
    pub fn judge(&self, method: &str, host: Option<&str>, target: &str) -> Heard {
        if host != Some(self.host.as_str()) {
            return Heard::Stranger(421);
        }
        if method != "GET" {
            return Heard::Stranger(405);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path.strip_prefix('/') {
            Some("") if !query.is_empty() => self.answer(query),
            Some("done") => Heard::Done,
            Some(start) if is_same(start, &self.start) => Heard::Start,
            _ => Heard::Stranger(404),
        }
    }

    fn answer(&self, query: &str) -> Heard {
        let Some(pairs) = pairs(query) else { return Heard::Stranger(400) };
        let one = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            // Two of a name: the one that was checked might not be the one that is used.
            match (found.next(), found.next()) {
                (one, None) => Ok(one),
                _ => Err(()),
            }
        };
        let (Ok(state), Ok(code), Ok(error), Ok(words)) =
            (one("state"), one("code"), one("error"), one("error_description"))
        else {
            return Heard::Stranger(400);
        };
        // A page in the browser that makes up an answer does not know the state.
        if !state.is_some_and(|state| is_same(state, &self.state)) {
            return Heard::Stranger(400);
        }
        match (code, error) {
            (Some(code), None) if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Heard::Answer(Ok(Secret::new(code.to_owned())))
            }
            (None, Some(error)) => {
                let word =
                    error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && error.len() <= 64;
                let error = if word { error } else { "error" };
                Heard::Answer(Err((error.to_owned(), words.and_then(crate::aadsts))))
            }
            _ => Heard::Stranger(400),
        }
    }
}

fn is_same(candidate: &str, known: &str) -> bool {
    !known.is_empty() && verify_slices_are_equal(candidate.as_bytes(), known.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(method: &str, host: &str, target: &str) -> String {
        let waiting = Loopback { host: "localhost:8400".into(), start: "go-1".into(), state: "s 1".into() };
        match waiting.judge(method, Some(host), target) {
            Heard::Start => "start".into(),
            Heard::Done => "done".into(),
            Heard::Stranger(status) => status.to_string(),
            Heard::Answer(Ok(code)) => format!("code {}", code.expose()),
            Heard::Answer(Err((word, number))) => format!("{word} {number:?}"),
        }
    }

    // control: LOC-02: only an answer that knows this sign-in's state ends it, whoever on the machine or in the browser sends one
    #[test]
    fn only_the_answer_to_this_question_counts() {
        const HERE: &str = "localhost:8400";
        for (target, expected) in [
            ("/go-1", "start"),
            ("/done", "done"),
            ("/?code=c&state=s+1", "code c"),
            ("/?code=c%2Dd&state=s%201&session_state=x", "code c-d"),
            (
                "/?error=access_denied&error_description=AADSTS65004%3A+alice&state=s+1",
                "access_denied Some(65004)",
            ),
            ("/?error=%3Cscript%3E&state=s+1", "error None"),
            ("/", "404"),
            ("/go-2", "404"),
            ("/other?code=c&state=s+1", "404"),
            ("/?code=c", "400"),
            ("/?code=c&state=", "400"),
            ("/?code=c&state=s2", "400"),
            ("/?code=c&state=s+1&state=s2", "400"),
            ("/?code=c&code=d&state=s+1", "400"),
            ("/?code=c&error=e&state=s+1", "400"),
            ("/?state=s+1", "400"),
            ("/?code=&state=s+1", "400"),
            ("/?code=%zz&state=s+1", "400"),
            ("/?code=a%0ab&state=s+1", "400"),
        ] {
            assert_eq!(heard("GET", HERE, target), expected, "{target}");
        }
        let good = "/?code=c&state=s+1";
        assert_eq!(heard("POST", HERE, good), "405");
        for host in ["localhost", "localhost:8401", "127.0.0.1:8400", "evil.example:8400", ""] {
            assert_eq!(heard("GET", host, good), "421", "{host}");
        }
    }
}
