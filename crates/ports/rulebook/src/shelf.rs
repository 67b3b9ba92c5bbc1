//! The folder in which a door's bundles lie.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_audit::{PublicKey, replace_file};
use doorward_inspect::{Bundle, Bundles, Stage};

use crate::envelope;
use crate::error::RulebookError;
use crate::stages::{self, Placed};

/// The largest file that is read, in bytes: a bundle's 256 KiB in base64, with its signatures.
const LARGEST: u64 = 512 * 1024;

/// Signed bundles, and which of them count.
#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
    keys: Vec<PublicKey>,
}

/// What a door takes up.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The bundles, each in its stage.
    pub bundles: Bundles,
    /// The same in words, by name.
    pub placed: Vec<Placed>,
}

/// What one step has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it was.
    pub was: Option<Placed>,
    /// What it is.
    pub is: Placed,
}

impl Shelf {
    /// The bundles in `dir` that one of the `keys` has signed. The folder need not be there.
    pub fn new(dir: impl Into<PathBuf>, keys: Vec<PublicKey>) -> Self {
        Self { dir: dir.into(), keys }
    }

    /// Says what is placed, without reading the bundles.
    ///
    /// # Errors
    /// [`RulebookError::Io`] and [`RulebookError::Stages`].
    pub fn placed(&self) -> Result<Vec<Placed>, RulebookError> {
        let path = self.stages();
        match read(&path) {
            Ok(text) => stages::parse(text).map_err(|why| RulebookError::Stages { path, why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(RulebookError::io("read", path)(error)),
        }
    }

    /// Reads and verifies all that counts or stands in the shadow. It is all or nothing: half of the rules would be a door
    /// that is open where its keeper thinks it shut.
    ///
    /// # Errors
    /// The first thing that is not right, with its file.
    pub fn load(&self) -> Result<Loaded, RulebookError> {
        let placed = self.placed()?;
        let mut list = Vec::new();
        for one in &placed {
            let stages = [(Stage::Enforce, one.enforced), (Stage::Shadow, one.shadow)];
            for (stage, version) in stages {
                if let Some(version) = version {
                    list.push((stage, Arc::new(self.bundle(&one.name, version)?)));
                }
            }
        }
        Ok(Loaded { bundles: Bundles::new(list), placed })
    }

    /// Verifies a bundle and puts it into the shadow.
    ///
    /// # Errors
    /// Where it is not signed, not right, or not newer than what was here: an old bundle that is sent again would take away
    /// what was learned since. [`Self::roll_back`] is the way back.
    pub fn install(&self, envelope: &[u8]) -> Result<Step, RulebookError> {
        let (text, _) = envelope::open(envelope, &self.keys)?;
        let bundle = Bundle::read(&text).map_err(RulebookError::Bundle)?;
        let (name, version) = (bundle.name().to_owned(), bundle.version());
        self.change(&name, |was| {
            if let Some(was) = was
                && version <= was.newest
            {
                return Err(RulebookError::Old { name: name.clone(), version, known: was.newest });
            }
            // The file first: a crash between the two leaves a file that nothing names.
            replace_file(&self.path(&name, version), envelope)?;
            let was = was.cloned();
            let fresh = Placed { name: name.clone(), enforced: None, before: None, shadow: None, newest: 0 };
            Ok(Placed { shadow: Some(version), newest: version, ..was.unwrap_or(fresh) })
        })
    }

    /// Has the version in the shadow count.
    ///
    /// # Errors
    /// [`RulebookError::Nothing`] where none is, and what [`Self::load`] says of its file.
    pub fn enforce(&self, name: &str) -> Result<Step, RulebookError> {
        self.change(name, |was| {
            let was = was.ok_or_else(|| unknown(name))?;
            let nothing = || {
                RulebookError::Nothing(format!("no version of {name} is in the shadow; install one first"))
            };
            let version = was.shadow.ok_or_else(nothing)?;
            self.bundle(name, version)?;
            Ok(Placed { enforced: Some(version), before: was.enforced, shadow: None, ..was.clone() })
        })
    }

    /// Takes the last step back: what is in the shadow leaves it; without that, what counted before counts again, or nothing.
    ///
    /// # Errors
    /// [`RulebookError::Nothing`] where there is nothing to take back.
    pub fn roll_back(&self, name: &str) -> Result<Step, RulebookError> {
        self.change(name, |was| {
            let was = was.ok_or_else(|| unknown(name))?;
            if was.shadow.is_some() {
                return Ok(Placed { shadow: None, ..was.clone() });
            }
            if was.enforced.is_none() {
                return Err(RulebookError::Nothing(format!(
                    "no version of {name} counts; there is nothing to take back"
                )));
            }
            if let Some(before) = was.before {
                self.bundle(name, before)?;
            }
            Ok(Placed { enforced: was.before, before: None, ..was.clone() })
        })
    }

    fn change(
        &self,
        name: &str,
        step: impl FnOnce(Option<&Placed>) -> Result<Placed, RulebookError>,
    ) -> Result<Step, RulebookError> {
        fs::create_dir_all(&self.dir).map_err(RulebookError::io("make", &self.dir))?;
        // Two keepers at once: the second waits, and sees what the first has done.
        let lock = self.dir.join(".lock");
        let held = OpenOptions::new().create(true).truncate(false).write(true).open(&lock);
        let held: File = held.map_err(RulebookError::io("open", &lock))?;
        held.lock().map_err(RulebookError::io("lock", &lock))?;
        let mut placed = self.placed()?;
        let at = placed.iter().position(|placed| placed.name == name);
        let was = at.and_then(|at| placed.get(at).cloned());
        let is = step(was.as_ref())?;
        placed.retain(|placed| placed.name != name);
        placed.push(is.clone());
        placed.sort();
        replace_file(&self.stages(), stages::write(&placed).as_bytes())?;
        Ok(Step { was, is })
    }

    /// Reads one version. The file's name is checked against what is signed: else an older bundle under a newer name
    /// would pass for it.
    fn bundle(&self, name: &str, version: u64) -> Result<Bundle, RulebookError> {
        let path = self.path(name, version);
        let envelope = read(&path).map_err(RulebookError::io("read", &path))?;
        let opened = envelope::open(&envelope, &self.keys)
            .and_then(|(text, _)| Bundle::read(&text).map_err(RulebookError::Bundle));
        let bundle = opened.map_err(RulebookError::at(&path))?;
        if (bundle.name(), bundle.version()) != (name, version) {
            let found = format!("{}@{}", bundle.name(), bundle.version());
            return Err(RulebookError::Other { path, found });
        }
        Ok(bundle)
    }

    fn path(&self, name: &str, version: u64) -> PathBuf {
        self.dir.join(format!("{name}-{version}.json"))
    }

    fn stages(&self) -> PathBuf {
        self.dir.join("stages.json")
    }
}

fn unknown(name: &str) -> RulebookError {
    RulebookError::Nothing(format!("there is no bundle called {name}; `doorward rules list` names them"))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut content)?;
    Ok(content)
}
