//! The way out: programs of several sorts reach the host that is named, and no other.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use doorward_sandbox::{
    HostPort, Launcher, Learning, Outward, Packaged, Profile, Seen, Wanted, start, start_learning,
};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{PYTHON, as_person};

const HOST: &str = "api.example.com";

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
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
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
    let body = match request.split(' ').nth(1) {
        Some("/notes") => registered().into_bytes(),
        Some("/notes.tgz") => archive(),
        _ => b"reached".to_vec(),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _gone = stream.write_all(&[head.into_bytes(), body].concat()).await;
    let _gone = stream.shutdown().await;
}

/// A package whose installation would leave a mark and whose program tries the network.
const PACKAGE: &str = r#"{"name":"notes","version":"1.0.0","bin":{"notes":"main.js"},"scripts":{"postinstall":"touch ../../installed"}}"#;
const PROGRAM: &str = "fetch('https://api.example.com/').then(() => console.log('OUT'), () => console.log('alone ' + process.argv[2]))";

/// What a registry says of it.
fn registered() -> String {
    let dist = format!(r#"{{"tarball":"https://{HOST}/notes.tgz"}}"#);
    let version = PACKAGE.replacen('{', &format!(r#"{{"hasInstallScript":true,"dist":{dist},"#), 1);
    format!(r#"{{"name":"notes","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{version}}}}}"#)
}

fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("package")).unwrap();
    std::fs::write(folder.path().join("package/package.json"), PACKAGE).unwrap();
    std::fs::write(folder.path().join("package/main.js"), PROGRAM).unwrap();
    let tar =
        std::process::Command::new("tar").args(["-czf", "-", "package"]).current_dir(folder.path()).output();
    tar.unwrap().stdout
}

/// Runs a program that may reach the host, and gives back what it printed and what was seen at the way out.
fn reach(command: &[&str]) -> (String, Vec<Seen>) {
    let profile = Profile::parse(&format!("net {HOST} {HOST}:80 {HOST}:8443")).unwrap();
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    carried(Wanted { command, env: vec![], cwd: None }, profile, None)
}

fn carried(mut wanted: Wanted, mut profile: Profile, learning: Option<Learning>) -> (String, Vec<Seen>) {
    let folder = persons_folder();
    let certificate = folder.path().join("ca.pem");
    profile.files_read.push(folder.path().to_owned());
    let named = |name: &str| (name.to_owned(), certificate.to_str().unwrap().to_owned());
    wanted.env.extend(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].map(named));
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

fn persons_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(crate::PERSON), Some(crate::PERSON)).unwrap();
    folder
}

fn host(port: u16) -> HostPort {
    HostPort { host: HOST.to_owned(), port }
}

// control: D-24: Each program reaches the host of its profile, by its own means, and nothing else.
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
}

// control: D-24: Another name at an allowed host's address, bytes that name nobody, and every other address are refused.
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
    // What never comes to the way out: other names, other addresses, and other protocols.
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
    let wanted = Wanted { command, env: vec![], cwd: None };
    let learned = carried(wanted, profile, Some(Learning::default()));
    assert_eq!(learned, ("no\n".repeat(10), vec![Seen::Asked("other.example".to_owned())]));
}

// control: D-24: A package comes from its registry without running its scripts, and its program runs without network.
#[test]
fn npx_goes_in_two_steps() {
    let command = ["npx", "-y", "notes", "argument"].map(str::to_owned);
    let packaged = Packaged::of(&command).unwrap().unwrap();
    let folder = persons_folder();
    let (wanted, profile) = packaged.fetch(&format!("https://{HOST}/"), folder.path()).unwrap();
    let (_, seen) = carried(wanted, profile, None);
    let reached = !seen.is_empty() && seen.iter().all(|one| *one == Seen::Connected(host(443)));
    assert!(reached, "{seen:?}");
    assert!(!folder.path().join("installed").exists(), "a script of the package ran");
    // The same with scripts, to see that there is one.
    let careless = persons_folder();
    let (mut wanted, profile) = packaged.fetch(&format!("https://{HOST}/"), careless.path()).unwrap();
    wanted.command.retain(|part| part != "--ignore-scripts");
    carried(wanted, profile, None);
    assert!(careless.path().join("installed").exists(), "no script ran");
    let command = packaged.program(folder.path()).unwrap();
    let profile = Profile { files_read: vec![folder.path().to_owned()], ..Profile::default() };
    let ran = carried(Wanted { command, env: vec![], cwd: None }, profile, None);
    assert_eq!(ran, ("alone argument\n".to_owned(), vec![]));
}
