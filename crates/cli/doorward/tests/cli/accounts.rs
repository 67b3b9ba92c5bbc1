//! Signing in on this machine, by the command itself, against the emulator.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use doorward_emulator::{Clock, Control, Emulator, Options, Running, Seed};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Run, command, finished, lab_keys, write};

/// An emulator under the real clock, and a person's folder.
struct House {
    emulator: Running,
    folder: TempDir,
    _lab: TempDir,
}

const CONFIG: &str = r#"
[guard]
tenant = "{tenant}"
client_id = "{client}"
cache = "insecure-file"
cache_dir = "tokens"
broker = false

[insecure_lab]
authority = "{authority}"
ca_file = "lab.pem"
"#;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

impl House {
    fn new(changes: &[(&str, &str)]) -> Self {
        let lab = tempfile::tempdir().unwrap();
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: Some(lab.path().to_owned()),
            clock: Clock::system(),
        };
        let emulator = runtime().block_on(Emulator::start_sharing(&lab_keys(), options)).unwrap();
        // A real process waits for as long as it is told to.
        emulator.control().set_poll_interval(Duration::from_secs(1));
        let folder = tempfile::tempdir().unwrap();
        let mut config = CONFIG.replace("{authority}", &emulator.authority);
        for (from, to) in changes {
            config = config.replace(from, to);
        }
        let config = config
            .replace("{tenant}", "c0175050-0000-4000-8000-000000000001")
            .replace("{client}", "90a2d000-0000-4000-8000-0000000000c7");
        write(folder.path(), "doorward.toml", &config);
        write(folder.path(), "lab.pem", &emulator.ca_pem);
        Self { emulator, folder, _lab: lab }
    }

    fn control(&self) -> &Control {
        self.emulator.control()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.current_dir(self.folder.path()).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        finished(self.command(args).output().unwrap())
    }

    /// Starts a sign-in on another device.
    fn begin(&self, args: &[&str]) -> Waiting {
        let mut command = self.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut err = String::new();
        let code = loop {
            let mut line = String::new();
            assert!(told.read_line(&mut line).unwrap() > 0, "it ended: {err}");
            err.push_str(&line);
            if let Some((_, code)) = line.split_once("enter the code ") {
                break code.trim().to_owned();
            }
        };
        Waiting { child, told, err, code }
    }

    fn sign_in(&self, who: &str, args: &[&str]) -> Run {
        let waiting = self.begin(args);
        self.control().approve_device(&waiting.code, who).unwrap();
        waiting.end()
    }

    fn token_requests(&self) -> usize {
        let seen = self.control().transcript();
        self.control().clear_transcript();
        // Polls for a device code are many; grants are counted.
        seen.iter()
            .filter(|entry| entry.path.ends_with("/token") && entry.body.contains("refresh_token="))
            .count()
    }
}

/// A command that waits for its person.
struct Waiting {
    child: Child,
    told: BufReader<std::process::ChildStderr>,
    err: String,
    code: String,
}

impl Waiting {
    fn end(mut self) -> Run {
        self.told.read_to_string(&mut self.err).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: self.err,
        }
    }
}

// control: LOC-07: with a sign-in configured the guard starts nothing for nobody, and for somebody what the policies let them
#[test]
fn the_guard_works_for_who_signed_in() {
    let house = House::new(&[]);
    let server =
        ["guard", "--config", "doorward.toml", "--name", "sh", "--state", "state", "--", "/bin/sh", "-c"];
    let guard = |house: &House| {
        let mut command = house.command(&server);
        // In the sandbox, which stands beside a process that keeps its memory to itself.
        command.arg(crate::wrap::SERVER);
        command
    };
    finished(guard(&house).stdin(Stdio::null()).output().unwrap())
        .ends(1)
        .says("a sign-in is needed: nobody is signed in", "doorward login");
    house.sign_in("alice", &["login", "--device"]).ends(0);
    let alice =
        house.run(&["--json", "whoami"]).ends(0).json()["account"]["object"].as_str().unwrap().to_owned();
    let policy = |object: &str| {
        let text = format!("permit (principal, action, resource) when {{ principal.oid == \"{object}\" }};");
        write(house.folder.path(), "policies/own.cedar", &text);
    };
    policy(&alice);
    let said = crate::wrap::client::converse(guard(&house));
    assert!(said["result"]["content"].is_array(), "{said}");
    policy("00000000-0000-4000-8000-000000000001");
    let refused = finished(guard(&house).stdin(Stdio::null()).output().unwrap()).ends(1);
    refused.says("the policies let nobody here use `sh`", "connect");
    assert!(refused.out.is_empty(), "standard output carries MCP alone: {}", refused.out);
}

// control: LOC-08: a person signs in, is listed, and signs out, and nothing of them is left
#[test]
fn a_person_signs_in_and_out() {
    let house = House::new(&[]);
    house.run(&["whoami"]).ends(1).says("a sign-in is needed: nobody is signed in", "doorward login");
    house.run(&["accounts"]).ends(0);
    house.run(&["logout"]).ends(1).says("nobody is signed in", "doorward login");

    let signed = house.sign_in("alice", &["login", "--device"]).ends(0);
    assert_eq!(signed.out, "signed in: alice@contoso.onmicrosoft.com Alice Archer\n");
    let again = house.run(&["--json", "login", "--device"]).ends(0).json();
    assert_eq!((&again["asked"], &again["account"]["name"]), (&false.into(), &"Alice Archer".into()));

    let signed = house.sign_in("bob", &["login", "--device", "--another"]).ends(0);
    assert!(signed.out.contains("Bob Baker"));
    assert_eq!(house.run(&["--json", "accounts"]).ends(0).json().as_array().unwrap().len(), 2);
    house.run(&["whoami"]).ends(1).says("2 people are signed in", "--account");
    let who = house.run(&["--json", "whoami", "--account", "bob@contoso.onmicrosoft.com"]).ends(0).json();
    assert_eq!((&who["from"], &who["account"]["name"]), (&"cache".into(), &"Bob Baker".into()));
    house.run(&["logout", "--account", "alice@contoso.onmicrosoft.com"]).ends(0);
    assert!(house.run(&["whoami"]).ends(0).out.contains("Bob Baker"));
    house.run(&["logout"]).ends(0);
    house.run(&["whoami"]).ends(1);
}

// control: LOC-07: who is on no list of the machine is told so, and stays out
#[test]
fn who_is_not_listed_stays_out() {
    let house = House::new(&[(
        "broker = false",
        "broker = false\nallowed_people = [\"b0b00000-0000-4000-8000-000000000002\"]",
    )]);
    let refused = house.sign_in("alice", &["login", "--device"]).ends(1);
    refused.says("may not use the servers of this machine", "guard.allowed_people");
    house.run(&["whoami"]).ends(1);
    house.sign_in("bob", &["login", "--device"]).ends(0);
    house.run(&["whoami"]).ends(0);
}

#[test]
fn what_is_wrong_with_entra_is_explained() {
    // The door's registration is a confidential client's; the made-up one is in no tenant.
    for (client, code) in [
        ("d0012000-0000-4000-8000-0000000000d1", "AADSTS7000218"),
        ("99999999-0000-4000-8000-000000000000", "AADSTS700016"),
    ] {
        let house = House::new(&[("{client}", client)]);
        let run = house.run(&["login", "--device"]).ends(1);
        assert!(run.err.contains(code), "{}", run.err);
    }
    let checked = House::new(&[]).run(&["--json", "config", "check"]).ends(0).json();
    assert_eq!((&checked["valid"], &checked["guard"]["cache"]), (&true.into(), &"insecure-file".into()));
    let house = House::new(&[("cache = \"insecure-file\"", "")]);
    house.run(&["login", "--device"]).ends(1).says("no keychain answers", "passphrase-file");
    let house = House::new(&[("tenant = \"{tenant}\"", "")]);
    house.run(&["login"]).ends(2).says("tenant", "docs/configuration.md");
}

// control: IDC-10: fifty processes at once make one token request, and one of them asks the person
#[test]
fn fifty_processes_ask_once() {
    let house = House::new(&[]);
    let short = Some(Duration::from_secs(200));
    house.control().set_token_lifetime(short);
    house.sign_in("alice", &["login", "--device"]).ends(0);
    house.control().set_token_lifetime(None);
    house.token_requests();

    let fifty = |args: &[&str]| -> Vec<Child> {
        let start = |_| house.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        (0..50).map(start).collect()
    };
    let ended = |children: Vec<Child>| -> Vec<Run> {
        children.into_iter().map(|child| finished(child.wait_with_output().unwrap()).ends(0)).collect()
    };
    let runs = ended(fifty(&["--json", "whoami"]));
    let from = |runs: &[Run], what: &str| runs.iter().filter(|run| run.json()["from"] == what).count();
    assert_eq!((from(&runs, "refresh"), from(&runs, "cache")), (1, 49));
    assert_eq!(house.token_requests(), 1);

    // Entra has ended the sign-in while no token is good any more.
    house.control().set_token_lifetime(short);
    house.sign_in("alice", &["login", "--device", "--another"]).ends(0);
    house.control().revoke_user("alice").unwrap();
    house.control().set_token_lifetime(None);
    house.token_requests();
    let first = house.begin(&["--json", "login", "--device"]);
    let others = fifty(&["--json", "login", "--device"]);
    house.control().approve_device(&first.code, "alice").unwrap();
    assert_eq!(first.end().ends(0).json()["asked"], true);
    let asked = ended(others).iter().filter(|run| run.json()["asked"] == true).count();
    assert_eq!((asked, house.token_requests()), (0, 1), "and the dead refresh token was tried once");
    let codes = house.control().transcript();
    assert!(!codes.iter().any(|entry| entry.path.ends_with("/devicecode")), "nobody else asked for a code");
}

// control: LOC-09: no token, refresh token or device code stands in an argument, the environment, what is printed, or any file
#[test]
fn no_secret_is_anywhere_to_be_read() {
    let house = House::new(&[]);
    house.control().set_token_lifetime(Some(Duration::from_secs(200)));
    let waiting = house.begin(&["login", "--device"]);
    let of = |name: &str| std::fs::read(format!("/proc/{}/{name}", waiting.child.id())).unwrap();
    let mut seen = vec![("its arguments", of("cmdline")), ("its environment", of("environ"))];
    let limits = String::from_utf8(of("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    house.control().approve_device(&waiting.code, "alice").unwrap();
    let signed = waiting.end().ends(0);
    // A refresh, so that the transcript has the refresh token too.
    let who = house.run(&["whoami"]).ends(0);
    for run in [&signed, &who] {
        seen.push(("what is printed", format!("{}{}", run.out, run.err).into_bytes()));
    }
    let mut folders = vec![house.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                seen.push(("a file", std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut canaries: Vec<String> = Vec::new();
    for entry in house.control().transcript() {
        for name in ["refresh_token=", "device_code="] {
            let value = entry.body.split('&').find_map(|pair| pair.strip_prefix(name));
            canaries.extend(value.map(str::to_owned));
        }
    }
    canaries.sort();
    canaries.dedup();
    assert!(canaries.len() >= 2, "{}", canaries.len());
    // Every access and ID token begins so.
    canaries.push("eyJ".into());
    for (what, bytes) in &seen {
        for canary in &canaries {
            let found = bytes.windows(canary.len()).any(|at| at == canary.as_bytes());
            assert!(!found, "{what} holds a secret");
        }
    }
    assert!(seen.iter().filter(|(what, _)| *what == "a file").count() >= 3);
}

// control: LOC-09: what opens the browser is given an address that leads to Entra once, and nothing of the sign-in
#[test]
fn the_browser_is_opened_with_nothing_that_is_worth_reading() {
    let house = House::new(&[]);
    let opened = house.folder.path().join("opened");
    let script =
        format!("#!/bin/sh\nprintf '%s' \"$*\" > '{0}.part' && mv '{0}.part' '{0}'\n", opened.display());
    let opener = write(house.folder.path(), "bin/xdg-open", &script);
    std::fs::set_permissions(&opener, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut command = house.command(&["login"]);
    let path = format!("{}:{}", opener.parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.env("DISPLAY", ":99").env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !opened.exists() {
        assert!(std::time::Instant::now() < deadline, "nothing was opened");
        std::thread::yield_now();
    }
    let address = std::fs::read_to_string(&opened).unwrap();
    let (origin, path) = address.split_at(address.rfind('/').unwrap());
    let port = origin.strip_prefix("http://localhost:").unwrap();
    assert!(port.parse::<u16>().is_ok() && path.len() == 44, "{address}");

    let get = |path: &str| {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let location = |answer: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix("location: "));
        line.unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let entra = location(&get(path));
    let state = entra.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();
    assert!(!address.contains(state));
    get(&format!("/?error=access_denied&error_description=AADSTS65004&state={state}"));
    assert!(get("/done").contains("you may close this page"));
    let run = finished(child.wait_with_output().unwrap()).ends(1);
    assert!(run.err.contains("AADSTS65004"), "{}", run.err);
}
