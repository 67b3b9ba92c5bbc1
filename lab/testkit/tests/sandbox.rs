//! A server that steals and breaks out, bare and sandboxed: what it can do bare it cannot do sandboxed.
//!
//! It runs as an unprivileged user either way, in a house prepared for it, with a person's files, sockets and processes
//! that all hold a canary. Preparing the house takes root.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]
#![cfg(target_arch = "x86_64")]

#[path = "sandbox/egress.rs"]
mod egress;
#[path = "sandbox/learned.rs"]
mod learned;
#[path = "sandbox/model.rs"]
mod model;
#[path = "sandbox/packages.rs"]
mod packages;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_sandbox::{Ending, Launcher, Learning, Profile, Started, Wanted, start, start_learning};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// Who the person is, in number; no program of a system runs as this one.
const PERSON: u32 = 64_001;
/// Somebody else.
const OTHER: u32 = 64_002;
const PYTHON: &str = "/usr/bin/python3";
const CANARY: &str = "canary-5d1f7c1e";
const DEADLINE: Duration = Duration::from_secs(120);

/// The house: a folder, the person's processes, and where everything is.
struct House {
    folder: tempfile::TempDir,
    facts: Value,
    process: std::process::Child,
    _descriptor: fs::File,
}

impl House {
    fn build() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "the suite `sandbox` prepares files of several users: run it as root"
        );
        let folder = tempfile::Builder::new().prefix("house").tempdir().unwrap();
        let root = folder.path();
        let own = |path: &Path, mode| {
            chown(path, Some(PERSON), Some(PERSON)).unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        fs::set_permissions(root, Permissions::from_mode(0o755)).unwrap();
        for name in ["home", "home/.ssh", "server", "shared", "scratch"] {
            fs::create_dir(root.join(name)).unwrap();
            own(&root.join(name), if name == "home/.ssh" { 0o700 } else { 0o755 });
        }
        let file = |name: &str, text: &str, mode| {
            fs::write(root.join(name), text).unwrap();
            own(&root.join(name), mode);
            root.join(name).to_str().unwrap().to_owned()
        };
        let key = file("home/.ssh/id_ed25519", CANARY, 0o600);
        let config = file("home/doorward.toml", "", 0o600);
        let other = file("other", CANARY, 0o644);
        chown(&other, Some(OTHER), Some(OTHER)).unwrap();
        let tmp_file = file("tmp", CANARY, 0o644);
        file("server/hostile.py", include_str!("sandbox/hostile.py"), 0o644);
        file("house.py", include_str!("sandbox/house.py"), 0o644);
        // Prints who it is: root, where set-user-id counts.
        let setuid = root.join("shared/whoami");
        fs::copy("/usr/bin/id", &setuid).unwrap();
        fs::set_permissions(&setuid, Permissions::from_mode(0o4755)).unwrap();
        // Not marked to be closed, as a descriptor that the door inherited from whoever started it.
        let descriptor = fs::File::open(&key).unwrap();
        rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::empty()).unwrap();

        let mut command = Command::new(PYTHON);
        command.arg(root.join("house.py")).arg(CANARY).args([root.join("home"), root.join("shared")]);
        command.env("SECRET", CANARY).current_dir(root.join("home")).uid(PERSON).gid(PERSON).process_group(0);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = process.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let mut facts: Value = serde_json::from_str(&line).expect("the house says where everything is");
        let more = json!({
            "canary": CANARY, "key": key, "other": other, "home": root.join("home"), "config": config,
            "tmp_file": tmp_file, "scratch": root.join("scratch"), "setuid": setuid,
            "machine_id": "/etc/machine-id", "disk": "/dev/vda", "variable": "CARGO_MANIFEST_DIR",
            "descriptor": descriptor.as_raw_fd(),
        });
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { folder, facts, process, _descriptor: descriptor }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What to run, with a scratch that exists where it runs.
    fn hostile(&self, scratch: &str) -> Vec<String> {
        let mut facts = self.facts.clone();
        facts["scratch"] = scratch.into();
        let script = self.path("server/hostile.py");
        [PYTHON, script.to_str().unwrap(), &facts.to_string()].map(str::to_owned).to_vec()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // The end of its input lets it tidy up.
        drop(self.process.stdin.take());
        let _gone = self.process.wait();
    }
}

/// Attempts by name: none for a success, else why not.
type Outcomes = BTreeMap<String, Option<String>>;

fn bare(house: &House) -> Outcomes {
    let command = house.hostile(house.path("scratch").to_str().unwrap());
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).uid(PERSON).gid(PERSON).current_dir(house.path("server"));
    let output = process.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    serde_json::from_slice(&output.stdout).expect("a table of attempts")
}

/// Runs something as the person: the thread alone gives up being root, and what it starts inherits that.
fn as_person<T: Send + 'static>(run: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        let (uid, gid) = (rustix::process::Uid::from_raw(PERSON), rustix::process::Gid::from_raw(PERSON));
        rustix::thread::set_thread_groups(&[]).unwrap();
        rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
        rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(DEADLINE, run()).await.expect("it ends in time") })
    });
    thread.join().expect("the thread does not panic")
}

/// What a sandboxed command printed, its report, and how it ended.
fn sandboxed(
    command: Vec<String>,
    profile: &str,
    learning: Option<Learning>,
) -> (String, String, Option<Ending>) {
    let profile = Profile::parse(profile).unwrap();
    as_person(async move || {
        let wanted = Wanted { command, ..Wanted::default() };
        let launcher = Launcher::other(doorward_testkit::program());
        let started = match &learning {
            Some(learning) => start_learning(&launcher, &wanted, &profile, learning),
            None => start(&launcher, &wanted, &profile),
        };
        let Started { mut process, stdin, mut watch } = started.unwrap();
        let report = watch.ready().await.unwrap_or_else(|error| panic!("{error}"));
        drop(stdin);
        let (mut out, mut error) = (String::new(), String::new());
        let (stdout, stderr) = (process.stdout.as_mut().unwrap(), process.stderr.as_mut().unwrap());
        let (a, b, ending) =
            tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut error), watch.ended());
        a.and(b).unwrap();
        print!("{error}");
        (out, report.to_string(), ending.unwrap())
    })
}

/// What no unprivileged user can do: bare it fails for that reason, sandboxed it must fail too.
const ROOTS_BUSINESS: [&str; 28] = [
    "accounting",
    "become_root",
    "bpf",
    "control_group",
    "core_pattern",
    "crypto_socket",
    "disk",
    "enter_namespace_of_process",
    "kernel_log",
    "kernel_log_device",
    "leave_control_group",
    "load_kernel",
    "load_module",
    "make_device",
    "mount",
    "own_sysctl",
    "physical_memory",
    "pivot_root",
    "ports_of_the_machine",
    "raise_capabilities",
    "raise_limits",
    "raw_socket",
    "read_own_root_of_init",
    "reboot",
    "set_time",
    "swap_on",
    "system_call_of_x32",
    "system_request",
];
/// What a kernel may lack, or forbid by a setting. All the rest must succeed bare, or its failing in a sandbox shows nothing.
const MAY_BE_LACKING: [&str; 17] = [
    "devices_of_the_machine",
    "io_uring",
    "list_keys",
    "memory_of_process",
    "memory_without_kernel",
    "perf_events",
    "ptrace_attach",
    "pidfd_getfd",
    "process_vm_readv",
    "process_vm_writev",
    "read_machine_id",
    "tcp_ipv6_loopback",
    "tcp_metadata_service",
    "type_into_terminal",
    "userfaultfd",
    "vsock",
    "watch_all_files",
];

// control: LOC-10: A server that steals and breaks out does a hundred things bare and none of them sandboxed.
#[test]
fn what_succeeds_bare_fails_sandboxed() {
    let house = House::build();
    let bare = bare(&house);
    // With a way out as well: its sockets must not be of use for anything else.
    // And watched, which must let nothing through.
    for (more, learn) in
        [("", false), ("\nnet api.example.com", false), ("", true), ("\nnet api.example.com", true)]
    {
        let profile = format!("files-read {}\nprocesses 64{more}", house.path("shared").display());
        let learning = learn.then(Learning::default);
        let (out, report, ending) = sandboxed(house.hostile("/tmp"), &profile, learning.clone());
        let inside: Outcomes = serde_json::from_str(&out).expect("a table of attempts");
        println!("{report}\n");
        let word = |outcome: &Option<String>| outcome.as_ref().map_or("SUCCEEDED".to_owned(), Clone::clone);
        for (name, outcome) in &bare {
            println!("{name:40} | {:50.50} | {}", word(outcome), word(&inside[name]));
        }
        assert_eq!(ending, Some(Ending::Exited(0)));
        assert_eq!(inside.len(), bare.len());
        let escaped: Vec<_> = inside.iter().filter(|(_, outcome)| outcome.is_none()).collect();
        assert!(escaped.is_empty(), "succeeded sandboxed: {escaped:?}");
        if let Some(learning) = learning {
            let home = house.path("home");
            let proposal = as_person(async move || learning.propose(&home, &[]));
            println!("{proposal:#?}");
            let keys = house.path("home/.ssh").display().to_string();
            assert!(
                proposal.notes.iter().any(|note| note.starts_with(&format!("WARNING: it asked for {keys},")))
            );
            assert!(!proposal.lines.iter().any(|line| line.text.contains(&keys)), "{proposal:#?}");
        }
    }
    let may_fail = |name: &str| ROOTS_BUSINESS.contains(&name) || MAY_BE_LACKING.contains(&name);
    let blunt: Vec<_> = bare.iter().filter(|(name, outcome)| outcome.is_some() && !may_fail(name)).collect();
    assert!(blunt.is_empty(), "failed bare, so that failing sandboxed shows nothing: {blunt:#?}");
}

// control: D-25: Where no control group can be had, memory is watched: a bomb ends, and a profile that wants more is refused.
#[test]
fn a_memory_bomb_of_an_unprivileged_person_is_ended() {
    let bomb =
        [PYTHON, "-c", "x = []\nwhile True: x.append(bytearray(b'x' * 1000000))"].map(str::to_owned).to_vec();
    let (_, report, ending) = sandboxed(bomb, "memory 100M", None);
    if report.contains("cgroup     enforced") {
        assert_eq!(ending, Some(Ending::Signalled(9)), "{report}");
    } else {
        println!("not enforced here\n{report}");
        assert!(matches!(ending, Some(Ending::TooMuchMemory(held)) if held > 100 << 20), "{ending:?}");
    }
}
