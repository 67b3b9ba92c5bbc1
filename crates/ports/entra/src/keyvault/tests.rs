use std::collections::BTreeSet;

use super::*;
use crate::script::Script;
use doorward_net::{FetchFailed, Fetching};

const VAULT: &str = "https://contoso.vault.azure.net";
const SECRET: &str = "https://contoso.vault.azure.net/secrets/crm";
const KEY: &str = "https://contoso.vault.azure.net/keys/root";
const CHALLENGE: &str =
    r#"Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net""#;

/// A vault with one key in versions. What its key does is made up, except for who can do it: anybody wraps.
#[derive(Clone)]
struct Vault(Arc<Mutex<State>>);

struct State {
    newest: u8,
    operations: Vec<&'static str>,
    challenge: String,
    /// What was asked: method and path, with a token or without, and whether a body came.
    seen: Vec<(String, bool, bool)>,
}

impl Vault {
    fn new() -> Self {
        let state = State {
            newest: 1,
            operations: NEEDED.to_vec(),
            challenge: CHALLENGE.to_owned(),
            seen: Vec::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    fn wrapped(key: &[u8], version: &str) -> Vec<u8> {
        [version.as_bytes(), &key.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>()].concat()
    }

    fn signature(hash: &str, version: &str) -> String {
        let text = format!("known to the vault alone {version} {hash}");
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    fn answer(&self, request: &Request<Bytes>) -> (u16, String) {
        let mut state = self.0.lock().unwrap();
        let path = request.uri().path().to_owned();
        let token = request.headers().get("authorization").is_some_and(|token| token == "Bearer hush-token");
        state.seen.push((format!("{} {path}", request.method()), token, !request.body().is_empty()));
        assert_eq!(request.uri().query(), Some("api-version=7.4"));
        if !token {
            return (401, String::new());
        }
        let body = Tree::parse(request.body().clone(), &LIMITS).ok();
        let text =
            |name: &str| body.as_ref().and_then(|body| Some(body.root().get(name)?.as_str()?.into_owned()));
        let value = text("value").unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let made = match parts[..] {
            ["keys", "root"] => {
                let operations: Vec<String> = state.operations.iter().map(|it| format!("{it:?}")).collect();
                let (newest, operations) = (state.newest, operations.join(","));
                return (
                    200,
                    format!(
                        r#"{{"key":{{"kid":"{KEY}/{newest}","kty":"RSA-HSM","key_ops":[{operations}]}}}}"#
                    ),
                );
            }
            ["keys", "root", version, "wrapkey"] => {
                URL_SAFE_NO_PAD.encode(Self::wrapped(&URL_SAFE_NO_PAD.decode(value).unwrap(), version))
            }
            ["keys", "root", version, "unwrapkey"] => {
                let wrapped = URL_SAFE_NO_PAD.decode(value).unwrap();
                let Some(rest) = wrapped.strip_prefix(version.as_bytes()) else {
                    return (400, String::new());
                };
                URL_SAFE_NO_PAD.encode(rest.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>())
            }
            ["keys", "root", version, "sign"] => Self::signature(&value, version),
            ["keys", "root", version, "verify"] => {
                let verdict = Self::signature(&text("digest").unwrap(), version) == value;
                return (200, format!(r#"{{"value":{verdict}}}"#));
            }
            _ => return (404, r#"{"error":{"code":"KeyNotFound","message":"hush"}}"#.to_owned()),
        };
        (200, format!(r#"{{"kid":"x","value":"{made}"}}"#))
    }

    fn seen(&self) -> Vec<(String, bool, bool)> {
        std::mem::take(&mut self.0.lock().unwrap().seen)
    }
}

impl Fetch for Vault {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        let (status, body) = self.answer(&request);
        let challenge = self.0.lock().unwrap().challenge.clone();
        let response = Response::builder().status(status).header("www-authenticate", challenge);
        Box::pin(
            async move { response.body(Bytes::from(body)).map_err(|error| FetchFailed(error.to_string())) },
        )
    }
}

/// An asker with a token that must not show, and the scopes it was asked for.
fn asker(fetch: impl Fetch) -> (KeyVault, Arc<Mutex<BTreeSet<String>>>) {
    let scopes: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let asked = Arc::clone(&scopes);
    let token: VaultToken = Arc::new(move |scope: &str| {
        asked.lock().unwrap().insert(scope.to_owned());
        Box::pin(async { Ok(Arc::new(Secret::new("hush-token".to_owned()))) })
    });
    (KeyVault::new(Arc::new(fetch), token), scopes)
}

fn seen(line: &str, token: bool, body: bool) -> (String, bool, bool) {
    (line.to_owned(), token, body)
}

// control: MSI-02: before a vault has said who it is it gets neither a token nor what is asked, and that is asked once
#[tokio::test]
async fn nothing_goes_out_before_the_vault_has_said_who_it_is() {
    let vault = Vault::new();
    let (asker, scopes) = asker(vault.clone());
    let wrapped = asker.wrap(KEY, &[7; 32]).await.unwrap();
    assert_eq!(
        vault.seen(),
        [
            seen("GET /keys/root", false, false),
            seen("GET /keys/root", true, false),
            seen("POST /keys/root/1/wrapkey", true, true),
            seen("POST /keys/root/1/sign", true, true),
        ]
    );
    asker.unwrap(KEY, &wrapped).await.unwrap();
    assert!(vault.seen().iter().all(|(_, token, _)| *token), "a vault is asked once");
    assert_eq!(*scopes.lock().unwrap(), BTreeSet::from(["https://vault.azure.net/.default".to_owned()]));
    let (fresh, _) = self::asker(vault.clone());
    fresh.unwrap(KEY, &wrapped).await.unwrap();
    assert_eq!(vault.seen()[0], seen("POST /keys/root/1/verify", false, false), "no body without a token");
}

// control: MSI-02: a key that was rotated in the vault still unwraps what its older version wrapped
#[tokio::test]
async fn a_rotated_key_unwraps_what_it_wrapped_before() {
    let vault = Vault::new();
    let (asker, _) = asker(vault.clone());
    let old = asker.wrap(KEY, &[1; 32]).await.unwrap();
    vault.0.lock().unwrap().newest = 2;
    let new = asker.wrap(KEY, &[2; 32]).await.unwrap();
    for (wrapped, key) in [(&old, 1), (&new, 2)] {
        for url in [KEY, "https://contoso.vault.azure.net/keys/root/2"] {
            assert_eq!(asker.unwrap(url, wrapped).await.unwrap().expose(), &[key; 32]);
        }
    }
    assert!(vault.seen().iter().any(|(line, ..)| line == "POST /keys/root/2/wrapkey"));
}

/// What somebody makes who has the public half of the key and can write the file, but not ask the vault to sign.
fn forged(kid: &str, signature: &[u8]) -> Vec<u8> {
    let made = Wrapped {
        kid: kid.to_owned(),
        wrapped: Vault::wrapped(&[66; 32], "1"),
        signature: signature.to_vec(),
    };
    made.write().into_bytes()
}

// control: MSI-02: a key that somebody wrapped with the public half is not taken for the door's
#[tokio::test]
async fn what_the_vault_did_not_sign_is_refused() {
    let vault = Vault::new();
    let (asker, _) = asker(vault.clone());
    let genuine = asker.wrap(KEY, &[1; 32]).await.unwrap();
    let signature = Wrapped::read(&genuine).unwrap().signature;
    vault.seen();
    let v1 = format!("{KEY}/1");
    for wrapped in [forged(&v1, b"?"), forged(&v1, &signature), forged(&format!("{KEY}/2"), &signature)] {
        let error = asker.unwrap(KEY, &wrapped).await.err().unwrap();
        assert!(matches!(error, KeyVaultError::NotOurs { .. }), "{error}");
    }
    assert!(
        !vault.seen().iter().any(|(line, ..)| line.ends_with("unwrapkey")),
        "refused before it is unwrapped"
    );

    // Without the signature the attack succeeds: the vault unwraps whatever was wrapped for it.
    let place = Place::parse(&v1, "keys", None).unwrap();
    let naive = asker.operate(&place, "unwrapkey", "RSA-OAEP-256", &Vault::wrapped(&[66; 32], "1")).await;
    assert_eq!(naive.unwrap(), [66; 32]);
}

// control: MSI-02: what is to be unwrapped cannot name another key, another vault or another host to ask
#[tokio::test]
async fn what_is_unwrapped_names_no_other_key() {
    let vault = Vault::new();
    let (asker, _) = asker(vault.clone());
    for kid in [
        "https://evil.example/keys/root/1",
        "https://other.vault.azure.net/keys/root/1",
        "https://contoso.vault.azure.net/keys/other/1",
        "https://contoso.vault.azure.net/keys/root",
        "https://contoso.vault.azure.net/secrets/root/1",
        "https://contoso.vault.azure.net/keys/root/1/../../other/1",
        "http://contoso.vault.azure.net/keys/root/1",
        "x",
    ] {
        let error = asker.unwrap(KEY, &forged(kid, b"?")).await.err().unwrap();
        assert!(matches!(error, KeyVaultError::NotOurs { .. }), "{kid}: {error}");
    }
    for bad in [
        &b""[..],
        b"x",
        b"doorward-vault-1",
        b"doorward-vault-1.YQ.YQ",
        b"doorward-vault-1.YQ.YQ.",
        b"doorward-vault-1.YQ.YQ.YQ.YQ",
        &[0xff; 40],
        &[b'.'; 9000],
    ] {
        assert!(matches!(asker.unwrap(KEY, bad).await, Err(KeyVaultError::NotOurs { .. })));
    }
    assert_eq!(vault.seen(), [], "nothing was asked");
}

// control: MSI-02: a key that cannot sign is refused before anything is wrapped with it, and the refusal says why
#[tokio::test]
async fn a_key_that_cannot_sign_wraps_nothing() {
    for left_out in NEEDED {
        let vault = Vault::new();
        vault.0.lock().unwrap().operations.retain(|operation| *operation != left_out);
        let error = asker(vault.clone()).0.wrap(KEY, &[1; 32]).await.err().unwrap();
        assert_eq!(error, KeyVaultError::Operations { key: KEY.to_owned(), missing: vec![left_out] });
        assert!(error.to_string().contains("--ops wrapKey unwrapKey sign verify"), "{error}");
        assert!(vault.seen().iter().all(|(line, ..)| line.starts_with("GET")));
    }
}

// control: MSI-02: a host that asks for tokens for another's API gets none
#[tokio::test]
async fn a_foreign_challenge_gets_no_token() {
    for resource in
        ["https://graph.microsoft.com", "https://evil.example", "http://vault.azure.net", "https://net"]
    {
        let vault = Vault::new();
        vault.0.lock().unwrap().challenge = format!(r#"Bearer resource="{resource}""#);
        let (asker, scopes) = asker(vault.clone());
        let error = asker.secret(SECRET).await.err().unwrap();
        assert!(matches!(error, KeyVaultError::ForeignChallenge { .. }), "{resource}: {error}");
        assert!(scopes.lock().unwrap().is_empty() && vault.seen().len() == 1, "{resource}");
    }
    // A vault that changes its mind later gains nothing either.
    let vault = Vault::new();
    let (asker, scopes) = asker(vault.clone());
    asker.wrap(KEY, &[1; 32]).await.unwrap();
    let script = Script::new();
    let url = format!("{SECRET}?api-version=7.4");
    script.answer_with(
        &url,
        401,
        &[("www-authenticate", r#"Bearer resource="https://graph.microsoft.com""#)],
        "",
    );
    let turned = KeyVault { fetch: Arc::new(script.clone()), ..asker };
    assert!(matches!(turned.secret(SECRET).await, Err(KeyVaultError::ForeignChallenge { .. })));
    assert_eq!((script.count(), scopes.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_lab_may_ask_under_another_name_and_only_it() {
    let script = Script::new();
    let lab = "http://127.0.0.1:9/secrets/crm";
    script.answer_with(&format!("{lab}?api-version=7.4"), 401, &[("www-authenticate", CHALLENGE)], "");
    let (asker, scopes) = asker(script.clone());
    assert!(matches!(asker.secret(lab).await, Err(KeyVaultError::Url { .. })), "plain HTTP");
    let asker = asker.in_lab(Origin::parse("http://127.0.0.1:9").unwrap());
    let error = asker.secret(lab).await.err().unwrap();
    assert!(matches!(error, KeyVaultError::Refused { status: 401, .. }), "{error}");
    assert_eq!((script.count(), scopes.lock().unwrap().len()), (2, 1));
}

// control: MSI-02, TOK-07: each refusal of a vault's says what to do, and nothing of a secret or a token is in it
#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let url = format!("{SECRET}?api-version=7.4");
    let nested = |inner: &str| {
        format!(r#"{{"error":{{"code":"Forbidden","message":"hush","innererror":{{"code":"{inner}"}}}}}}"#)
    };
    let cases = [
        (200, r#"{"value":"hush-secret"}"#.to_owned(), None),
        (200, r#"{"value":1,"id":"hush"}"#.to_owned(), Some("no value")),
        (200, "hush".to_owned(), Some("not valid JSON")),
        (403, nested("ForbiddenByRbac"), Some("Key Vault Secrets User")),
        (403, nested("ForbiddenByFirewall"), Some("firewall")),
        (403, nested("SecretDisabled"), Some("enable it")),
        (403, nested("KeyOperationForbidden"), Some("--ops")),
        (403, nested("hush hush"), Some("403 -;")),
        (
            404,
            r#"{"error":{"code":"SecretNotFound","message":"hush"}}"#.to_owned(),
            Some("az keyvault secret recover"),
        ),
        (429, String::new(), Some("a pause of 7 s")),
        (500, "hush".to_owned(), Some("trouble of its own")),
    ];
    for (status, body, expected) in cases {
        let script = Script::new();
        script.answer_with(&url, status, &[("retry-after", "7")], body);
        let (asker, _) = asker(script.clone());
        let place = Place::parse(SECRET, "secrets", None).unwrap();
        asker.scopes().insert(place.origin().clone(), "https://vault.azure.net/.default".to_owned());
        match (asker.secret(SECRET).await, expected) {
            (Ok(secret), None) => assert_eq!(secret.expose(), "hush-secret"),
            (Err(error), Some(expected)) => {
                let text = format!("{error} {error:?}");
                assert!(text.contains(expected) && text.contains(VAULT) && !text.contains("hush"), "{text}");
            }
            (outcome, _) => panic!("{status}: {}", outcome.is_ok()),
        }
        assert_eq!(script.seen()[0].authorization.as_deref(), Some("Bearer hush-token"));
    }
    let script = Script::new();
    let refused: VaultToken = Arc::new(|_: &str| Box::pin(async { Err("AADSTS700016".to_owned()) }));
    let asker = KeyVault::new(Arc::new(script.clone()), refused);
    assert!(matches!(asker.secret(SECRET).await, Err(KeyVaultError::Unreachable { .. })));
    script.answer(&url, 200, "{}");
    assert!(matches!(asker.secret(SECRET).await, Err(KeyVaultError::BadAnswer { .. })), "open to anybody");
    script.answer(&url, 401, "");
    assert!(matches!(asker.secret(SECRET).await, Err(KeyVaultError::BadAnswer { .. })), "no challenge");
    script.answer_with(&url, 401, &[("www-authenticate", CHALLENGE)], "");
    let error = asker.secret(SECRET).await.err().unwrap();
    assert!(error.to_string().contains("AADSTS700016"), "{error}");
    for bad in ["", "x", KEY, "http://contoso.vault.azure.net/secrets/crm"] {
        assert!(matches!(asker.secret(bad).await, Err(KeyVaultError::Url { .. })), "{bad}");
    }
}
