//! What there is, and which of it a person means.

use doorward_pins::{Definition, Drift, Kind, Pin, Stand, judge};
use doorward_types::{ServerName, Timestamp};

use crate::board::{Pinboard, Waiting};
use crate::error::PinboardError;

/// What a person means.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// At which server, where several have such a name.
    pub server: Option<ServerName>,
    /// What kind of thing, where a server has several of that name.
    pub kind: Option<Kind>,
    /// Its name; for what a server says of itself, the server's.
    pub name: String,
    /// The beginning of the hash of what is meant, where several wait under one name.
    pub hash: Option<String>,
}

impl Which {
    fn fits(&self, server: &ServerName, kind: Kind, name: &str) -> bool {
        let is_named = match kind {
            Kind::Server => self.name == server.as_str(),
            _ => self.name == name,
        };
        is_named
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.server.as_ref().is_none_or(|wanted| wanted == server)
    }

    pub(crate) fn is_hash(&self, hash: &str) -> bool {
        let bare = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_owned();
        self.hash.as_ref().is_none_or(|wanted| bare(hash).starts_with(&bare(wanted)))
    }
}

/// One name at one server.
pub(crate) struct Found {
    pub(crate) server: ServerName,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// The one that is meant.
    pub(crate) waiting: Option<Waiting>,
    /// One that was pinned or refused before, where it is named by its hash.
    pub(crate) named: Option<Definition>,
    /// All under that name.
    pub(crate) all_waiting: Vec<Waiting>,
}

/// One thing in a list for a person.
#[derive(Debug, Clone)]
pub struct Listed {
    /// At which server.
    pub server: ServerName,
    /// What kind of thing.
    pub kind: Kind,
    /// Its name; nothing for what a server says of itself.
    pub name: String,
    /// What is pinned, and where it stands.
    pub pin: Option<(Pin, Stand)>,
    /// What waits under that name, the newest first.
    pub waiting: Vec<Waiting>,
}

/// What is pinned beside what waits, or beside what was pinned before.
#[derive(Debug, Clone)]
pub struct Compared {
    /// At which server.
    pub server: ServerName,
    /// What kind of thing.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What is pinned.
    pub pin: Option<Pin>,
    /// What waits.
    pub waiting: Option<Waiting>,
    /// What was agreed to before; none for a name that is new.
    pub old: Option<Definition>,
    /// What it would be.
    pub new: Definition,
    /// What that amounts to.
    pub drift: Drift,
}

/// # Errors
/// All of these return [`PinboardError`].
impl Pinboard {
    /// Lists what is pinned and what waits, by server, kind and name.
    pub async fn list(
        &self,
        server: Option<&ServerName>,
        now: Timestamp,
    ) -> Result<Vec<Listed>, PinboardError> {
        let servers = match server {
            Some(server) => vec![server.clone()],
            None => self.servers(now).await?,
        };
        let mut all = Vec::new();
        for server in servers {
            let mut listed: Vec<Listed> = Vec::new();
            for pin in self.read(&server, now).await?.pins {
                listed.push(Listed {
                    server: server.clone(),
                    kind: pin.kind(),
                    name: pin.name().to_owned(),
                    pin: Some((pin.clone(), pin.stand(now))),
                    waiting: Vec::new(),
                });
            }
            for waiting in self.waiting(&server, now).await? {
                let (kind, name) = (waiting.definition.kind(), waiting.definition.name().to_owned());
                match listed.iter_mut().find(|one| one.kind == kind && one.name == name) {
                    Some(one) => one.waiting.push(waiting),
                    None => listed.push(Listed {
                        server: server.clone(),
                        kind,
                        name,
                        pin: None,
                        waiting: vec![waiting],
                    }),
                }
            }
            listed.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
            all.append(&mut listed);
        }
        Ok(all)
    }

    /// Lays what waits beside what is pinned; where nothing waits, what is pinned beside what was pinned before.
    pub async fn diff(&self, which: &Which, now: Timestamp) -> Result<Compared, PinboardError> {
        let found = self.find(which, now).await?;
        let kept = self.read(&found.server, now).await?;
        let pin = kept.pin(found.kind, &found.name).cloned();
        let pinned = pin.as_ref().map(|pin| pin.current().definition.clone());
        let earlier = pin.as_ref().and_then(|pin| pin.earlier().first());
        let (old, new) = match (&found.waiting, pinned) {
            (Some(waiting), pinned) => (pinned, waiting.definition.clone()),
            (None, Some(pinned)) => (earlier.map(|version| version.definition.clone()), pinned),
            (None, None) => return Err(PinboardError::Nothing(found.name)),
        };
        let drift = old.as_ref().map_or(Drift::Same, |old| judge(old, &new));
        let Found { server, kind, name, waiting, .. } = found;
        Ok(Compared { server, kind, name, pin, waiting, old, new, drift })
    }

    /// Finds the one thing that is meant, and what waits under its name.
    pub(crate) async fn find(&self, which: &Which, now: Timestamp) -> Result<Found, PinboardError> {
        let listed = self.one(which, now).await?;
        let mut meant: Vec<&Waiting> = listed
            .waiting
            .iter()
            .filter(|waiting| which.is_hash(&waiting.definition.hash().to_string()))
            .collect();
        let pin = listed.pin.as_ref().map(|(pin, _)| pin).filter(|_| which.hash.is_some());
        let versions = pin
            .into_iter()
            .flat_map(|pin| std::iter::once(pin.current()).chain(pin.earlier()).chain(pin.rejected()));
        let mut versions = versions.map(|version| &version.definition);
        let named = versions.find(|definition| which.is_hash(&definition.hash().to_string())).cloned();
        if which.hash.is_some() && meant.is_empty() && named.is_none() {
            let hash = which.hash.clone().unwrap_or_default();
            return Err(PinboardError::Nothing(format!("{} {hash}", which.name)));
        }
        let waiting = meant.pop().cloned();
        if !meant.is_empty() {
            let of = listed.waiting.iter().map(|waiting| waiting.definition.hash().to_string()).collect();
            return Err(PinboardError::Several { name: which.name.clone(), of });
        }
        let Listed { server, kind, name, waiting: all_waiting, .. } = listed;
        Ok(Found { server, kind, name, waiting, named, all_waiting })
    }

    /// Finds the one thing that is meant, whatever waits.
    pub(crate) async fn find_pinned(&self, which: &Which, now: Timestamp) -> Result<Found, PinboardError> {
        let Listed { server, kind, name, .. } = self.one(which, now).await?;
        Ok(Found { server, kind, name, waiting: None, named: None, all_waiting: Vec::new() })
    }

    async fn one(&self, which: &Which, now: Timestamp) -> Result<Listed, PinboardError> {
        let all = self.list(which.server.as_ref(), now).await?;
        let mut found = all.into_iter().filter(|one| which.fits(&one.server, one.kind, &one.name));
        let one = found.next().ok_or_else(|| PinboardError::Nothing(which.name.clone()))?;
        let mut others = found.peekable();
        if others.peek().is_none() {
            return Ok(one);
        }
        let of = std::iter::once(&one).cloned().chain(others);
        let of = of.map(|one| format!("the {} at `{}`", one.kind.name(), one.server)).collect();
        Err(PinboardError::Several { name: which.name.clone(), of })
    }
}
