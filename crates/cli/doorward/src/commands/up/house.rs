//! The house that `up` builds: emulator, sample server and door, with everything they need in one folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doorward_emulator::{Clock, Emulator, MintRequest, Options, Seed};
use doorward_gateway::Running;
use doorward_servers::sample::{self, Profile};

use crate::commands::lab::failed;
use crate::commands::serve;
use crate::failure::Failure;

/// The policies that a fresh folder begins with.
const POLICIES: &str = include_str!("starter.cedar");

/// Everything that runs.
pub(crate) struct House {
    pub(crate) emulator: doorward_emulator::Running,
    pub(crate) server: doorward_servers::Running,
    pub(crate) door: Running,
    pub(crate) data: PathBuf,
}

impl House {
    /// Builds and starts everything.
    pub(crate) async fn build(data: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        let folder = |name: &str| data.join(name);
        for path in [data.to_owned(), folder("policies"), folder("keys")] {
            std::fs::create_dir_all(&path).map_err(|error| {
                Failure::new(format!("cannot make the folder {}: {error}", path.display()))
                    .help("name a folder that can be written with --data DIR")
            })?;
        }
        let policies = folder("policies").join("starter.cedar");
        if !policies.exists() {
            write(&policies, POLICIES)?;
        }
        let seed = Seed::contoso().map_err(failed)?;
        let profiles = seed.users.iter().zip(1..).map(|(user, bed)| Profile {
            user_id: user.id.clone(),
            name: user.display_name.clone(),
            role: "member".to_owned(),
            bed,
        });
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = sample::Options { listen: loopback, profiles: profiles.collect(), transcript: false };
        let server = sample::start_with(options)
            .await
            .map_err(|error| Failure::new(format!("the sample server: {error}")))?;
        let config_data = Some(folder("lab"));
        let options = Options { seed, listen: loopback, data_dir: config_data, clock: Clock::system() };
        let emulator = Emulator::start(options).await.map_err(failed)?;

        let address = free_port(listen)?;
        let text = config_text(data, address, &emulator, &server.url())?;
        let path = folder("doorward.toml");
        write(&path, &text)?;
        let config = serve::load(&path)?;
        let door = serve::open(config).await.map_err(|failure| {
            failure.help("the port may be taken: choose another with --listen 127.0.0.1:0")
        })?;
        Ok(Self { emulator, server, door, data: data.to_owned() })
    }

    /// Returns where clients call.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/library/mcp", self.door.address)
    }

    /// Returns the address of the door.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.door.address)
    }

    /// Gets a token for a person.
    pub(crate) fn token(&self, name: &str) -> Result<String, Failure> {
        self.emulator.control().mint(&MintRequest::user(name)).map_err(failed)
    }

    /// Closes everything, the door first.
    pub(crate) async fn stop(self) {
        self.door.stop().await;
        self.emulator.stop().await;
    }
}

/// The public URL names the port, so it must be known before the door is built: the port is tried, and taken again.
fn free_port(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    let taken = |error: std::io::Error| {
        Failure::new(format!("cannot listen on {listen}: {error}"))
            .help("another program may listen there: choose any free port with --listen 127.0.0.1:0")
    };
    let tried = std::net::TcpListener::bind(listen).map_err(taken)?;
    tried.local_addr().map_err(taken)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

fn config_text(
    data: &Path,
    address: SocketAddr,
    emulator: &doorward_emulator::Running,
    server: &str,
) -> Result<String, Failure> {
    let seed = Seed::contoso().map_err(failed)?;
    let tenant = seed.tenants.first().map(|tenant| tenant.id.as_str()).unwrap_or_default();
    let door = seed.apps.iter().find(|app| app.name == "door");
    let door = door.ok_or_else(|| Failure::new("the seed has no application named door"))?;
    let secret = data.join("keys").join("entra-secret");
    let value = door.secrets.first().map(|secret| secret.value.as_str()).unwrap_or_default();
    write_private(&secret, value)?;
    let origin = server.strip_suffix("/mcp").unwrap_or(server);
    let (authority, graph, client) = (&emulator.authority, &emulator.graph, &door.id);
    Ok(format!(
        r#"# Written by `doorward up`. A lab: its tokens come from an emulator.

[gateway]
listen = "{address}"
public_url = "http://{address}"

[entra]
tenant = "{tenant}"
client_id = "{client}"
required_scope = "mcp.access"
# Good enough for a lab. For a door that matters see docs/sign-in.md: a managed identity needs no secret.
credential = {{ kind = "secret", secret_file = "keys/entra-secret" }}

# Clients sign people in at the door, and the door signs them in with Entra.
[sign_in]
registration = "on"
# For the tokens that `doorward lab token` prints.
entra_tokens = "all"
scopes = {{ "mcp.access" = "Search and read the library as you, and change what your role may change" }}

[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"

[policy]
dir = "policies"

[audit]
dir = "audit"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"

[insecure_lab]
authority = "{authority}"
graph = "{graph}"
ca_file = "lab/ca.pem"
origins = ["{origin}"]

[[server]]
name = "library"
url = "{server}"
"#
    ))
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}
