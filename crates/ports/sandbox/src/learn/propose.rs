//! From what was tried to lines of a profile: what was not there for the command, is there for the person, and may be said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::fold::{Wish, Wishes, fold, wish};
use super::outside::{Fact, Kind};
use super::places::{Places, of_a_runtime, of_the_system};
use super::{Seen, Times};
use crate::plan::How;
use crate::profile::Profile;
use crate::stage::{HOME, addresses};

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
    AtHome,
    Wide,
    NoFile,
    OwnProgram,
    Missing,
    Unsayable,
    Address,
}

impl Note {
    fn told(&self, what: &str) -> String {
        let asked = format!("{} times, for example {}", self.count, self.example);
        match self.why {
            Why::Secret => {
                format!("WARNING: it asked for {what}, where secrets are kept ({asked}); no line is proposed")
            }
            Why::AtHome => format!(
                "it looked for this in its own home, which is empty, and yours has it: {what} ({asked}). If it is to \
                 have it, add --env HOME=YOUR-HOME and a line for it"
            ),
            Why::Wide => format!(
                "it asked for {what} as a whole ({asked}), which is more than a server needs; if it looks for something \
                 in there, add a line for that"
            ),
            Why::NoFile => format!(
                "it asked for {what} ({asked}), which is no file: sockets and devices are never shared"
            ),
            Why::OwnProgram => format!(
                "it tried to write to {what}, where its own program lies ({asked}); no line is proposed: what is written \
                 there runs the next time"
            ),
            Why::Missing => {
                format!("it would make {what} ({asked}); make its folder yourself, and run this again")
            }
            Why::Unsayable => format!("it asked for {what} ({asked}), a name that no line can say"),
            Why::Address => {
                format!("it called {what} ({asked}); a line lets hosts through by their names alone")
            }
        }
    }
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
        if of_the_system(path) {
            return;
        }
        let (target, write) = match how {
            How::Look | How::Read => match &found {
                Some(found) if found.readable && found.kind == Kind::Other => {
                    return self.note(path, Why::NoFile, times, example());
                }
                Some(found) if found.readable => (path, false),
                _ => return,
            },
            How::Write | How::Create if found.as_ref().is_some_and(|found| found.kind != Kind::Other) => {
                match found.as_ref().is_some_and(|found| found.writable) {
                    true => (path, true),
                    false => return,
                }
            }
            How::Write => return,
            // Without the sandbox it would not have removed anything either.
            How::Remove if found.is_none() => return,
            How::Create | How::Place | How::Remove => {
                let Some(parent) = path.parent() else { return };
                match (self.outside)(parent) {
                    Some(found) if found.kind == Kind::Folder && found.writable => (parent, true),
                    Some(_) => return,
                    None => {
                        let above = parent.ancestors().find_map(|above| (self.outside)(above));
                        if above.is_some_and(|above| above.writable) {
                            self.note(path, Why::Missing, times, example());
                        }
                        return;
                    }
                }
            }
        };
        if write && self.seen.own.iter().any(|own| target.starts_with(own)) {
            return self.note(target, Why::OwnProgram, times, example());
        }
        if self.given(target, write) {
            return;
        }
        // Asked whether it is there, a folder is often only on the way: to something that the command was told of.
        let told: Vec<_> =
            self.seen.told.iter().filter(|told| how == How::Look && *told != target).cloned().collect();
        let mut on_the_way = false;
        for told in told.iter().filter(|told| told.starts_with(target)) {
            on_the_way = true;
            let known = (self.outside)(told).filter(|found| found.readable && found.kind != Kind::Other);
            if let Some(found) = known
                && !self.given(told, false)
            {
                self.wish(told, &found, false, times, example());
            }
        }
        if on_the_way {
            return;
        }
        let Some(found) = (self.outside)(target) else { return };
        if self.places.too_wide(target) || self.places.too_wide(&found.real) {
            // What every walk from the root comes by, to look, says nothing.
            let passed = how == How::Look && !self.places.home.starts_with(target);
            let missing = matches!(how, How::Create | How::Place);
            return match (passed, missing) {
                (true, _) => {}
                (_, true) => self.note(path, Why::Missing, times, example()),
                _ => self.note(target, Why::Wide, times, example()),
            };
        }
        self.wish(target, &found, write, times, example());
    }

    /// What is looked for below the sandbox's own home. That the person's has it says little: runtimes look for a lot there.
    fn in_its_home(&mut self, below: &Path, how: How, times: &Times) {
        let there = self.places.home.join(below);
        let example = format!("{} by {}", Path::new(HOME).join(below).display(), times.by);
        let reads = matches!(how, How::Look | How::Read);
        let has = reads
            && below.iter().next().is_some()
            && (self.outside)(&there).is_some_and(|found| found.readable);
        match self.places.secret(&there) {
            Some(place) if has => self.note(&place, Why::Secret, times, example),
            None if has && !of_a_runtime(below) && !self.places.too_wide(&there) => {
                self.note(&there, Why::AtHome, times, example);
            }
            _ => {}
        }
    }

    /// It has that already: what failed would have failed anyway.
    fn given(&self, path: &Path, write: bool) -> bool {
        let profile = &self.seen.profile;
        let reads = (!write).then_some(profile.files_read.iter().chain(&self.seen.own)).into_iter().flatten();
        profile.files_write.iter().chain(reads).any(|open| path.starts_with(open))
    }

    fn wish(&mut self, path: &Path, found: &Fact, write: bool, times: &Times, example: String) {
        if line(path, write).is_none() {
            return self.note(path, Why::Unsayable, times, example);
        }
        let folder = found.kind == Kind::Folder;
        wish(&mut self.wishes, path.to_owned(), Wish { write, folder, count: times.count, example });
    }

    fn note(&mut self, what: &Path, why: Why, times: &Times, example: String) {
        let note = self.notes.entry(what.display().to_string()).or_insert(Note { why, count: 0, example });
        note.count += times.count;
    }

    fn lines(&mut self) -> Vec<Line> {
        let places = &self.places;
        let may_share = |path: &Path| {
            let real = (self.outside)(path).map_or_else(|| path.to_owned(), |found| found.real);
            let fine = |path: &Path| !places.too_wide(path) && places.secret(path).is_none();
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
