//! `doorward pin`: what servers say of their tools, as it was agreed to; what waits for a person, and what that person decides.

mod place;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use doorward_pinboard::{Approver, Done, Which};
use doorward_pins::Kind;
use doorward_types::{ServerName, Timestamp};

use crate::commands::pin::place::{At, Place};
use crate::commands::serve::runtime;
use crate::commands::vault::now;
use crate::failure::Failure;
use crate::out::{GOOD, NAME, Out, WARN, paint};
use crate::table::count;

/// Look at what servers say of their tools, and agree to it or not.
#[derive(Debug, Subcommand)]
pub(crate) enum Pin {
    /// List what is pinned, and what waits for you.
    List(List),
    /// Show what is different: what waits, beside what was agreed to.
    Diff(Diff),
    /// Agree to what waits under a name; where nothing does, to what is pinned.
    Approve(Approve),
    /// Refuse what waits under a name; where nothing does, what is pinned.
    Reject(Decide),
    /// Go back to the definition before; the one that is left counts as refused.
    Rollback(Decide),
}

/// List what is pinned, and what waits for you.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this server's.
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only what waits.
    #[arg(long)]
    waiting: bool,
    #[command(flatten)]
    place: Place,
}

/// Show what is different: what waits, beside what was agreed to.
#[derive(Debug, Args)]
#[command(
    after_help = "What is invisible is shown by its number, ⟨U+200B⟩. What came is {+so+} and what went is [-so-].

Examples:
  doorward pin diff add
  doorward pin diff add --server notes --all"
)]
pub(crate) struct Diff {
    #[command(flatten)]
    which: Named,
    /// Show all of it, however long.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

/// Agree to what waits under a name; where nothing does, to what is pinned.
#[derive(Debug, Args)]
#[command(
    after_help = "A door that runs takes it up within a second. Where several wait under one name, say which with --hash, as `pin diff` prints it:
so you agree to what you saw, whatever the server says meanwhile.

Examples:
  doorward pin approve add --reason 'new field read'
  doorward pin approve add --hash 3f9a51 --expires 30d
  doorward pin approve --all --server notes"
)]
pub(crate) struct Approve {
    /// The tool, prompt or resource; for what a server says of itself, the server.
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// All that waits of a server, but what looked like an attack and what waits in several forms.
    #[arg(long, requires = "server")]
    all: bool,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    why: Why,
    /// Until when it counts, from now on: 12h, 30d.
    #[arg(long, value_name = "TIME", value_parser = span)]
    expires: Option<Duration>,
    #[command(flatten)]
    place: Place,
}

/// What is decided about.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    #[command(flatten)]
    which: Named,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Named {
    /// The tool, prompt or resource; for what a server says of itself, the server.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Debug, Args)]
struct Narrow {
    /// At which server, where several have that name.
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// What kind of thing it is, where a server has several of that name.
    #[arg(long, value_name = "KIND", value_parser = ["tool", "prompt", "resource", "template", "server"])]
    kind: Option<String>,
    /// The beginning of the hash of the definition that is meant.
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
}

#[derive(Debug, Args)]
struct Why {
    /// Why, for those who read the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl Narrow {
    fn which(&self, name: &str) -> Result<Which, Failure> {
        Ok(Which {
            server: self.server.as_deref().map(server_name).transpose()?,
            kind: self.kind.as_deref().and_then(Kind::named),
            name: name.to_owned(),
            hash: self.hash.clone(),
        })
    }
}

impl Named {
    fn which(&self) -> Result<Which, Failure> {
        self.narrow.which(&self.name)
    }
}

impl Pin {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        runtime(Some(1))?.block_on(async {
            match self {
                Self::List(list) => list.run(out).await,
                Self::Diff(diff) => diff.run(out).await,
                Self::Approve(approve) => approve.run(out).await,
                Self::Reject(decide) => decide.run(out, Act::Reject).await,
                Self::Rollback(decide) => decide.run(out, Act::RollBack).await,
            }
        })
    }
}

impl List {
    async fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let at = self.place.open().await?;
        let server = self.server.as_deref().map(server_name).transpose()?;
        let mut listed = at.board.list(server.as_ref(), now()).await.map_err(|error| failed(&error))?;
        if self.waiting {
            listed.retain(|one| !one.waiting.is_empty());
        }
        show::list(&listed, out);
        Ok(ExitCode::SUCCESS)
    }
}

impl Diff {
    async fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let which = self.which.which()?;
        let at = self.place.open().await?;
        let compared = at.board.diff(&which, now()).await.map_err(|error| failed(&error))?;
        show::diff(&compared, self.all, now(), out);
        Ok(ExitCode::SUCCESS)
    }
}

impl Approve {
    async fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let which = self.narrow.which(self.name.as_deref().unwrap_or_default())?;
        let at = self.place.open().await?;
        let now = now();
        let by = at.approver(self.why.reason, self.expires.map(|span| now.plus(span)));
        let done = match (&which.server, self.all) {
            (Some(server), true) => at.board.approve_all(server, &by, now).await,
            _ => at.board.approve(&which, &by, now).await.map(|done| vec![done]),
        };
        told(&at, done.map_err(|error| failed(&error))?, now, out).await
    }
}

enum Act {
    Reject,
    RollBack,
}

impl Decide {
    async fn run(self, out: &Out, act: Act) -> Result<ExitCode, Failure> {
        let which = self.which.which()?;
        let at = self.place.open().await?;
        let now = now();
        let by: Approver = at.approver(self.why.reason, None);
        let done = match act {
            Act::Reject => at.board.reject(&which, &by, now).await,
            Act::RollBack => at.board.roll_back(&which, &by, now).await,
        };
        told(&at, vec![done.map_err(|error| failed(&error))?], now, out).await
    }
}

/// Says what was done, and sees to it that the audit log says so.
async fn told(at: &At, done: Vec<Done>, now: Timestamp, out: &Out) -> Result<ExitCode, Failure> {
    let recorded = at.record(&done, now).await?;
    if out.json {
        let acts = done.iter().map(|done| {
            serde_json::json!({
                "act": done.act.what, "server": done.server.as_str(), "kind": done.act.kind.name(),
                "name": done.act.name, "hash": done.act.hash, "by": done.act.by,
            })
        });
        out.line(serde_json::json!({ "acts": acts.collect::<Vec<_>>(), "recorded": recorded }));
        return Ok(ExitCode::SUCCESS);
    }
    if done.is_empty() {
        out.line(
            "nothing waits that could be agreed to together; `doorward pin list --waiting` shows what waits",
        );
    }
    for done in &done {
        let word = done.act.what.strip_prefix("pin-").unwrap_or(done.act.what).replace('-', " ");
        out.line(format_args!(
            "{} {} at {}  {}",
            paint(GOOD, format_args!("{word}:")),
            show::called(done.act.kind, &done.act.name),
            paint(NAME, &done.server),
            show::short_hash(&done.act.hash),
        ));
    }
    if done.len() > 1 {
        out.line(count(done.len(), "definition"));
    }
    if !recorded && !done.is_empty() {
        out.note(format_args!(
            "{} a door runs: it takes this up and records it within seconds",
            paint(WARN, "note:")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn server_name(text: &str) -> Result<ServerName, Failure> {
    ServerName::parse(text).map_err(|error| {
        Failure::usage(format!("`{}` is no name of a server: {error}", crate::table::clean(text)))
            .help("`doorward pin list` shows the servers")
    })
}

/// `12h`, `30d`.
fn span(text: &str) -> Result<Duration, String> {
    const UNITS: [(char, u64); 3] = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let read = || {
        let unit = UNITS.iter().find(|(unit, _)| text.ends_with(*unit))?;
        let number: u64 = text.strip_suffix(unit.0)?.parse().ok()?;
        number.checked_mul(unit.1).filter(|seconds| (1..=10 * 365 * 86_400).contains(seconds))
    };
    read().map(Duration::from_secs).ok_or_else(|| "write a number and m, h or d: 30d".to_owned())
}

fn failed(error: &doorward_pinboard::PinboardError) -> Failure {
    Failure::new(crate::table::clean(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(span("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(span("12h"), Ok(Duration::from_secs(43_200)));
        for text in ["", "d", "0d", "-1d", "1y", "99999d", "1.5h"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
