//! The text form of a sink, read strictly: every word is used, or the text is refused.

use super::condition::{Condition, Path, Test};
use super::{Audience, Beside, Place, Sink, Unless};

/// Why a text is no sink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {help}")]
pub struct SinkError {
    /// What stands there instead of what.
    pub what: String,
    /// What to write.
    pub help: &'static str,
}

/// Comparisons of arguments with texts that a sink may ask for: what a call costs does not grow past this. The text's
/// length is no measure of it, and the form that is written is longer than the shortest that is read.
const MOST: usize = 256;

pub(super) fn sink(text: &str) -> Result<Sink, SinkError> {
    let mut rest = Rest { tokens: tokens(text)?.into_iter().peekable() };
    let place = rest.place()?;
    let unless = if rest.takes("unless") { Some(rest.unless(place)?) } else { None };
    match rest.tokens.next() {
        None => Ok(Sink { place, unless }),
        Some(token) => Err(error(
            format!("{} follows the sink", token.shown()),
            "write `unless …` after the place, then `beside …`, then `then …`",
        )),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Comma,
}

impl Token<'_> {
    fn shown(self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Text(text) => format!("`\"{text}\"`"),
            Self::Comma => "a comma".to_owned(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, SinkError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            ',' => (Token::Comma, rest.strip_prefix(',').unwrap_or_default()),
            '"' => {
                let inner = rest.strip_prefix('"').unwrap_or_default();
                let (quoted, after) = inner
                    .split_once('"')
                    .ok_or_else(|| error("a quoted text does not end".to_owned(), "close it with `\"`"))?;
                if quoted.is_empty() || quoted.contains(|c: char| c.is_control() || c == '\\') {
                    return Err(error(
                        format!("{quoted:?} is empty, or has a backslash or a control character"),
                        "write the text itself; there are no escapes",
                    ));
                }
                (Token::Text(quoted), after)
            }
            _ => {
                let end =
                    rest.find(|c: char| c.is_whitespace() || c == ',' || c == '"').unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Token::Word(word), after)
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

struct Rest<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
}

impl<'a> Rest<'a> {
    fn takes(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(own) if *own == word)).is_some()
    }

    fn word(&mut self, expected: &str, help: &'static str) -> Result<(), SinkError> {
        if self.takes(expected) { Ok(()) } else { Err(self.unexpected(&format!("`{expected}`"), help)) }
    }

    fn unexpected(&mut self, expected: &str, help: &'static str) -> SinkError {
        let found = self.tokens.peek().map_or("the end".to_owned(), |token| token.shown());
        error(format!("{found} stands where {expected} is expected"), help)
    }

    fn place(&mut self) -> Result<Place, SinkError> {
        let help =
            "write `none`, `internal for self`, `internal for team`, `internal for company` or `outward`";
        if self.takes("none") {
            return Ok(Place::Nowhere);
        }
        if self.takes("outward") {
            return Ok(Place::Outward);
        }
        if !self.takes("internal") {
            return Err(self.unexpected("a place", help));
        }
        if !self.takes("for") {
            // Who reads it was not said: everybody in the house.
            return Ok(Place::Internal(Audience::Company));
        }
        let audience = Audience::ALL.into_iter().find(|audience| self.takes(audience.word()));
        audience.map(Place::Internal).ok_or_else(|| self.unexpected("an audience", help))
    }

    fn unless(&mut self, place: Place) -> Result<Unless, SinkError> {
        let mut all = vec![self.condition()?];
        while self.takes("and") {
            all.push(self.condition()?);
        }
        let beside = match self.takes("beside") {
            true if self.takes("*") => Beside::Anything,
            true => Beside::Only(self.paths()?),
            false => Beside::Only(Vec::new()),
        };
        if all.iter().map(Condition::size).sum::<usize>() > MOST || beside.size() > MOST {
            let what = format!("the sink asks for more than {MOST} comparisons");
            return Err(error(what, "name fewer: what is not named counts as outward"));
        }
        let then = if self.takes("then") { self.place()? } else { Place::Internal(Audience::Company) };
        if then >= place {
            return Err(error(
                format!("where the condition holds it is `{then}`, which is no narrower than `{place}`"),
                "after `then` stands a place that fewer people read",
            ));
        }
        Ok(Unless { all, beside, then })
    }

    fn condition(&mut self) -> Result<Condition, SinkError> {
        let paths = self.paths()?;
        let help =
            "write `ends with \"@your.domain\"`, `host is \"…\"`, `is \"…\"`, or `… is one of \"…\", \"…\"`";
        let test = if self.takes("ends") {
            self.word("with", help)?;
            Test::MailIn(domain(self.text(help)?)?)
        } else if self.takes("host") {
            self.word("is", help)?;
            Test::HostIs(self.texts(help)?.into_iter().map(host).collect::<Result<_, _>>()?)
        } else {
            self.word("is", help)?;
            Test::OneOf(self.texts(help)?.into_iter().map(str::to_owned).collect())
        };
        Ok(Condition { paths, test })
    }

    fn paths(&mut self) -> Result<Vec<Path>, SinkError> {
        let mut paths = vec![self.path()?];
        while self.tokens.next_if_eq(&Token::Comma).is_some() {
            paths.push(self.path()?);
        }
        Ok(paths)
    }

    fn path(&mut self) -> Result<Path, SinkError> {
        let help = "write an argument as `args.to`, or `args.message.to` for one further in";
        let Some(Token::Word(word)) = self.tokens.peek() else {
            return Err(self.unexpected("an argument", help));
        };
        let names: Vec<String> = match word.strip_prefix("args.") {
            Some(names) => names.split('.').map(str::to_owned).collect(),
            None => return Err(self.unexpected("an argument", help)),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'$';
        if names.iter().any(|name| name.is_empty() || !name.bytes().all(plain)) {
            return Err(self.unexpected("an argument", help));
        }
        self.tokens.next();
        Ok(Path(names))
    }

    fn texts(&mut self, help: &'static str) -> Result<Vec<&'a str>, SinkError> {
        if !self.takes("one") {
            return Ok(vec![self.text(help)?]);
        }
        self.word("of", help)?;
        let mut texts = vec![self.text(help)?];
        while self.tokens.next_if_eq(&Token::Comma).is_some() {
            texts.push(self.text(help)?);
        }
        Ok(texts)
    }

    fn text(&mut self, help: &'static str) -> Result<&'a str, SinkError> {
        match self.tokens.peek() {
            Some(&Token::Text(text)) => {
                self.tokens.next();
                Ok(text)
            }
            _ => Err(self.unexpected("a quoted text", help)),
        }
    }
}

impl Condition {
    fn size(&self) -> usize {
        let texts = match &self.test {
            Test::MailIn(_) => 1,
            Test::HostIs(texts) | Test::OneOf(texts) => texts.len(),
        };
        self.paths.len().saturating_mul(texts)
    }
}

impl Beside {
    fn size(&self) -> usize {
        match self {
            Self::Only(paths) => paths.len(),
            Self::Anything => 0,
        }
    }
}

fn domain(text: &str) -> Result<String, SinkError> {
    text.strip_prefix('@').filter(|domain| is_name(domain)).map(str::to_ascii_lowercase).ok_or_else(|| {
        error(
            format!("`ends with` is followed by `\"{text}\"`, which is no mail domain"),
            "write the `@` and the whole domain: a shorter end would fit strangers as well",
        )
    })
}

fn host(text: &str) -> Result<String, SinkError> {
    if is_name(text.strip_prefix("*.").unwrap_or(text)) {
        return Ok(text.to_ascii_lowercase());
    }
    let help = "write a host such as `\"docs.contoso.com\"`, or `\"*.contoso.com\"` for all below it";
    Err(error(format!("`\"{text}\"` is no host"), help))
}

/// A name with at least one dot: `com` alone would be everybody.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

fn error(what: String, help: &'static str) -> SinkError {
    SinkError { what, help }
}
