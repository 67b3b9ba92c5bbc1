//! A session bus of a test's own, and a keychain on it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use tempfile::TempDir;
use zbus::{Connection, MatchRule, MessageStream};

/// Foreign processes are waited for this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A bus, ended with what runs on it when it is dropped.
pub(crate) struct Bus {
    pub(crate) address: String,
    pub(crate) folder: TempDir,
    children: Vec<Child>,
}

impl Bus {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        // Nothing is started by being asked for, as this machine's own configuration would have it.
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen><policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        let file = folder.path().join("bus.conf");
        std::fs::write(&file, config).unwrap();
        let mut daemon = started(
            Command::new("dbus-daemon")
                .arg(format!("--config-file={}", file.display()))
                .args(["--nofork", "--nopidfile", "--print-address=1"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "{address}");
        Self { address: address.trim().to_owned(), folder, children: vec![daemon] }
    }

    /// Starts gnome-keyring with an unlocked keyring.
    pub(crate) async fn keyring(&mut self) {
        let home = self.folder.path().to_owned();
        let appears = self.waits_for("org.freedesktop.secrets").await;
        let mut keyring = started(
            Command::new("gnome-keyring-daemon")
                .args(["--foreground", "--unlock", "--components=secrets"])
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .env("HOME", &home)
                .env("XDG_RUNTIME_DIR", &home)
                .env("XDG_DATA_HOME", home.join("data"))
                .env_remove("DISPLAY")
                .env_remove("WAYLAND_DISPLAY")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        keyring.stdin.take().unwrap().write_all(b"a password of the test").unwrap();
        self.children.push(keyring);
        appears.await;
    }

    pub(crate) async fn connect(&self) -> Connection {
        zbus::connection::Builder::address(self.address.as_str()).build().await.unwrap()
    }

    /// Returns what ends when somebody takes this name on the bus.
    async fn waits_for(&self, name: &'static str) -> impl Future<Output = ()> + use<> {
        let bus = self.connect().await;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .add_arg(name)
            .build()
            .unwrap();
        let mut signals = MessageStream::for_match_rule(rule, &bus, None).await.unwrap();
        async move {
            tokio::time::timeout(DEADLINE, signals.next()).await.unwrap_or_else(|_| panic!("no {name}"));
            drop(bus);
        }
    }

    /// Returns what the keychain's files hold.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }
}

fn started(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        panic!("{program}: {error}; install what the tests need: apt-get install -y dbus gnome-keyring")
    })
}
