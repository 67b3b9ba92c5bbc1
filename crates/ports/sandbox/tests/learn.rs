//! What commands try in a sandbox and do not get is written down, and the lines that are proposed are those that it takes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doorward_sandbox::{
    Ending, HostPort, Launcher, Learning, Outward, Profile, Proposal, Started, Wanted, start_learning,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const PYTHON: &str = "/usr/bin/python3";
const DEADLINE: Duration = Duration::from_secs(60);

/// Nobody is reached.
struct NoWayOut;

impl Outward for NoWayOut {
    type Stream = TcpStream;

    async fn connect(&self, _: &HostPort) -> io::Result<TcpStream> {
        Err(io::ErrorKind::NetworkUnreachable.into())
    }
}

fn begin(command: &[&str], profile: &str, learning: &Learning) -> Started {
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    let launcher = Launcher::other(env!("CARGO_BIN_EXE_doorward-sandbox-try"));
    let wanted = Wanted { command, ..Wanted::default() };
    start_learning(&launcher, &wanted, &Profile::parse(profile).unwrap(), learning).unwrap()
}

/// What a command wrote, how it ended, and what is proposed for it.
async fn learn(command: &[&str], profile: &str) -> (String, Option<Ending>, Proposal) {
    let learning = Learning::default();
    let mut started = begin(command, profile, &learning);
    let all = async {
        started.watch.ready().await.unwrap_or_else(|error| panic!("{error}"));
        tokio::spawn(started.watch.egress().carry(Arc::new(NoWayOut), |_| ()));
        drop(started.stdin);
        let mut out = String::new();
        let mut stdout = started.process.stdout.take().unwrap();
        let (read, ending) = tokio::join!(stdout.read_to_string(&mut out), started.watch.ended());
        read.unwrap();
        let status = started.process.wait().await.unwrap();
        drop(started.watch);
        let ending = ending.unwrap();
        assert!(
            matches!(ending, Some(Ending::Exited(code)) if status.code() == Some(code)),
            "{ending:?} {status}"
        );
        learning.settled().await;
        (out, ending, learning.propose(Path::new("/home/ada"), &[]))
    };
    tokio::time::timeout(DEADLINE, all).await.expect("the command ends in time")
}

fn lines(proposal: &Proposal) -> Vec<&str> {
    proposal.lines.iter().map(|line| line.text.as_str()).collect()
}

/// A folder in which whoever runs in a sandbox may read, and write to what is called `out`.
fn house() -> tempfile::TempDir {
    let house = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(house.path(), 0o755);
    for folder in ["notes", "notes/deep", "more", "out", "on", "lonely"] {
        fs::create_dir(house.path().join(folder)).unwrap();
        mode(&house.path().join(folder), if folder == "out" { 0o777 } else { 0o755 });
    }
    for file in ["notes/a", "notes/b", "notes/deep/c", "lonely/d", "on/e"] {
        fs::write(house.path().join(file), "written").unwrap();
        mode(&house.path().join(file), 0o644);
    }
    house
}

/// Reads, writes, lists and calls, and goes on whatever comes of it. It prints what it got.
const VISITOR: &str = r#"
import os, socket, subprocess, sys, threading
house = sys.argv[1]
def attempt(name, function):
    try:
        function()
        print(name, flush=True)
    except (OSError, subprocess.SubprocessError):
        pass
def in_threads():
    failed = []
    def one(name):
        try: open(house + '/notes/' + name).read()
        except OSError as error: failed.append(error)
    threads = [threading.Thread(target=one, args=(name,)) for name in ['a', 'b'] * 8]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if failed: raise failed[0]
attempt('threads', in_threads)
attempt('child', lambda: subprocess.run(['/bin/cat', house + '/lonely/d'], check=True, stdout=2))
attempt('write', lambda: open(house + '/out/new', 'w').write('x'))
attempt('relative', lambda: (os.chdir(house + '/on'), open('e').read()))
attempt('missing', lambda: open(house + '/notes/none').read())
attempt('name', lambda: socket.create_connection(('api.example.com', 443), 5))
attempt('port', lambda: socket.create_connection(('db.example.com', 8443), 5))
attempt('address', lambda: socket.create_connection(('192.0.2.1', 25), 5))
"#;

// control: D-28: What a command tried and did not get is proposed as few lines, and with exactly these it gets it.
#[tokio::test]
async fn the_lines_are_those_that_a_command_takes() {
    let house = house();
    let folder = house.path().to_str().unwrap();
    let command = [PYTHON, "-c", VISITOR, folder];
    let (out, ending, proposal) = learn(&command, "").await;
    assert_eq!((out.as_str(), ending), ("", Some(Ending::Exited(0))));
    let expected = [
        format!("files-read {folder}/lonely/d"),
        format!("files-read {folder}/notes"),
        format!("files-read {folder}/on"),
        format!("files-write {folder}/out"),
        "net api.example.com".to_owned(),
        "net db.example.com:8443".to_owned(),
    ];
    assert_eq!(lines(&proposal), expected, "{proposal:#?}");
    let notes = proposal.notes.join("\n");
    assert!(notes.starts_with("it called 192.0.2.1:25 (once, for example by python3)"), "{notes}");
    let counts: Vec<_> = proposal.lines.iter().map(|line| (line.count, line.example.as_str())).collect();
    assert_eq!(counts[0], (1, format!("{folder}/lonely/d by cat").as_str()));
    assert_eq!(counts[1], (16, format!("{folder}/notes/a by python3").as_str()));

    let (out, _, proposal) = learn(&command, &expected.join("\n")).await;
    assert_eq!(out, "threads\nchild\nwrite\nrelative\nname\nport\n", "{proposal:#?}");
    assert_eq!(lines(&proposal), [""; 0], "{proposal:#?}");
}

const RELATIVE: &str = r#"
import os, sys
house = sys.argv[1]
def attempt(function):
    try: function()
    except OSError: pass
os.chdir(house + '/notes')
attempt(lambda: open('../lonely/d'))
attempt(lambda: open('a', 'a'))
attempt(lambda: os.rename('a', 'b'))
folder = os.open('deep', os.O_RDONLY)
attempt(lambda: os.stat('../../on/e', dir_fd=folder))
os.chdir('/usr/lib')
attempt(lambda: os.listdir('../..' + house + '/more'))
os.symlink(house, '/tmp/link')
attempt(lambda: open('/tmp/link/out/new', 'x'))
"#;

#[tokio::test]
async fn a_path_is_learned_however_it_was_said() {
    let house = house();
    let folder = house.path().to_str().unwrap();
    let seen = format!("files-read {folder}/notes");
    let (_, _, proposal) = learn(&[PYTHON, "-c", RELATIVE, folder], &seen).await;
    // Nobody but its owner could write to the notes, with or without a sandbox.
    let own = rustix::process::geteuid().is_root();
    let mut expected = vec![
        format!("files-read {folder}/lonely/d"),
        format!("files-read {folder}/more"),
        format!("files-write {folder}/notes"),
        format!("files-read {folder}/on/e"),
        format!("files-write {folder}/out"),
    ];
    expected.retain(|line| !own || !line.ends_with("/notes"));
    assert_eq!(lines(&proposal), expected, "{proposal:#?}");
}

/// What programs that start with nothing to do look for.
// control: D-28: What a loader, a libc and a runtime look for by themselves leads to no line.
#[tokio::test]
async fn what_runtimes_look_for_is_no_wish() {
    let node = ["node", "-e", "require('fs'); fetch; setTimeout(() => {}, 10)"];
    let names = ["sh", "-c", "getent hosts localhost; ls / >/dev/null; cat /etc/passwd >/dev/null"];
    for command in [&["true"][..], &names, &[PYTHON, "-c", "import json, ssl, asyncio, http.client"], &node] {
        if command == node && !Path::new("/usr/bin/node").exists() {
            continue;
        }
        let (_, _, proposal) = learn(command, "").await;
        assert_eq!(proposal, Proposal::default(), "{command:?}");
    }
}

/// Makes a child that its tracer does not get hold of, and lets it read.
const HIDDEN: &str = r#"
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
clone = {'x86_64': 56, 'aarch64': 220}[platform.machine()]
CLONE_UNTRACED, SIGCHLD = 0x00800000, 17
if libc.syscall(clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0) == 0:
    read = libc.open(b'/etc/passwd', 0)
    os.write(1, b'read' if read >= 0 else os.strerror(ctypes.get_errno()).encode())
    os._exit(0)
os.wait()
"#;

// control: LOC-10: Whoever hides from the tracer while a sandbox is learned reads nothing, not even what it may.
#[tokio::test]
async fn who_hides_from_the_tracer_gets_nothing() {
    let (out, ..) = learn(&[PYTHON, "-c", HIDDEN], "").await;
    assert_eq!(out, "Function not implemented");
}

const SIGNALS: &str = r#"
import os, signal, threading, time
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append('usr1'))
signal.signal(signal.SIGALRM, lambda *_: heard.append('alarm'))
signal.signal(signal.SIGRTMIN, lambda *_: heard.append('real time'))
os.kill(os.getpid(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGRTMIN)
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.2)
print(heard)
child = os.fork()
if child == 0:
    threads = [threading.Thread(target=lambda: [time.sleep(0.01) for _ in range(1000)]) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
for again in range(2):
    os.kill(child, signal.SIGSTOP)
    print('stopped', os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1]))
    state = lambda: open(f'/proc/{child}/stat').read().split(')')[1].split()[0]
    time.sleep(0.2)
    # The tracer holds it where the kernel would.
    print('stays', state() in 'tT')
    os.kill(child, signal.SIGCONT)
    print('continued', os.WIFCONTINUED(os.waitpid(child, os.WCONTINUED)[1]))
os.kill(child, signal.SIGTERM)
print('ended by', os.WTERMSIG(os.waitpid(child, 0)[1]))
"#;

#[tokio::test]
async fn signals_and_job_control_are_as_without_a_tracer() {
    let (out, ending, proposal) = learn(&[PYTHON, "-c", SIGNALS], "").await;
    let rounds = "stopped True\nstays True\ncontinued True\n".repeat(2);
    assert_eq!(out, format!("['usr1', 'alarm']\n{rounds}ended by 15\n"));
    assert_eq!(ending, Some(Ending::Exited(0)));
    // The one that no safe crate passes on is told of.
    assert!(
        proposal.notes.iter().any(|note| note.starts_with("it uses signals of real time")),
        "{proposal:?}"
    );
}

#[tokio::test]
async fn a_door_that_is_gone_takes_everything_with_it() {
    // Processes that left their group and never rest: the tracer has always something to hear.
    let script = "import os\nfor _ in range(60):\n if os.fork()==0:\n  os.setsid()\n  break\nelse: print('up',flush=True)\nwhile True: os.path.exists('/usr/none')";
    for kill in [false, true] {
        let mut started = begin(&[PYTHON, "-c", script], "", &Learning::default());
        started.watch.ready().await.unwrap();
        let mut out = started.process.stdout.take().unwrap();
        let mut up = [0; 3];
        out.read_exact(&mut up).await.unwrap();
        let Started { mut process, stdin: _stdin, watch } = started;
        let mut watch = Some(watch);
        match kill {
            // The outer stage, which traces: what it holds must not go on alone.
            true => process.start_kill().unwrap(),
            false => watch = None,
        }
        let mut rest = vec![];
        let all = async {
            out.read_to_end(&mut rest).await.unwrap();
            process.wait().await.unwrap()
        };
        tokio::time::timeout(DEADLINE, all).await.unwrap_or_else(|_| panic!("all of it ends: {kill}"));
        drop(watch);
    }
}
