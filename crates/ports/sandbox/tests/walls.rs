//! Small commands in sandboxes, started as the door starts them. The great attack is the suite `sandbox`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::process::ExitStatus;
use std::time::Duration;

use doorward_sandbox::{Ending, Launcher, Mechanism, Profile, Report, SandboxError, Started, Wanted, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The system's own: another one may lie in a home that nobody else can read.
const PYTHON: &str = "/usr/bin/python3";
const DEADLINE: Duration = Duration::from_secs(30);

fn launcher() -> Launcher {
    Launcher::other(env!("CARGO_BIN_EXE_doorward-sandbox-try"))
}

fn wanted(command: &[&str]) -> Wanted {
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    Wanted { command, ..Wanted::default() }
}

/// What a command wrote, and how it ended.
struct Ran {
    report: Report,
    out: String,
    error: String,
    ending: Option<Ending>,
    status: ExitStatus,
}

async fn run(command: &[&str], profile: &str, input: &str) -> Ran {
    let profile = Profile::parse(profile).unwrap();
    let mut started = start(&launcher(), &wanted(command), &profile).unwrap();
    let all = async {
        let report = started.watch.ready().await.unwrap_or_else(|error| panic!("{error}"));
        started.stdin.write_all(input.as_bytes()).await.unwrap();
        drop(started.stdin);
        let (mut out, mut error) = (String::new(), String::new());
        let (mut stdout, mut stderr) = (started.process.stdout.take(), started.process.stderr.take());
        let (a, b) = tokio::join!(
            stdout.as_mut().unwrap().read_to_string(&mut out),
            stderr.as_mut().unwrap().read_to_string(&mut error)
        );
        a.and(b).unwrap();
        let ending = started.watch.ended().await.unwrap();
        let status = started.process.wait().await.unwrap();
        Ran { report, out, error, ending, status }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("the command ends in time")
}

async fn refused(command: &[&str], profile: &str) -> String {
    let profile = Profile::parse(profile).unwrap();
    let mut started = start(&launcher(), &wanted(command), &profile).unwrap();
    let ready = tokio::time::timeout(DEADLINE, started.watch.ready()).await.expect("an answer in time");
    ready.expect_err("nothing was started").to_string()
}

#[tokio::test]
async fn a_command_is_piped_through() {
    let ran = run(&["cat"], "", "a line\nand another\n").await;
    assert_eq!(ran.out, "a line\nand another\n");
    assert_eq!((ran.ending, ran.status.code()), (Some(Ending::Exited(0)), Some(0)));
    for mechanism in [Mechanism::Namespaces, Mechanism::Seccomp] {
        assert!(ran.report.lines.iter().any(|line| line.mechanism == mechanism && line.enforced));
    }
    let ran = run(&["sh", "-c", "echo out; echo error >&2; exit 7"], "", "").await;
    assert_eq!((ran.out.as_str(), ran.error.as_str(), ran.status.code()), ("out\n", "error\n", Some(7)));
    let ran = run(&["sh", "-c", "kill -9 $$"], "", "").await;
    assert_eq!((ran.ending, ran.status.code()), (Some(Ending::Signalled(9)), Some(137)));
}

// control: LOC-10: A command sees the system's programs and nothing of anybody's; with `files-read` it sees what is named.
#[tokio::test]
async fn only_what_is_named_is_seen() {
    let folder = shared();
    let file = folder.path().join("note");
    std::fs::write(&file, "canary").unwrap();
    let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    let script = format!("cat {file}; echo more >> {file} || echo unwritten");
    let strict = run(&["sh", "-c", &script], "", "").await;
    assert!(!strict.out.contains("canary"), "{}", strict.out);
    let read = run(&["sh", "-c", &script], &format!("files-read {folder}"), "").await;
    assert_eq!(read.out, "canaryunwritten\n", "{}", read.error);
    let write = run(&["sh", "-c", &script], &format!("files-write {folder}"), "").await;
    assert_eq!(
        (write.out.as_str(), std::fs::read_to_string(file).unwrap().as_str()),
        ("canary", "canarymore\n")
    );
    let missing = refused(&["cat"], "files-read /srv/is/not/here").await;
    assert!(missing.contains("sharing /srv/is/not/here with the sandbox, in which"), "{missing}");
}

/// A folder that whoever runs in a sandbox may write to, as nobody too.
fn shared() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let file = folder.path().join("note");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o666)).unwrap();
    folder
}

// control: D-25: A profile that requires what is not enforced here starts nothing, and says what to change.
#[tokio::test]
async fn less_than_required_is_nothing() {
    let report = run(&["true"], "", "").await.report;
    for mechanism in ["landlock", "cgroup"] {
        let line = report.lines.iter().find(|line| line.mechanism.name() == mechanism).unwrap();
        if line.enforced {
            run(&["true"], &format!("require {mechanism}"), "").await;
        } else {
            let why = refused(&["true"], &format!("require {mechanism}")).await;
            assert!(why.contains(&format!("requires {mechanism}, which is not enforced here")), "{why}");
        }
    }
}

// control: D-25: Where no namespaces can be made nothing is started; inside of a sandbox is such a place.
#[tokio::test]
async fn without_namespaces_nothing_starts() {
    let program = env!("CARGO_BIN_EXE_doorward-sandbox-try");
    // Alone in a folder: its own lies among everything that was ever built.
    let folder = shared();
    let copy = folder.path().join("doorward-sandbox-try");
    std::fs::copy(program, &copy).unwrap();
    let share = format!("files-read {}", folder.path().display());
    let ran = run(&[copy.to_str().unwrap(), "--", "echo", "ran"], &share, "").await;
    assert!(ran.error.contains("the command was not started: making namespaces"), "{}", ran.error);
    assert_eq!((ran.out.as_str(), ran.status.code()), ("", Some(125)));
}

#[tokio::test]
async fn what_is_gone_takes_everything_with_it() {
    // A grandchild that left its session and group, and says when it runs.
    let script = "import os,time\nif os.fork()==0:\n os.setsid()\n print('up',flush=True)\n time.sleep(600)\ntime.sleep(600)";
    for way in ["drop", "group", "input"] {
        let script = if way == "input" {
            script.replace("\ntime.sleep(600)", "\nimport sys;sys.stdin.read()")
        } else {
            script.to_owned()
        };
        let mut started = start(&launcher(), &wanted(&[PYTHON, "-c", &script]), &Profile::default()).unwrap();
        started.watch.ready().await.unwrap();
        let mut out = started.process.stdout.take().unwrap();
        let mut up = [0; 3];
        out.read_exact(&mut up).await.unwrap();
        let Started { mut process, stdin, watch } = started;
        let mut kept = (Some(stdin), Some(watch));
        match way {
            "drop" => kept.1 = None,
            "group" => {
                let group = rustix::process::Pid::from_raw(process.id().unwrap() as i32).unwrap();
                rustix::process::kill_process_group(group, rustix::process::Signal::TERM).unwrap();
            }
            _ => kept.0 = None,
        }
        // Its output ends when the last process that holds it does.
        let mut rest = vec![];
        let all = async {
            out.read_to_end(&mut rest).await.unwrap();
            process.wait().await.unwrap()
        };
        tokio::time::timeout(DEADLINE, all).await.unwrap_or_else(|_| panic!("{way} ends all of it"));
    }
}

// control: D-25: Memory is bounded by the kernel or by watching; either way a bomb ends its own sandbox alone.
#[tokio::test]
async fn bombs_are_bounded() {
    let memory = "x=[]\nwhile True: x.append(bytearray(b'x'*1000000))";
    let ran = run(&[PYTHON, "-c", memory], "memory 64M", "").await;
    let ended = matches!(ran.ending, Some(Ending::TooMuchMemory(_) | Ending::Signalled(9)));
    assert!(ended, "{:?} {}", ran.ending, ran.error);
    let forks = "import os,time\nn=0\ntry:\n  while n<200:\n    if os.fork()==0: time.sleep(600)\n    n+=1\nexcept OSError: pass\nprint(n)";
    let ran = run(&[PYTHON, "-c", forks], "processes 20", "").await;
    let forked: u32 = ran.out.trim().parse().unwrap();
    assert!((10..20).contains(&forked), "{forked}");
    let file = "open('/tmp/big','wb').write(b'x'*3000000)";
    let ran = run(&[PYTHON, "-c", file], "file-size 1M", "").await;
    assert!(ran.error.contains("File too large"), "{}", ran.error);
    let scratch = "import os\nfor n in range(9): open(f'/dev/shm/{n}','wb').write(b'x'*1000000)";
    let ran = run(&[PYTHON, "-c", scratch], "scratch 4M", "").await;
    assert!(ran.error.contains("No space left"), "{}", ran.error);
}

// control: LOC-10: A descriptor that the door inherited, or forgot to mark, does not reach the command.
#[tokio::test]
async fn descriptors_do_not_leak() {
    let file = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let list = ["sh", "-c", "for n in /proc/self/fd/*; do echo ${n##*/}; done"];
    let bare = std::process::Command::new(list[0]).args(&list[1..]).output().unwrap();
    let leaked = std::os::fd::AsRawFd::as_raw_fd(&file).to_string();
    assert!(
        String::from_utf8(bare.stdout).unwrap().lines().any(|line| line == leaked),
        "it leaks without a sandbox"
    );
    let ran = run(&list, "", "").await;
    // The shell itself opens the folder as 3.
    assert_eq!(ran.out, "0\n1\n2\n3\n");
}

#[tokio::test]
async fn a_command_that_is_nowhere_is_told_at_once() {
    for (command, what) in [(vec![], "the command is empty"), (vec!["is-nowhere"], "is no program")] {
        let error = start(&launcher(), &wanted(&command), &Profile::default()).err().unwrap();
        assert!(matches!(&error, SandboxError::Wanted(said) if said.contains(what)), "{error}");
    }
}
