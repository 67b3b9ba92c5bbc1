//! `doorward login` with Chromium as the system's browser, before the emulated Entra.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::Recorded;
use doorward_testkit::{Appears, Kit, Lab, Ran, command, run, within};
use serde_json::{Value, json};

const GUARD: &str = "90a2d000-0000-4000-8000-0000000000c7";
const CLAIMS: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

/// A person's machine.
struct House {
    kit: Kit,
    lab: Lab,
    pictures: PathBuf,
}

/// What became of a sign-in: for the program, and for the browser.
struct SignIn {
    ran: Ran,
    seen: Value,
}

impl House {
    async fn new() -> Self {
        let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
        let lab = Lab::start().await;
        let (authority, graph) = (&lab.emulator.authority, &lab.emulator.graph);
        let config = format!(
            r#"
[guard]
tenant = "c0175050-0000-4000-8000-000000000001"
client_id = "{GUARD}"
cache = "insecure-file"
cache_dir = "tokens"
broker = false

[insecure_lab]
authority = "{authority}"
graph = "{graph}"
ca_file = "lab/ca.pem"
"#
        );
        std::fs::write(lab.folder().join("doorward.toml"), config).expect("the folder is ours");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target folder");
        let pictures = target.join("screenshots-login");
        std::fs::create_dir_all(&pictures).expect("the target folder can be written");
        Self { kit, lab, pictures }
    }

    /// Runs `doorward login` on a desktop whose browser is Chromium with somebody before it.
    async fn login(&self, name: &str, declines: bool, meanwhile: &[&str]) -> SignIn {
        let folder = self.lab.folder();
        let (plan, told) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.told")));
        let text = json!({
            "chromium": "/usr/bin/chromium", "picture": self.pictures.join(format!("{name}.png")),
            "username": "alice@contoso.onmicrosoft.com", "password": "correct-horse",
            "declines": declines, "meanwhile": meanwhile, "told": told,
        });
        std::fs::write(&plan, text.to_string()).expect("the folder is ours");
        let (node, script) = (self.kit.node(), self.kit.script("login.mjs"));
        let words = [node, script, plan].map(|path| format!("'{}'", path.display())).join(" ");
        let opener = folder.join("bin/xdg-open");
        std::fs::create_dir_all(folder.join("bin")).expect("the folder is ours");
        let log = folder.join("opener.log");
        let script = format!("#!/bin/sh\nexec {words} \"$1\" >>'{}' 2>&1\n", log.display());
        std::fs::write(&opener, script).expect("the folder is ours");
        std::fs::set_permissions(&opener, PermissionsExt::from_mode(0o700)).expect("it is ours");

        let appears = Appears::watch(&told);
        let mut login = command(folder);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path));
        login.env("PATH", std::env::join_paths(path).expect("PATH was joined before"));
        login.env("DISPLAY", ":99").env("HOME", folder).arg("login");
        login.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = within("the sign-in to end", login.output()).await.expect("DOORWARD_BIN can be started");
        let seen = within("the browser to end", appears.text()).await;
        let seen: Value = serde_json::from_str(&seen).expect("the browser tells JSON");
        let said = std::fs::read_to_string(log).unwrap_or_default();
        assert!(seen["broke"].is_null(), "{seen:#}\n{said}");
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        SignIn { ran, seen }
    }

    async fn whoami(&self) -> Ran {
        run(self.lab.folder(), ["--json", "whoami"]).await
    }

    /// What Entra was asked since the last call, without what browsers ask of their own accord.
    fn asked(&self) -> Vec<Recorded> {
        let control = self.lab.emulator.control();
        let mut seen = control.transcript();
        control.clear_transcript();
        seen.retain(|entry| !entry.path.ends_with("/favicon.ico"));
        seen
    }

    /// The files in which tokens lie.
    fn kept(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.lab.folder().join("tokens")).into_iter().flatten();
        let files = files.map(|entry| entry.expect("the folder can be read").path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "cache")).collect()
    }
}

impl SignIn {
    /// The page at the end, which says nothing of how it went, and from which nothing leads back.
    fn closes(&self) {
        let last = &self.seen["last"];
        assert_eq!((&last["status"], &last["text"]), (&200.into(), &CLOSE.into()), "{:#}", self.seen);
        assert!(last["url"].as_str().is_some_and(|url| url.ends_with("/done")), "{last}");
        // Loaded anew it is the same page, or nobody is there any more; the answer is worth nothing a second time.
        let anew = &self.seen["anew"];
        assert!(anew["error"].is_string() || anew["text"] == CLOSE, "{anew}");
        let again = &self.seen["again"];
        assert!(again["error"].is_string() || again["status"] == 410, "{again}");
    }
}

const CLOSE: &str = "Back to the terminal: you may close this page.";

fn names(asked: &[Recorded]) -> Vec<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    asked.iter().map(|entry| format!("{} {}", entry.method, last(&entry.path))).collect()
}

// control: guard-b: a person signs in in Chromium, opened by the system's opener; Entra gets exactly these requests, and from then on nobody is asked
// control: LOC-02: towards Entra the door's challenge is S256 of a verifier that only it has, with a state and a nonce, and the answer goes to loopback
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_on_their_machine() {
    let house = House::new().await;
    let signed = house.login("signed-in", false, &[]).await;
    assert_eq!(signed.ran.code, Some(0), "{}\n{:#}", signed.ran.err, signed.seen);
    assert_eq!(signed.ran.out, "signed in: alice@contoso.onmicrosoft.com Alice Archer\n");
    signed.closes();

    let asked = house.asked();
    assert_eq!(
        names(&asked),
        ["GET authorize", "POST login", "POST token", "GET openid-configuration", "GET keys"]
    );
    let [authorize, login, token, ..] = &asked[..] else { panic!("{asked:?}") };
    let chromium = |entry: &Recorded| entry.headers["user-agent"].contains("Chrome/");
    assert!(chromium(authorize) && chromium(login), "{authorize:?}");
    assert!(!token.headers.get("user-agent").is_some_and(|agent| agent.contains("Chrome/")));

    let start = signed.seen["start"].as_str().expect("an address was opened");
    let (loopback, secret) = start.rsplit_once('/').expect("an address with a path");
    let port = loopback.strip_prefix("http://localhost:").expect("loopback, without TLS");
    assert!(port.parse::<u16>().is_ok() && secret.len() == 43, "{start}");
    let scope = format!("offline_access openid profile {}/User.Read", house.lab.emulator.graph);
    let sent = pairs(&authorize.query);
    let value = |name: &str| {
        let found = sent.iter().find(|(key, _)| key == name);
        found.map_or_else(|| panic!("no {name} in {sent:?}"), |(_, value)| value.as_str())
    };
    let (state, nonce, challenge) = (value("state"), value("nonce"), value("code_challenge"));
    let expected = [
        ("client_id", GUARD),
        ("response_type", "code"),
        ("redirect_uri", loopback),
        ("response_mode", "query"),
        ("scope", &scope),
        ("state", state),
        ("nonce", nonce),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("claims", CLAIMS),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!([state, nonce, challenge].iter().all(|random| random.len() == 43), "{sent:?}");
    assert!(state != nonce && ![state, nonce, challenge].contains(&secret), "{start} {sent:?}");

    // The browser brought one answer, with the state; its code was redeemed with the verifier, which no browser ever saw.
    let visited = signed.seen["visited"].as_array().expect("pages were visited");
    let back: Vec<_> = visited.iter().filter_map(|page| page["url"].as_str()?.split_once("/?")).collect();
    let [(at, answer)] = back[..] else { panic!("{visited:?}") };
    let answer = pairs(answer);
    assert_eq!(at, loopback);
    assert!(answer.contains(&("state".to_owned(), state.to_owned())), "{answer:?}");
    let (_, code) = answer.iter().find(|(name, _)| name == "code").expect("a code");
    let form = pairs(&token.body);
    let (_, verifier) = form.iter().find(|(name, _)| name == "code_verifier").expect("a verifier");
    let expected = [
        ("grant_type", "authorization_code"),
        ("client_id", GUARD),
        ("code", code),
        ("code_verifier", verifier),
        ("redirect_uri", loopback),
        ("scope", &scope),
        ("claims", CLAIMS),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())), challenge);
    assert!(!signed.seen.to_string().contains(verifier.as_str()) && !signed.ran.err.contains(code));

    let who = house.whoami().await;
    let who: Value = serde_json::from_str(&who.out).unwrap_or_else(|error| panic!("{error}: {}", who.err));
    assert_eq!((&who["from"], &who["account"]["name"]), (&"cache".into(), &"Alice Archer".into()));
    assert_eq!(names(&house.asked()), [""; 0], "nobody is asked again, Entra neither");
}

// control: guard-b: a person who declines in Chromium is told so where they asked, and nothing is kept
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_declines() {
    let house = House::new().await;
    let declined = house.login("declined", true, &[]).await;
    let SignIn { ran, .. } = &declined;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
    assert!(ran.err.contains("the sign-in was refused: access_denied (AADSTS65004: "), "{}", ran.err);
    declined.closes();
    assert_eq!(names(&house.asked()), ["GET authorize", "POST login"], "no token was asked for");
    assert_eq!(house.kept(), [""; 0].map(PathBuf::from));
    let who = house.whoami().await;
    assert!(who.code == Some(1) && who.err.contains("nobody is signed in"), "{}", who.err);
}

/// Answers that somebody who does not know the state makes up.
const GUESSED: [&str; 3] =
    ["/?code=stolen&state=guess", "/?error=access_denied&state=guess", "/?code=stolen"];

// control: LOC-02: answers that are made up in the person's own browser are refused, the person loads Entra's page anew, and the true answer still comes through
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_answer_is_refused_and_the_true_one_counts() {
    let house = House::new().await;
    let signed = house.login("forged", false, &GUESSED).await;
    for answer in signed.seen["meanwhile"].as_array().expect("they were opened") {
        assert_eq!(answer["status"], 400, "{answer}");
        assert!(!answer["text"].as_str().is_some_and(|text| text.contains("stolen")), "{answer}");
    }
    assert_eq!(signed.ran.code, Some(0), "{}\n{:#}", signed.ran.err, signed.seen);
    signed.closes();
    let redeemed = house.asked().iter().filter(|entry| entry.path.ends_with("/token")).count();
    assert_eq!(redeemed, 1, "the made-up code was not tried");
    assert_eq!(house.whoami().await.code, Some(0));
}

// control-off: LOC-02: it is the state that stops them: who knows it ends the sign-in with the same made-up answer
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_the_state_is_believed() {
    let house = House::new().await;
    let ended = house.login("known", false, &["/?error=access_denied&state=STATE"]).await;
    assert_eq!(ended.seen["meanwhile"][0]["text"], CLOSE, "{:#}", ended.seen);
    assert_eq!(ended.ran.code, Some(1), "{}", ended.ran.err);
    assert!(ended.ran.err.contains("the sign-in was refused: access_denied"), "{}", ended.ran.err);
    assert_eq!(house.kept(), [""; 0].map(PathBuf::from));
}

/// Reads a form or a query.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().replace('+', " ").into_bytes();
    for piece in pieces {
        let (hex, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8(bytes).expect("a form is UTF-8")
}
