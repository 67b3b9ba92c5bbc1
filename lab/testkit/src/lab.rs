//! An emulator in this process, and the folder that a door lives in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doorward_emulator::{Clock, Emulator, MintRequest, Options, Running, Seed};
use tempfile::TempDir;

/// An emulated Entra and Graph, and a folder for one door at a time. Dropping it stops the one and deletes the other.
///
/// The folder outlives the doors opened in it: a second door finds the audit log and the keys of the first.
pub struct Lab {
    /// The emulator; its control interface mints tokens, arms faults and moves its clock.
    pub emulator: Running,
    folder: TempDir,
}

impl Lab {
    /// Starts the emulator with the seed that `doorward lab` has.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::with(Seed::contoso().expect("the built-in seed is valid")).await
    }

    /// Starts the emulator with people, groups and applications of the test's own.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn with(seed: Seed) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let options = Options {
            seed,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::system(),
        };
        let emulator = Emulator::start(options).await.expect("the emulator starts");
        Self { emulator, folder }
    }

    /// The folder that doors live in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.folder().join("audit")
    }

    /// A person's access token for the door, got by VS Code.
    ///
    /// # Panics
    /// If the seed has nobody of that name.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        self.mint(&MintRequest::user(user))
    }

    /// A token to order.
    ///
    /// # Panics
    /// If the request names what the seed does not have.
    #[must_use]
    pub fn mint(&self, request: &MintRequest) -> String {
        self.emulator.control().mint(request).expect("the seed has what the token names")
    }
}
