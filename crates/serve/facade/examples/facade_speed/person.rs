//! A person with a client and a new browser: from the client's request to its tokens.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_emulator::Running;
use doorward_net::{FetchLimits, Reach};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};

use crate::stage::{CLIENT, ISSUER, REDIRECT, RESOURCE, SCOPE, Stage};

const USER: &str = "alice@contoso.onmicrosoft.com";
const PASSWORD: &str = "correct-horse";
const FORM: &str = "application/x-www-form-urlencoded";
const VERIFIER: &str = "a-verifier-of-more-than-43-characters-for-the-speed-example";

/// How a sign-in ended.
pub(crate) struct SignedIn {
    /// What the door itself took for each of its four answers: question, decision, callback, token.
    pub(crate) own: Vec<Duration>,
    pub(crate) access_token: String,
}

/// Signs in once. Browser and place are new every time, so that the question is asked and no limit is met.
pub(crate) async fn sign_in(stage: &Stage, emulator: &Running, number: u32) -> SignedIn {
    let mut visit = Visit {
        stage,
        cookies: Vec::new(),
        own: Vec::new(),
        place: Ipv4Addr::from(0x0a00_0000 + number * 256).into(),
    };
    let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    let request = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_challenge", &URL_SAFE_NO_PAD.encode(challenge)),
        ("code_challenge_method", "S256"),
        ("state", "speed"),
        ("resource", RESOURCE),
        ("scope", SCOPE),
    ]);
    let question = visit.get(&format!("/authorize?{request}"), StatusCode::OK).await;
    let question = text(&question);
    let sealed = between(&question, "name=\"form\" value=\"", "\"");
    let decided = form(&[("form", sealed), ("decision", "allow")]);
    let to_entra = visit.post("/authorize/decide", decided, StatusCode::SEE_OTHER).await;
    let back = at_entra(stage, emulator, location(&to_entra)).await;
    let callback = back.strip_prefix(ISSUER).expect("Entra sends the browser back to the door");
    let to_client = visit.get(callback, StatusCode::SEE_OTHER).await;
    let code = between(location(&to_client), "code=", "&");
    let redeemed = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("resource", RESOURCE),
        ("code", code),
    ]);
    let tokens = visit.post("/token", redeemed, StatusCode::OK).await;
    let access_token = between(&text(&tokens), "\"access_token\":\"", "\"").to_owned();
    SignedIn { own: visit.own, access_token }
}

struct Visit<'a> {
    stage: &'a Stage,
    cookies: Vec<String>,
    own: Vec<Duration>,
    place: IpAddr,
}

impl Visit<'_> {
    async fn get(&mut self, path: &str, expected: StatusCode) -> Response<Bytes> {
        let request = Request::get(path).header(COOKIE, self.cookies.join("; ")).body(Bytes::new()).unwrap();
        self.send(request, expected).await
    }

    async fn post(&mut self, path: &str, body: String, expected: StatusCode) -> Response<Bytes> {
        let request = Request::post(path)
            .header(COOKIE, self.cookies.join("; "))
            .header(CONTENT_TYPE, FORM)
            .body(Bytes::from(body))
            .unwrap();
        self.send(request, expected).await
    }

    async fn send(&mut self, request: Request<Bytes>, expected: StatusCode) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let waited = self.stage.waited();
        let began = Instant::now();
        let answer = self.stage.facade.answer(request, Some(self.place)).await;
        self.own.push(began.elapsed().saturating_sub(self.stage.waited() - waited));
        let same =
            answer.status() == expected || (answer.status().is_redirection() && expected.is_redirection());
        assert!(same, "{path}: {} {}", answer.status(), text(&answer));
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap_or_default();
            self.cookies.push(pair.to_owned());
        }
        answer
    }
}

/// Types name and password at Entra, and returns where it sends the browser.
async fn at_entra(stage: &Stage, emulator: &Running, url: &str) -> String {
    let fetch =
        async |request| stage.connector.fetch(request, Reach::Public, FetchLimits::default()).await.unwrap();
    let page = text(&fetch(Request::get(url).body(Bytes::new()).unwrap()).await);
    let visit = between(&page, "name=\"visit\" value=\"", "\"");
    let typed = form(&[("visit", visit), ("action", "sign-in"), ("username", USER), ("password", PASSWORD)]);
    let request = Request::post(format!("{}/login", emulator.authority)).header(CONTENT_TYPE, FORM);
    let answer = fetch(request.body(Bytes::from(typed)).unwrap()).await;
    assert!(answer.status().is_redirection(), "Entra: {} {}", answer.status(), text(&answer));
    location(&answer).to_owned()
}

fn location(answer: &Response<Bytes>) -> &str {
    answer.headers().get(LOCATION).expect("a redirect says where to").to_str().unwrap()
}

pub(crate) fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).unwrap()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| {
        eprintln!("no {before} in {text}");
        std::process::exit(1)
    });
    rest.split(after).next().unwrap_or_default()
}

/// Writes a form, or a query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}
