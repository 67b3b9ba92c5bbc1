//! Where the log is: said by a configuration, or by hand.

use std::path::PathBuf;

use clap::Args;
use doorward_audit::Reader;
use doorward_config::Config;

use crate::commands::audit::failed;
use crate::commands::serve;
use crate::failure::Failure;
use crate::table::short;

/// Where the log is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration that says where the log is; by default `doorward.toml`.
    #[arg(short, long, value_name = "FILE", conflicts_with = "dir")]
    config: Option<PathBuf>,
    /// The log's folder, instead of a configuration.
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A log's folder, and the configuration it was found by.
pub(crate) struct Found {
    pub(crate) dir: PathBuf,
    pub(crate) config: Option<Config>,
}

impl Place {
    /// Finds the log, which must have a record.
    pub(crate) fn find(&self) -> Result<Found, Failure> {
        let found = match &self.dir {
            Some(dir) => Found { dir: dir.clone(), config: None },
            None => {
                let path = self.config.clone().unwrap_or_else(|| "doorward.toml".into());
                let config = serve::load(&path).map_err(|failure| match self.config {
                    Some(_) => failure,
                    None => failure
                        .help("name the log's folder with --dir DIR, or a configuration with --config FILE"),
                })?;
                Found { dir: short(&config.audit.dir).to_owned(), config: Some(config) }
            }
        };
        found.begin()?;
        Ok(found)
    }
}

impl Found {
    /// Opens the log at its first record.
    pub(crate) fn begin(&self) -> Result<Reader, Failure> {
        let absent = |why: &str| {
            Failure::usage(format!("there is no audit log in {}{why}", self.dir.display()))
                .help("name the folder that holds audit-000001.jsonl with --dir DIR")
        };
        if !self.dir.exists() {
            return Err(absent(": the folder does not exist"));
        }
        // A first line that is no record is for `verify` to report, not a reason to find no log.
        let mut look = Reader::open(&self.dir).map_err(failed)?;
        if matches!(look.next_record(), Ok(None)) {
            return Err(absent(""));
        }
        Reader::open(&self.dir).map_err(failed)
    }
}
