//! What the load generator is told on its command line.

use std::time::Duration;

use crate::target::Target;

/// A list of header fields.
pub type Headers = Vec<(String, String)>;

/// What kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One request after the other on each connection.
    Call,
    /// The same, each answer being an event stream.
    Sse,
    /// Opens sessions and leaves them.
    Sessions,
    /// Opens sessions with a GET stream each and holds them until standard input ends.
    Streams,
}

/// Everything the load generator can be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the load goes.
    pub target: Target,
    /// What kind of load.
    pub mode: Mode,
    /// Connections in parallel.
    pub connections: usize,
    /// How long to measure.
    pub measure: Duration,
    /// How long to run before measuring.
    pub warmup: Duration,
    /// The request body, `__ID__` standing for the id.
    pub body: String,
    /// What must stand in each answer, `__ID__` standing for the id.
    pub expect: Vec<String>,
    /// How many events each answer must have in `sse` mode.
    pub events: usize,
    /// How many sessions or streams to open.
    pub count: usize,
    /// Header fields of every request.
    pub headers: Headers,
    /// More header fields, one set a connection or session, in turn; empty for none.
    pub sets: Vec<Headers>,
    /// Whether each connection performs the legacy handshake first and keeps its session.
    pub session: bool,
    /// The core to run on.
    pub core: Option<usize>,
}

impl Options {
    /// Reads the command line, without the program's name.
    ///
    /// # Errors
    /// One sentence on what is wrong with it.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::to(Target { authority: String::new(), path: String::new() });
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if name == "--session" {
                options.session = true;
                continue;
            }
            let value =
                arguments.next().ok_or_else(|| format!("{name} needs a value; known arguments: {USAGE}"))?;
            options.set(&name, &value)?;
        }
        if options.target.authority.is_empty() {
            return Err("--url is missing".to_owned());
        }
        Ok(options)
    }

    /// Thirty-two connections calling `target` for three seconds with an empty object.
    #[must_use]
    pub fn to(target: Target) -> Self {
        Self {
            target,
            mode: Mode::Call,
            connections: 32,
            measure: Duration::from_secs(3),
            warmup: Duration::from_millis(300),
            body: "{}".to_owned(),
            expect: Vec::new(),
            events: 0,
            count: 0,
            headers: Vec::new(),
            sets: Vec::new(),
            session: false,
            core: None,
        }
    }

    /// The header fields of one connection or session.
    #[must_use]
    pub fn headers_of(&self, index: usize) -> Headers {
        let own = index.checked_rem(self.sets.len()).and_then(|turn| self.sets.get(turn));
        self.headers.iter().chain(own.into_iter().flatten()).cloned().collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--url" => self.target = Target::parse(value)?,
            "--mode" => self.mode = mode(value)?,
            "--connections" => self.connections = number(name, value)?,
            "--seconds" => self.measure = seconds(name, value)?,
            "--warmup" => self.warmup = seconds(name, value)?,
            "--body" => self.body = read(value)?,
            "--expect" => self.expect.push(value.to_owned()),
            "--events" => self.events = number(name, value)?,
            "--count" => self.count = number(name, value)?,
            "--header" => self.headers.push(header(value)?),
            "--headers-file" => self.sets = sets(&read(value)?)?,
            "--pin" => self.core = Some(number(name, value)?),
            _ => return Err(format!("unknown argument {name}; known: {USAGE}")),
        }
        Ok(())
    }
}

const USAGE: &str = "--url URL --mode call|sse|idle-sessions|streams --connections N --seconds S --warmup S --body FILE \
                     --expect TEXT --events N --count N --header NAME:VALUE --headers-file FILE --session --pin CORE";

fn mode(value: &str) -> Result<Mode, String> {
    match value {
        "call" => Ok(Mode::Call),
        "sse" => Ok(Mode::Sse),
        "idle-sessions" => Ok(Mode::Sessions),
        "streams" => Ok(Mode::Streams),
        _ => Err(format!("unknown mode {value}; known: call, sse, idle-sessions, streams")),
    }
}

fn number(name: &str, value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{name} needs a whole number, not {value}"))
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("{name} needs a number of seconds, not {value}"))
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|why| format!("{path}: {why}"))
}

fn header(value: &str) -> Result<(String, String), String> {
    let (name, value) = value.split_once(':').ok_or_else(|| format!("{value} is no NAME:VALUE"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// `[{"authorization": "Bearer …"}, …]`, one object a connection.
fn sets(text: &str) -> Result<Vec<Headers>, String> {
    let sets: Vec<std::collections::BTreeMap<String, String>> = serde_json::from_str(text)
        .map_err(|why| format!("the headers file is no array of string objects: {why}"))?;
    Ok(sets.into_iter().map(|set| set.into_iter().collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_whole_line_is_understood() {
        let options =
            parse("--url http://h:1/mcp --mode sse --seconds 0.5 --header a:b --session --events 7").unwrap();
        assert_eq!((options.mode, options.events, options.session), (Mode::Sse, 7, true));
        assert_eq!(options.measure, Duration::from_millis(500));
        assert_eq!(options.headers, [("a".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn header_sets_go_round() {
        let mut options = parse("--url http://h:1/ --header a:b").unwrap();
        options.sets = sets(r#"[{"t":"0"},{"t":"1"}]"#).unwrap();
        assert_eq!(options.headers_of(3).last(), Some(&("t".to_owned(), "1".to_owned())));
        assert_eq!(options.headers_of(3).len(), 2);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "--url"),
            ("--url h", "http://"),
            ("--url http://h:1/ --mode x", "idle-sessions"),
            ("--url http://h:1/ --seconds -1", "number of seconds"),
            ("--url http://h:1/ --what x", "--what"),
            ("--url", "needs a value"),
        ] {
            let why = parse(line).unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        }
    }
}
