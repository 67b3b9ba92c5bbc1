mod begin;
mod documents;
mod mix_up;

use bytes::Bytes;
use doorward_types::{ObjectId, Person, Secret, ServerName, TenantId, Timestamp};

use super::*;

const ISSUER: &str = "https://as.example";
const SERVER: &str = "https://tasks.example/mcp";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn metadata(issuer: &str, more: &str) -> String {
    format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/authorize","token_endpoint":"{issuer}/token","code_challenge_methods_supported":["S256"]{more}}}"#
    )
}

fn authority(issuer: &str, more: &str) -> AsMetadata {
    AsMetadata::read(issuer, metadata(issuer, more).into(), false).unwrap()
}

fn person(last: char) -> Person {
    let id = format!("11111111-2222-3333-4444-55555555555{last}");
    Person { tenant: TenantId::parse(&id).unwrap(), object: ObjectId::parse(&id).unwrap() }
}

fn client(issuer: &str) -> Client {
    Client { issuer: issuer.to_owned(), id: "door".to_owned(), secret: None }
}

fn begin(authority: &AsMetadata) -> (String, Pending) {
    let start = Start {
        person: person('1'),
        server: ServerName::parse("tasks").unwrap(),
        resource: SERVER,
        authority,
        client: &client(&authority.issuer),
        redirect_uri: "https://door.example/oauth/upstream/callback",
        scopes: vec!["read".to_owned(), "write".to_owned()],
        state: Secret::new("state".to_owned()),
        verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()),
        now: NOW,
    };
    start.begin().unwrap()
}

fn good<'a>() -> Callback<'a> {
    Callback { state: Some("state"), iss: Some(ISSUER), code: Some("code"), error: None }
}

fn tokens(body: &str) -> Result<Tokens, TokensError> {
    read_tokens(Bytes::copy_from_slice(body.as_bytes()))
}
