//! A child in a sandbox: what holds around it, how it gets out, and a package that is fetched before it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_net::{Connection, Connector, Origin, Reach};
use doorward_sandbox::{
    Egress, HostPort, Launcher, Learning, Outward, Packaged, Profile, SandboxError, Seen, Started, Wanted,
    Watch, hand_over, start, start_learning,
};
use doorward_types::ServerName;

use crate::duplex::Duplex;

/// What stands around the children of one server.
#[derive(Clone)]
pub struct Walls {
    /// What they may do.
    pub profile: Profile,
    /// What starts them.
    pub launcher: Launcher,
    /// How they get out, to the hosts of the profile.
    pub connector: Connector,
    /// Where it is written down what they try and do not get; none, and nothing watches.
    pub learning: Option<Learning>,
}

/// The way out: the product's one connector, which judges addresses. A name that leads to this machine or its network is
/// not gone to: whoever owns a name says where it leads.
struct WayOut(Connector);

impl Outward for WayOut {
    type Stream = Connection;

    async fn connect(&self, to: &HostPort) -> io::Result<Connection> {
        let origin = Origin::parse(&format!("https://{to}")).map_err(io::Error::other)?;
        self.0.tunnel(&origin, Reach::Public).await.map_err(io::Error::other)
    }
}

impl Walls {
    pub(crate) fn start(&self, wanted: &Wanted) -> Result<Started, SandboxError> {
        match &self.learning {
            Some(learning) => start_learning(&self.launcher, wanted, &self.profile, learning),
            None => start(&self.launcher, wanted, &self.profile),
        }
    }

    /// Sees a child through: says what holds around it, carries its connections, and ends it where it was not started.
    pub(crate) async fn see_through(
        self: Arc<Self>,
        server: ServerName,
        mut watch: Watch,
        talk: Arc<Duplex>,
    ) {
        match watch.ready().await {
            Ok(report) => {
                for line in &report.lines {
                    let (mechanism, how) = (line.mechanism.name(), &line.how);
                    match line.enforced {
                        true => tracing::info!(%server, mechanism, how, "enforced around a child"),
                        false => tracing::warn!(%server, mechanism, how, "not enforced around a child"),
                    }
                }
            }
            Err(error) => {
                tracing::error!(%server, %error, "a child was not started");
                talk.end();
                return;
            }
        }
        let egress = watch.egress();
        let carried = carry(egress, self.connector.clone(), server.clone());
        tokio::select! {
            error = carried => tracing::error!(%server, %error, "the way out of a sandbox is shut"),
            ended = watch.ended() => tracing::info!(%server, ?ended, "a child in a sandbox ended"),
            () = talk.ended() => {
                // By the book first: the line is the leash, and letting go of it now would be a kill.
                let _ended = watch.ended().await;
            }
        }
    }
}

async fn carry(egress: Egress, connector: Connector, server: ServerName) -> io::Error {
    let seen = move |seen| match seen {
        Seen::Connected(host) => tracing::info!(%server, %host, "a child reached a host"),
        Seen::Refused { at, why } => tracing::warn!(%server, host = %at, why, "a child was kept from a host"),
        Seen::Asked(host) => tracing::info!(%server, host, "a child asked for a host; it is learned"),
    };
    match egress.carry(Arc::new(WayOut(connector)), seen).await {
        Ok(()) => io::Error::other("it ended"),
        Err(error) => error,
    }
}

/// Why a package is not there.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The command cannot be taken apart.
    #[error("{0}")]
    Command(String),
    /// The folder of packages cannot be used.
    #[error("cannot use {path}: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The fetch could not run, or failed.
    #[error("`{spec}` was not fetched: {why}")]
    Fetch {
        /// What.
        spec: String,
        /// Why not, in the runner's own words where it had any.
        why: String,
    },
}

/// Takes a package runner's command apart: fetches the package into a folder of its own, where it is not there yet, running
/// nothing of it, and makes `command` the program itself. A package that is there is the one that was fetched first: a later
/// one of the same name is not taken for it.
///
/// # Errors
/// [`PackageError`]; the command is then as it was, and must not be started.
pub async fn fetched(
    command: &mut Vec<String>,
    walls: &mut Walls,
    packages: &Path,
    server: &ServerName,
) -> Result<(), PackageError> {
    let packaged = match Packaged::of(command) {
        None => return Ok(()),
        Some(Ok(packaged)) => packaged,
        Some(Err(why)) => return Err(PackageError::Command(why)),
    };
    let folder = packages.join(packaged.folder_name());
    let failed = |cause| PackageError::Folder { path: folder.clone(), cause };
    let program = match packaged.program(&folder) {
        Ok(program) => program,
        Err(_) => {
            tracing::warn!(%server, package = packaged.spec(), "a package is fetched");
            std::fs::create_dir_all(packages).map_err(failed)?;
            // Fetched aside: what a broken fetch left is not taken for a package, and two fetches do not meet.
            let aside = packages.join(format!(".{}.{}", packaged.folder_name(), std::process::id()));
            match std::fs::remove_dir_all(&aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            std::fs::create_dir(&aside).map_err(failed)?;
            hand_over(&aside).map_err(failed)?;
            let whole = match fetch(&packaged, walls, (packages, &aside), server).await {
                Ok(()) => packaged.program(&aside).map_err(PackageError::Command),
                Err(error) => Err(error),
            };
            if let Err(error) = whole {
                let _ours = std::fs::remove_dir_all(&aside);
                return Err(error);
            }
            if let Err(error) = std::fs::rename(&aside, &folder) {
                let _ours = std::fs::remove_dir_all(&aside);
                // Another was faster: then theirs was fetched first.
                if packaged.program(&folder).is_err() {
                    return Err(failed(error));
                }
            }
            packaged.program(&folder).map_err(PackageError::Command)?
        }
    };
    walls.profile.files_read.push(folder);
    *command = program;
    Ok(())
}

async fn fetch(
    packaged: &Packaged,
    walls: &Walls,
    (packages, folder): (&Path, &Path),
    server: &ServerName,
) -> Result<(), PackageError> {
    let failed = |why: String| PackageError::Fetch { spec: packaged.spec().to_owned(), why };
    let [program, args @ ..] = packaged.registry_question();
    // Asked where no project's configuration counts: that of a hostile one would name its own registry, and what comes from
    // there would stay, for every other project too.
    let asked = tokio::process::Command::new(program).args(args).current_dir(packages).output().await;
    let asked = asked.map_err(|error| failed(format!("`{program}` does not start: {error}")))?;
    let registry = String::from_utf8_lossy(&asked.stdout).into_owned();
    let (wanted, profile) = packaged.fetch(&registry, folder).map_err(failed)?;
    // What a runner wants is nothing of the server's.
    let walls = Walls { profile, learning: None, ..walls.clone() };
    let Started { process, stdin, mut watch } =
        walls.start(&wanted).map_err(|error| failed(error.to_string()))?;
    drop(stdin);
    watch.ready().await.map_err(|error| failed(error.to_string()))?;
    let carried = carry(watch.egress(), walls.connector.clone(), server.clone());
    let output = tokio::select! {
        output = process.wait_with_output() => output.map_err(|error| failed(error.to_string()))?,
        error = carried => return Err(failed(error.to_string())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The runner says what is wrong in its first lines.
    Err(failed(said.lines().take(3).collect::<Vec<_>>().join("; ")))
}
