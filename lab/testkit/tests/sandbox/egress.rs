//! The way out: programs of several sorts reach the host that is named, and no other.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use doorward_sandbox::{HostPort, Launcher, Learning, Outward, Profile, Seen, Wanted, start, start_learning};
use doorward_testkit::Kit;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{PYTHON, as_person, packages};

pub(crate) const HOST: &str = "api.example.com";
/// Where an index may keep its files.
pub(crate) const FILES: &str = "files.example.com";

/// What stands for the product's connector: every host is the test's own server.
struct To(SocketAddr, SocketAddr);

impl Outward for To {
    type Stream = TcpStream;

    async fn connect(&self, to: &HostPort) -> io::Result<TcpStream> {
        TcpStream::connect(if to.port == 80 { self.1 } else { self.0 }).await
    }
}

/// A server that answers each connection once, over TLS or not, and the certificate it shows.
async fn server() -> (To, String) {
    let made = rcgen::generate_simple_self_signed([HOST, FILES].map(str::to_owned).to_vec()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let (tls, plain) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let to = To(tls.local_addr().unwrap(), plain.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = tls.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream).await;
                }
            });
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = plain.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    (to, made.cert.pem())
}

async fn answer(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut request = vec![0; 16 * 1024];
    let length = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (kind, body) = packages::answer(path).unwrap_or_else(|| ("text/plain", b"reached".to_vec()));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let body = if request.starts_with("HEAD ") { Vec::new() } else { body };
    let _gone = stream.write_all(&[head.into_bytes(), body].concat()).await;
    let _gone = stream.shutdown().await;
}

/// Runs a program that may reach the host, and gives back what it printed and what was seen at the way out.
fn reach(command: &[&str]) -> (String, Vec<Seen>) {
    reach_with(command, None)
}

/// The same for a Python program with packages from a folder.
fn reach_with(command: &[&str], packages: Option<&Path>) -> (String, Vec<Seen>) {
    let mut profile = Profile::parse(&format!("net {HOST} {HOST}:80 {HOST}:8443")).unwrap();
    profile.files_read.extend(packages.map(Path::to_owned));
    let env = packages.map(|folder| ("PYTHONPATH".to_owned(), folder.to_str().unwrap().to_owned()));
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    carried(Wanted { command, env: env.into_iter().collect(), ..Wanted::default() }, profile)
}

/// Copies packages file by file: the build may lie where the person must not go.
const COPY: &str = "import importlib.metadata, pathlib, shutil, sys
for package in sys.argv[2:]:
    for file in importlib.metadata.files(package):
        if '..' not in file.parts:
            to = pathlib.Path(sys.argv[1], file)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), to)";

/// The programs of the suites.
pub(crate) fn kit() -> Kit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Kit::install(env!("CARGO_TARGET_TMPDIR")))
}

/// A folder with Python's `requests`, for the person.
fn requests() -> tempfile::TempDir {
    let folder = persons_folder();
    let mut copy = std::process::Command::new(kit().python());
    copy.args(["-c", COPY]).arg(folder.path());
    copy.args(["requests", "certifi", "charset-normalizer", "idna", "urllib3"]);
    assert!(copy.status().unwrap().success(), "requests is not installed");
    folder
}

pub(crate) fn carried(wanted: Wanted, profile: Profile) -> (String, Vec<Seen>) {
    watched(wanted, profile, None)
}

fn watched(mut wanted: Wanted, mut profile: Profile, learning: Option<Learning>) -> (String, Vec<Seen>) {
    let folder = persons_folder();
    let certificate = folder.path().join("ca.pem");
    profile.files_read.push(folder.path().to_owned());
    let named = |name: &str| (name.to_owned(), certificate.to_str().unwrap().to_owned());
    wanted.env.extend(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"].map(named));
    as_person(async move || {
        let (to, pem) = server().await;
        std::fs::write(&certificate, pem).unwrap();
        let launcher = Launcher::other(doorward_testkit::program());
        let started = match &learning {
            Some(learning) => start_learning(&launcher, &wanted, &profile, learning),
            None => start(&launcher, &wanted, &profile),
        };
        let mut started = started.unwrap();
        started.watch.ready().await.unwrap_or_else(|error| panic!("{error}"));
        drop(started.stdin);
        let seen = Arc::new(Mutex::new(vec![]));
        let told = Arc::clone(&seen);
        let egress = started.watch.egress();
        let carried = tokio::spawn(egress.carry(Arc::new(to), move |one| told.lock().unwrap().push(one)));
        let (mut out, mut error) = (String::new(), String::new());
        let (stdout, stderr) =
            (started.process.stdout.as_mut().unwrap(), started.process.stderr.as_mut().unwrap());
        let (reading, telling) = (stdout.read_to_string(&mut out), stderr.read_to_string(&mut error));
        let (a, b, _ending) = tokio::join!(reading, telling, started.watch.ended());
        a.and(b).unwrap();
        print!("{error}");
        carried.abort();
        let seen = seen.lock().unwrap().clone();
        (out, seen)
    })
}

pub(crate) fn persons_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(crate::PERSON), Some(crate::PERSON)).unwrap();
    folder
}

fn host(port: u16) -> HostPort {
    HostPort { host: HOST.to_owned(), port }
}

// control: D-24, guard-e: Each program reaches the host of its profile, by its own means, and nothing else.
#[test]
fn programs_reach_the_host_that_is_named() {
    let https =
        format!("require('https').get('https://{HOST}:8443/',r=>r.on('data',d=>console.log(String(d))))");
    let fetch = format!("fetch('https://{HOST}/').then(r=>r.text()).then(t=>console.log(t))");
    let urllib = format!("import urllib.request as u; print(u.urlopen('https://{HOST}/').read().decode())");
    let plain = format!("import urllib.request as u; print(u.urlopen('http://{HOST}/').read().decode())");
    for (command, port) in [
        (["node", "-e", fetch.as_str()], 443),
        (["node", "-e", https.as_str()], 8443),
        ([PYTHON, "-c", urllib.as_str()], 443),
        ([PYTHON, "-c", plain.as_str()], 80),
    ] {
        let (out, seen) = reach(&command);
        assert_eq!((out.as_str(), seen), ("reached\n", vec![Seen::Connected(host(port))]), "{command:?}");
    }
    let requests = requests();
    for (url, port) in [
        (format!("https://{HOST}/"), 443),
        (format!("https://{HOST}:8443/"), 8443),
        (format!("http://{HOST}/"), 80),
    ] {
        let script = format!("import requests; print(requests.get('{url}').text)");
        let (out, seen) = reach_with(&[PYTHON, "-c", &script], Some(requests.path()));
        assert_eq!((out.as_str(), seen), ("reached\n", vec![Seen::Connected(host(port))]), "{url}");
    }
}

// control: D-24, guard-e: Another name at an allowed host's address, bytes that name nobody, and every other address are refused.
#[test]
fn nobody_else_is_reached() {
    let address = format!("__import__('socket').gethostbyname('{HOST}')");
    let fronted = format!(
        "import ssl,socket\nc=ssl._create_unverified_context()\nc.wrap_socket(socket.create_connection(({address},443)),server_hostname='evil.example')"
    );
    let unnamed = format!(
        "import ssl,socket\nc=ssl._create_unverified_context()\nc.wrap_socket(socket.create_connection(({address},443)))"
    );
    let raw = format!(
        "import socket\ns=socket.create_connection(({address},443))\ns.sendall(b'GET / HTTP/1.1\\r\\n')\nprint(s.recv(9))"
    );
    let other_host = format!(
        "import urllib.request as u\nu.urlopen(u.Request('http://{HOST}/',headers=dict(Host='evil.example')))"
    );
    for (script, why) in [
        (&fronted, "it calls `evil.example` there"),
        (&unnamed, "its ClientHello names no host"),
        (&raw, "it does not speak TLS, and the port is not 80"),
        (&other_host, "it calls `evil.example` there"),
    ] {
        let (out, seen) = reach(&[PYTHON, "-c", script]);
        assert!(!out.contains("reached"), "{out}");
        assert!(matches!(&seen[..], [Seen::Refused { why: said, .. }] if said == why), "{script}: {seen:?}");
    }
    let requests = requests();
    let fronted =
        format!("import requests\nrequests.get('http://{HOST}/', headers=dict(Host='evil.example'))");
    let (_, seen) = reach_with(&[PYTHON, "-c", &fronted], Some(requests.path()));
    assert!(
        matches!(&seen[..], [Seen::Refused { why, .. }] if why == "it calls `evil.example` there"),
        "{seen:?}"
    );
    // What never comes to the way out: other names, other addresses, and other protocols.
    let elsewhere = "import requests
for url in ('https://other.example/', 'http://other.example/', 'https://192.0.2.1/', 'http://169.254.169.254/'):
  try: requests.get(url, timeout=3); print('REACHED')
  except requests.RequestException: print('no')";
    let alone = reach_with(&[PYTHON, "-c", elsewhere], Some(requests.path()));
    assert_eq!(alone, ("no\n".repeat(4), vec![]));
    for module in ["https", "http"] {
        let get =
            format!("require('{module}').get('{module}://other.example/', () => console.log('REACHED'))");
        let script = format!("{get}.on('error', () => console.log('no'))");
        assert_eq!(reach(&["node", "-e", &script]), ("no\n".to_owned(), vec![]), "{module}");
    }
    let fetch = "fetch('https://other.example/').then(() => console.log('REACHED'), () => console.log('no'))";
    assert_eq!(reach(&["node", "-e", fetch]), ("no\n".to_owned(), vec![]));
    let nowhere = "import socket,urllib.request as u
def tried(f):
  try: f(); print('REACHED')
  except OSError as e: print('no')
tried(lambda: u.urlopen('https://other.example/'))
tried(lambda: socket.create_connection(('192.0.2.1',443),3))
tried(lambda: socket.create_connection(('169.254.169.254',80),3))
tried(lambda: socket.create_connection(('127.0.0.1',443),3))
tried(lambda: socket.create_connection(('127.77.0.2',22),3))
tried(lambda: socket.socket(socket.AF_INET,socket.SOCK_DGRAM))
tried(lambda: socket.socket(socket.AF_INET6,socket.SOCK_STREAM))
tried(lambda: socket.socket(socket.AF_UNIX,socket.SOCK_STREAM))
tried(lambda: socket.socket(socket.AF_INET,socket.SOCK_STREAM|socket.SOCK_CLOEXEC,132))
tried(lambda: socket.socket().bind(('0.0.0.0',9999)))";
    assert_eq!(reach(&[PYTHON, "-c", nowhere]), ("no\n".repeat(10), vec![]));
    // Nor where it is learned what is called: a name that is asked for leads to nobody.
    let command = [PYTHON, "-c", nowhere].map(str::to_owned).to_vec();
    let profile = Profile::parse(&format!("net {HOST} {HOST}:80 {HOST}:8443")).unwrap();
    let wanted = Wanted { command, ..Wanted::default() };
    let learned = watched(wanted, profile, Some(Learning::default()));
    assert_eq!(learned, ("no\n".repeat(10), vec![Seen::Asked("other.example".to_owned())]));
}
