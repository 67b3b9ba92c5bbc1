//! A door to measure: its folder, its configuration, and the process.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fixture::Fixture;
use super::http::{ask, free_address, is_ok};
use super::policies::{self, SERVERS};
use super::process::{MEASURED, Process};

/// A door that answers.
pub(super) struct Door {
    pub(super) process: Process,
    addr: SocketAddr,
    /// From the start of the process to the first answered call.
    pub(super) first_answer: Duration,
    folder: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        // The audit log of a bench is large and of no further use.
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

impl Door {
    /// Starts a door with so many policies and waits for the answer to its first call.
    pub(super) fn start(fixture: &Fixture, policies: usize) -> Result<Self, String> {
        Self::start_with(fixture, policies, "", "", "era = \"auto\"")
    }

    /// Starts a door that takes its server to speak one revision alone.
    pub(super) fn start_before(fixture: &Fixture, policies: usize, era: &str) -> Result<Self, String> {
        Self::start_with(fixture, policies, "", "", &format!("era = \"{era}\""))
    }

    /// Starts a door that is an authorization server too, and takes Entra's tokens beside its own.
    pub(super) fn start_signing_in(fixture: &Fixture, policies: usize) -> Result<Self, String> {
        Self::start_with(fixture, policies, ENTRA_CREDENTIAL, SIGN_IN, "era = \"auto\"")
    }

    /// Starts a door that does not read what comes back.
    pub(super) fn start_blind(fixture: &Fixture, policies: usize) -> Result<Self, String> {
        let blind =
            "flagged_results = \"pass\"\nflagged_arguments = \"pass\"\ndata = \"off\"\nspotlight = \"off\"";
        Self::start_with(fixture, policies, "", "", blind)
    }

    fn start_with(
        fixture: &Fixture,
        policies: usize,
        entra: &str,
        more: &str,
        server: &str,
    ) -> Result<Self, String> {
        let addr = free_address()?;
        let folder = fixture.folder.join(format!("door-{}", addr.port()));
        let config = folder.join("doorward.toml");
        fs::create_dir_all(folder.join("policies"))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        fixture.write(&folder.join("policies/bench.cedar"), &policies::cedar(policies))?;
        if !more.is_empty() {
            fs::create_dir_all(folder.join("keys"))
                .map_err(|error| format!("{}: {error}", folder.display()))?;
            fixture.write(&folder.join("keys/entra-secret"), "door-secret-for-the-lab")?;
            fixture.write(&folder.join("keys/machine-secret"), MACHINE_SECRET)?;
        }
        fixture.write(&config, &config_of(fixture, addr, entra, more, server))?;
        let token = fixture.token(5)?;

        let log = fixture.folder.join(format!("door-{}.log", addr.port()));
        let arguments = ["serve", "--config", &config.to_string_lossy()];
        let started = Instant::now();
        let process = Process::start(MEASURED, &fixture.program("doorward"), &arguments, &log)?;
        let mut door = Self { process, addr, first_answer: Duration::ZERO, folder };
        door.first_answer = door.first_call(&token, started).map_err(|why| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("the door did not answer a first call: {why}\n{}", said.trim())
        })?;
        Ok(door)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/echo/mcp", self.addr)
    }

    /// One access token of the door's own, for the machine that its configuration knows.
    pub(super) fn own_token(&self) -> Result<String, String> {
        let form = format!(
            "grant_type=client_credentials&client_id={MACHINE}&client_secret={MACHINE_SECRET}&resource=http%3A%2F%2F{}%2Fecho%2Fmcp",
            self.addr
        );
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let response =
            ask(self.addr, "POST", "/token", &headers, &form).map_err(|error| error.to_string())?;
        token_in(&response).ok_or_else(|| format!("the door gave no token: {response}"))
    }

    /// Calls until an answer comes; a revision without a session makes one request of it.
    fn first_call(&mut self, token: &str, started: Instant) -> Result<Duration, String> {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "echo"),
        ];
        loop {
            let answer = ask(self.addr, "POST", "/echo/mcp", &headers, FIRST_CALL);
            let elapsed = started.elapsed();
            let why = match answer {
                Ok(response) if is_ok(&response) && response.contains("first-answer") => return Ok(elapsed),
                Ok(response) => response,
                Err(error) => error.to_string(),
            };
            self.process.alive()?;
            if elapsed > PATIENCE {
                return Err(why);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

const FIRST_CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"first-answer","n":1},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// The seed's tenant and app registration of the door.
const TENANT: &str = "c0175050-0000-4000-8000-000000000001";
const CLIENT: &str = "d0012000-0000-4000-8000-0000000000d1";

const MACHINE: &str = "bench";
const MACHINE_SECRET: &str = "a-secret-of-the-bench-and-of-nothing-else";

/// What a door needs to sign people in, in `[entra]`.
const ENTRA_CREDENTIAL: &str = r#"allow_app_only = true
credential = { kind = "secret", secret_file = "keys/entra-secret" }"#;

/// And beside it. The machine has the role that the policies of the bench speak of.
const SIGN_IN: &str = r#"[sign_in]
entra_tokens = "all"
access_token = "10m"

[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"

[[client]]
id = "bench"
name = "Bench"
secret_file = "keys/machine-secret"
roles = ["Reader"]
"#;

/// The access token in an answer of `/token`.
fn token_in(response: &str) -> Option<String> {
    let (_, body) = response.split_once("\r\n\r\n").filter(|_| is_ok(response))?;
    let answer: Value = serde_json::from_str(body).ok()?;
    answer.get("access_token")?.as_str().map(str::to_owned)
}

fn config_of(fixture: &Fixture, addr: SocketAddr, entra: &str, more: &str, server: &str) -> String {
    let (authority, ca_file, upstream) = (&fixture.authority, &fixture.ca_file, fixture.upstream_origin());
    let servers = SERVERS
        .map(|name| format!("[[server]]\nname = \"{name}\"\nurl = \"{upstream}/mcp\"\n{server}\n"))
        .join("\n");
    // A folder's paths are relative to the file's own folder.
    format!(
        r#"shared_audience = true

[gateway]
listen = "{addr}"
public_url = "http://{addr}"

[limits]
sessions = 20000
sessions_per_person = 20000

[entra]
tenant = "{TENANT}"
client_id = "{CLIENT}"
required_scope = "mcp.access"
{entra}

{more}
{servers}
[policy]
dir = "policies"

[audit]
dir = "audit"
key_file = "keys/audit.key"
checkpoint_dir = "checkpoints"

[log]
level = "error"

[insecure_lab]
authority = "{authority}"
ca_file = "{ca_file}"
origins = ["{upstream}"]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_answer_holds_a_token() {
        let good = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"access_token\":\"a.b.c\",\"token_type\":\"Bearer\"}";
        assert_eq!(token_in(good).as_deref(), Some("a.b.c"));
        assert_eq!(token_in(&good.replace("200 OK", "401 Unauthorized")), None);
        assert_eq!(token_in("HTTP/1.1 200 OK\r\n\r\n{}"), None);
        assert_eq!(token_in(""), None);
    }

    #[test]
    fn the_machine_is_the_one_that_is_configured() {
        assert!(SIGN_IN.contains(&format!("id = \"{MACHINE}\"")));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        assert!(MACHINE_SECRET.bytes().all(plain), "it stands in a form as it is");
    }
}
