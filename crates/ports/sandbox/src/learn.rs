//! What a command tried and did not get, written down while it runs, and the lines that would give it afterwards.
//!
//! Nothing is granted by it. What comes from inside is bounded and shown; what lies outside is looked at only when
//! somebody asks for the lines, so that a command learns nothing of it by trying.

mod fold;
mod outside;
mod places;
mod propose;
pub mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::confine::Wanted;
use crate::plan::{Attempt, How, Tried};
use crate::profile::Profile;
pub use propose::{Line, Proposal};

/// What the commands of one server tried. Its clones are the same book.
#[derive(Clone, Debug, Default)]
pub struct Learning(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    seen: Mutex<Seen>,
    /// Held by each sandbox that is written down.
    open: watch::Sender<()>,
}

/// Different attempts that are written down; a command that asks for more has them counted.
const MOST_TRIED: usize = 4_096;
/// Names, each with an address of its own.
const MOST_NAMES: usize = 1_024;

/// How often something was tried, and by what first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Times {
    count: u64,
    by: String,
}

#[derive(Debug, Default)]
struct Seen {
    paths: BTreeMap<(PathBuf, How), Times>,
    dialled: BTreeMap<SocketAddrV4, Times>,
    names: BTreeMap<String, (Ipv4Addr, u64)>,
    signals: BTreeSet<i32>,
    unwritten: u64,
    /// What the commands may do already, what their own folders are, and the paths that they were told of.
    profile: Profile,
    own: BTreeSet<PathBuf>,
    told: BTreeSet<PathBuf>,
}

impl Learning {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sandbox begins; what it gives back is held for as long as something may come.
    pub(crate) fn begins(&self, wanted: &Wanted, profile: &Profile, own: &[PathBuf]) -> watch::Receiver<()> {
        let mut seen = self.seen();
        seen.profile = profile.clone();
        seen.own.extend(own.iter().cloned());
        // `--root=/srv` tells of a path too.
        let words = wanted.command.iter().skip(1).chain(wanted.env.iter().map(|(_, value)| value));
        let paths =
            words.flat_map(|word| [Some(word.as_str()), word.split_once('=').map(|(_, value)| value)]);
        let paths = paths.flatten().map(Path::new).filter(|path| path.is_absolute());
        seen.told.extend(paths.map(|path| path.components().collect()));
        self.0.open.subscribe()
    }

    /// Waits until no sandbox has anything more to say.
    pub async fn settled(&self) {
        self.0.open.closed().await;
    }

    /// Writes one attempt down.
    pub(crate) fn tried(&self, attempt: Attempt) {
        let Attempt { what, by } = attempt;
        let mut seen = self.seen();
        let full = seen.paths.len() + seen.dialled.len() >= MOST_TRIED;
        let new = Times { count: 0, by: by.clone() };
        let times = match &what {
            Tried::Path(path, how) => {
                let key = (PathBuf::from(path), *how);
                let room = !full || seen.paths.contains_key(&key);
                room.then(|| seen.paths.entry(key).or_insert(new))
            }
            Tried::Dial(to) => {
                let room = !full || seen.dialled.contains_key(to);
                room.then(|| seen.dialled.entry(*to).or_insert(new))
            }
            Tried::Signal(signal) => {
                seen.signals.insert(*signal);
                return;
            }
        };
        match times {
            Some(times) => {
                times.count += 1;
                if times.count == 1 {
                    tracing::info!(?what, by, "a child tried what it may not have; it is learned");
                }
            }
            None => seen.unwritten += 1,
        }
    }

    /// Writes down that a name was asked for, and gives the address that stands for it; with it comes whether it is new.
    /// None for a name that the profile has: it resolves by the hosts file alone, as without learning.
    pub(crate) fn asked(&self, name: &str) -> Option<(Ipv4Addr, bool)> {
        let mut seen = self.seen();
        if seen.profile.net.iter().any(|host| host.host == name) {
            return None;
        }
        let known = seen.names.len();
        if known >= MOST_NAMES && !seen.names.contains_key(name) {
            seen.unwritten += 1;
            return None;
        }
        let [third, fourth] = u16::try_from(known + 2).unwrap_or(u16::MAX).to_be_bytes();
        let fresh = (Ipv4Addr::new(127, 78, third, fourth), 0);
        let (address, count) = seen.names.entry(name.to_owned()).or_insert(fresh);
        *count += 1;
        Some((*address, *count == 1))
    }

    /// The lines that would have given what was tried, as far as a profile should. `home` is the person's; nothing of
    /// `private` is ever proposed. It looks at files, as the one that commands run as.
    #[must_use]
    pub fn propose(&self, home: &Path, private: &[PathBuf]) -> Proposal {
        let seen = self.seen();
        outside::as_commands(|| propose::propose(&seen, home, private, &outside::fact))
    }
}
