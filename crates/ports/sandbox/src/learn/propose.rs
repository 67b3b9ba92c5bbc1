//! From what was tried to lines of a profile: what was not there for the command, is there for the person, and may be said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::fold::{Wish, Wishes, fold, wish};
use super::outside::{Fact, Kind};
use super::places::{Places, of_a_runtime, of_the_system};
use super::{Seen, Times};
use crate::plan::How;
use crate::profile::Profile;
use crate::stage::{HOME, SCRATCH, addresses};

/// What to add to a profile, and what cannot be or should not be. The texts hold names that strangers chose: who shows
/// them makes signs that act on a terminal harmless.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Lines, in the order in which they are to be read.
    pub lines: Vec<Line>,
    /// What was asked for besides, and why there is no line for it.
    pub notes: Vec<String>,
}

/// One line, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As it stands in a profile.
    pub text: String,
    /// How often it was asked for.
    pub count: u64,
    /// What asked first.
    pub example: String,
}

/// What can be seen of the machine.
pub(super) type Outside<'a> = &'a dyn Fn(&Path) -> Option<Fact>;

pub(super) fn propose(seen: &Seen, home: &Path, private: &[PathBuf], outside: Outside<'_>) -> Proposal {
    let mut drafts = Drafts {
        seen,
        places: Places { home, private },
        outside,
        wishes: Wishes::new(),
        notes: BTreeMap::new(),
    };
    for ((path, how), times) in &seen.paths {
        drafts.path(path, *how, times);
    }
    let mut lines = drafts.lines();
    lines.extend(hosts(seen, &mut drafts.notes));
    let mut notes: Vec<_> = drafts.notes.into_iter().map(|(what, why)| why.told(&what)).collect();
    if !seen.signals.is_empty() {
        notes.push(
            "it uses signals of real time, which cannot be passed on while it is watched: if it hung, that is why"
                .to_owned(),
        );
    }
    if seen.unwritten > 0 {
        notes.push(format!(
            "{} attempts more were not written down: they were too many different ones",
            seen.unwritten
        ));
    }
    Proposal { lines, notes }
}

struct Drafts<'a> {
    seen: &'a Seen,
    places: Places<'a>,
    outside: Outside<'a>,
    wishes: Wishes,
    /// By what is spoken of, so that each is spoken of once.
    notes: BTreeMap<String, Note>,
}

struct Note {
    why: Why,
    count: u64,
    example: String,
}

#[derive(Clone, Copy)]
enum Why {
    Secret,
    Runs,
    AtHome,
    Wide,
    NoFile,
    Missing,
    Unsayable,
    Address,
}

impl Note {
    fn told(&self, what: &str) -> String {
        let asked = format!("{}, for example {}", times(self.count), self.example);
        match self.why {
            Why::Secret => {
                format!("WARNING: it asked for {what}, where secrets are kept ({asked}); no line is proposed")
            }
            Why::Runs => format!(
                "WARNING: it tried to write to {what} ({asked}); no line is proposed: what is written there runs \
                 outside of the sandbox, or in the server's place"
            ),
            Why::AtHome => format!(
                "it looked in its own home, which is empty, for what yours has: {what} ({asked}). If it is to have it, \
                 add --env HOME=YOUR-HOME and a line for it"
            ),
            Why::Wide => format!(
                "it asked for {what} as a whole ({asked}), which is more than a server needs; if it looks for something \
                 in there, add a line for that"
            ),
            Why::NoFile => format!(
                "it asked for {what} ({asked}), which is no file: sockets and devices are never shared"
            ),
            Why::Missing => format!("it would make {what} ({asked}); make it yourself, and run this again"),
            Why::Unsayable => format!("it asked for {what} ({asked}), a name that no line can say"),
            Why::Address => {
                format!("it called {what} ({asked}); a line lets hosts through by their names alone")
            }
        }
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

impl Drafts<'_> {
    fn path(&mut self, path: &Path, how: How, times: &Times) {
        let example = || format!("{} by {}", path.display(), times.by);
        if let Ok(below) = path.strip_prefix(HOME) {
            return self.in_its_home(below, how, times);
        }
        if path == Path::new("/") || path.iter().any(|part| part == "__pycache__") {
            return;
        }
        let found = (self.outside)(path);
        let real = found.as_ref().map_or(path, |found| found.real.as_path());
        if let Some(place) = self.places.secret(path).or_else(|| self.places.secret(real)) {
            return self.note(&place, Why::Secret, times, example());
        }
        // Asked whether it is there, a folder is often only on the way: to something that the command was told of.
        let told =
            self.seen.told.iter().filter(|told| how == How::Look && *told != path && told.starts_with(path));
        let told: Vec<_> = told.cloned().collect();
        if of_the_system(path) || !told.is_empty() {
            return told.iter().for_each(|told| self.path(told, How::Read, times));
        }
        let Some((target, write)) = self.sought(path, how, found.as_ref(), times) else { return };
        let target = if write { target } else { with_its_like(target) };
        let Some(found) = (self.outside)(target).filter(|_| !self.given(target, write)) else { return };
        let either = |judge: &dyn Fn(&Path) -> bool| judge(target) || judge(&found.real);
        if write && let Some(own) = self.seen.own.iter().find(|own| either(&|path| path.starts_with(own))) {
            return self.note(&own.clone(), Why::Runs, times, example());
        }
        if either(&|path| self.places.too_wide(path)) {
            // What is made in a scratch stays there. And what every walk from the root comes by, to look, says nothing.
            let scratch = write && SCRATCH.iter().any(|scratch| target == Path::new(scratch));
            let passed = how == How::Look && target != self.places.home;
            return match how {
                _ if scratch || passed => {}
                How::Create | How::Place => self.note(path, Why::Missing, times, example()),
                _ => self.note(target, Why::Wide, times, example()),
            };
        }
        if write && either(&|path| self.places.runs(path)) {
            return self.note(target, Why::Runs, times, example());
        }
        if line(target, write).is_none() {
            return self.note(target, Why::Unsayable, times, example());
        }
        let folder = found.kind == Kind::Folder;
        let new = Wish { write, folder, count: times.count, example: example() };
        wish(&mut self.wishes, target.to_owned(), new);
    }

    /// What would have to be shared, and whether to be written to; none if the attempt fails without a sandbox too.
    fn sought<'p>(
        &mut self,
        path: &'p Path,
        how: How,
        found: Option<&Fact>,
        times: &Times,
    ) -> Option<(&'p Path, bool)> {
        let example = || format!("{} by {}", path.display(), times.by);
        match (how, found) {
            (How::Look | How::Read, found) => {
                let found = found.filter(|found| found.readable)?;
                if found.kind == Kind::Other {
                    self.note(path, Why::NoFile, times, example());
                    return None;
                }
                Some((path, false))
            }
            (How::Write | How::Create, Some(found)) => {
                (found.writable && found.kind != Kind::Other).then_some((path, true))
            }
            (How::Write | How::Remove, None) => None,
            (How::Create | How::Place | How::Remove, _) => {
                let parent = path.parent()?;
                let Some(folder) = (self.outside)(parent) else {
                    let above = parent.ancestors().find_map(|above| (self.outside)(above));
                    if above.is_some_and(|above| above.writable) {
                        self.note(path, Why::Missing, times, example());
                    }
                    return None;
                };
                (folder.writable && folder.kind == Kind::Folder).then_some((parent, true))
            }
        }
    }

    /// What is looked for below the sandbox's own home. That the person's has it says little: runtimes look for a lot there.
    fn in_its_home(&mut self, below: &Path, how: How, times: &Times) {
        let there = self.places.home.join(below);
        let example = format!("{} by {}", Path::new(HOME).join(below).display(), times.by);
        let reads = matches!(how, How::Look | How::Read) && !of_a_runtime(below);
        if !reads || !(self.outside)(&there).is_some_and(|found| found.readable) {
            return;
        }
        match self.places.secret(&there) {
            Some(place) => self.note(&place, Why::Secret, times, example),
            None if self.places.too_wide(&there) => {}
            None => self.note(&there, Why::AtHome, times, example),
        }
    }

    /// It has that already: what failed would have failed anyway.
    fn given(&self, path: &Path, write: bool) -> bool {
        let profile = &self.seen.profile;
        let reads = (!write).then_some(profile.files_read.iter().chain(&self.seen.own)).into_iter().flatten();
        profile.files_write.iter().chain(reads).any(|open| path.starts_with(open))
    }

    fn note(&mut self, what: &Path, why: Why, times: &Times, example: String) {
        let note = self.notes.entry(what.display().to_string()).or_insert(Note { why, count: 0, example });
        note.count += times.count;
    }

    fn lines(&mut self) -> Vec<Line> {
        let places = &self.places;
        let may_share = |path: &Path, write: bool| {
            let real = (self.outside)(path).map_or_else(|| path.to_owned(), |found| found.real);
            let fine = |path: &Path| {
                !places.too_wide(path) && places.secret(path).is_none() && !(write && places.runs(path))
            };
            let own = self.seen.own.iter().any(|own| own.starts_with(path));
            fine(path) && fine(&real) && !own && line(path, false).is_some()
        };
        let wishes = fold(std::mem::take(&mut self.wishes), may_share);
        let lines = wishes.into_iter().filter_map(|(path, wish)| {
            Some(Line { text: line(&path, wish.write)?, count: wish.count, example: wish.example })
        });
        lines.collect()
    }
}

/// A library needs the next one, and each would be another run: they are shared together, as they were installed.
fn with_its_like(path: &Path) -> &Path {
    let together = |folder: &&Path| folder.ends_with("node_modules") || folder.ends_with("site-packages");
    path.ancestors().filter(together).last().unwrap_or(path)
}

/// The line that shares a path, if a line can say it: read again it must be the same path, and nothing in it may act on the
/// terminal that it is pasted in.
fn line(path: &Path, write: bool) -> Option<String> {
    let text = path.to_str()?;
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
    };
    let line = format!("{} {text}", if write { "files-write" } else { "files-read" });
    let profile = Profile::parse(&line).ok()?;
    let read = [&profile.files_read[..], &profile.files_write].concat();
    (read == [path] && !text.contains(acts)).then_some(line)
}

/// Hosts that were asked for, each with the ports that were called afterwards.
fn hosts(seen: &Seen, notes: &mut BTreeMap<String, Note>) -> Vec<Line> {
    let granted: Vec<_> = addresses(&seen.profile.net)
        .into_iter()
        .map(|(address, host)| (address, host.host.as_str()))
        .collect();
    let asked = seen.names.iter().map(|(name, (address, _))| (*address, name.as_str()));
    let named: BTreeMap<_, _> = granted.into_iter().chain(asked).collect();
    let mut wanted: BTreeMap<&str, (BTreeSet<u16>, u64, String)> = BTreeMap::new();
    for (name, (_, count)) in &seen.names {
        wanted.insert(name, (BTreeSet::new(), *count, "its address was asked for".to_owned()));
    }
    for (to, times) in &seen.dialled {
        let Some(name) = named.get(to.ip()) else {
            let note = Note { why: Why::Address, count: times.count, example: format!("by {}", times.by) };
            notes.insert(to.to_string(), note);
            continue;
        };
        // A host of the profile answers at its own ports: what failed there was something else.
        if seen.profile.net.iter().any(|host| host.host == *name && host.port == to.port()) {
            continue;
        }
        let example = format!("{name}:{} called by {}", to.port(), times.by);
        let (ports, count, first) = wanted.entry(name).or_insert((BTreeSet::new(), 0, example.clone()));
        *count += if ports.is_empty() { 0 } else { times.count };
        if ports.insert(to.port()) && ports.len() == 1 {
            *first = example;
        }
    }
    let lines = wanted.into_iter().filter_map(|(name, (ports, count, example))| {
        let host = |port: &u16| if *port == 443 { name.to_owned() } else { format!("{name}:{port}") };
        let hosts: Vec<_> = ports.iter().map(host).collect();
        let hosts = if hosts.is_empty() { name.to_owned() } else { hosts.join(" ") };
        let text = format!("net {hosts}");
        Profile::parse(&text).ok().map(|_| Line { text, count: count.max(1), example })
    });
    lines.collect()
}

#[cfg(test)]
mod tests;
