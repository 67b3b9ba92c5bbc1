//! `doorward audit tail`.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use doorward_audit::{Filter, Reader, Record, render, tail};

use crate::commands::audit::failed;
use crate::commands::audit::place::Place;
use crate::failure::Failure;
use crate::out::{BAD, DIM, Out, WARN, paint};

/// How often a followed log is looked at.
const AGAIN: Duration = Duration::from_millis(200);

/// Print the last records, and those that come.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// How many of the last records.
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    lines: usize,
    /// Go on printing records as they are written.
    #[arg(short, long)]
    follow: bool,
    /// Only records of this kind: intent, outcome, refused, flood, alarm, checkpoint, …
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only records about this server.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Only records of this person or application, by pseudonym.
    #[arg(long, value_name = "PSEUDONYM")]
    person: Option<String>,
    /// Only records from this time on: RFC 3339 in UTC, or the beginning of it, like `2026-11-20T15`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Tail {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let found = self.place.find()?;
        let filter = Filter {
            call: None,
            kind: self.kind,
            person: self.person,
            server: self.server,
            since: self.since,
        };
        if self.follow {
            follow(out, found.begin()?, self.lines, &filter)?;
        } else {
            tail(&found.dir, self.lines, &filter).map_err(failed)?.iter().for_each(|record| {
                print(out, record);
            });
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the last records and then each that comes, until the reader of the output goes away. One reader does both, so
/// that no record falls between.
fn follow(out: &Out, mut reader: Reader, lines: usize, filter: &Filter) -> Result<(), Failure> {
    let mut last = VecDeque::new();
    while let Some(record) = reader.next_record().map_err(failed)? {
        if filter.matches(&record) {
            last.push_back(record);
            if last.len() > lines {
                last.pop_front();
            }
        }
    }
    let mut heard = last.iter().all(|record| print(out, record));
    while heard {
        match reader.next_record().map_err(failed)? {
            Some(record) => heard = !filter.matches(&record) || print(out, &record),
            None => std::thread::sleep(AGAIN),
        }
    }
    Ok(())
}

/// Prints one record; false if nobody reads any more.
fn print(out: &Out, record: &Record) -> bool {
    if out.json {
        return out.is_read(record.line());
    }
    out.is_read(in_colour(record))
}

/// A record's line: what is bad stands out, what is routine stays back.
pub(crate) fn in_colour(record: &Record) -> String {
    let line = render(record);
    let (time, rest) = line.split_at_checked(TIME_WIDTH).unwrap_or(("", &line));
    let rest = match &*record.kind() {
        "alarm" | "refused" => paint(BAD, rest),
        "flood" | "recovered" | "erased" => paint(WARN, rest),
        "intent" | "outcome" => rest.to_owned(),
        _ => paint(DIM, rest),
    };
    format!("{}{rest}", paint(DIM, time))
}

/// `2026-11-20T15:04:05.123Z` stands before every record.
const TIME_WIDTH: usize = 24;
