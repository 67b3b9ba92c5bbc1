//! Many people who once signed in, and their clients, which refresh.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use bytes::Bytes;
use doorward_facade::Facade;
use doorward_issuer::family::{Family, refresh_token};
use doorward_oauth::{CallerKind, Groups};
use doorward_store::{Change, Kind, Row, Scope};
use doorward_types::{ClientId, GrantId, ObjectId, Person, Secret, ServerName, TenantId, Timestamp};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

use crate::person::{form, text};
use crate::stage::{CLIENT, REDIRECT, RESOURCE, SCOPE, SERVER, Stage, TENANT, now};

/// Families of one transaction.
const BATCH: usize = 1_000;
/// Entra's tokens of one sign-in, sealed: as long as real ones. No refresh here reads them, but they lie in its way.
const ENTRA_TOKENS: usize = 3_000;
/// A prime, so that families are met in an order that has nothing to do with how they were written.
const STRIDE: u64 = 1_000_003;

/// What the clients hold.
#[derive(Clone)]
pub(crate) struct Families {
    key: hmac::Key,
    client: ClientId,
    count: u32,
}

impl Families {
    /// Writes so many families as sign-ins leave them: the family, and Entra's tokens beside it.
    pub(crate) async fn write(stage: &Stage, count: u32) -> Self {
        let setting = stage.store.get(Kind::Setting, b"refresh", now()).await.unwrap();
        let setting = setting.expect("the façade has made its key");
        let key = hmac::Key::new(hmac::HMAC_SHA256, setting.body.expose());
        let client = ClientId::registered(CLIENT).unwrap();
        let (now, mut rows) = (now(), Vec::with_capacity(2 * BATCH));
        for number in 0..count {
            let family = family(number, &client, now);
            rows.push(row(Kind::Family, &family, family.to_record(), now));
            rows.push(row(Kind::EntraTokens, &family, vec![0; ENTRA_TOKENS], now));
            if rows.len() >= 2 * BATCH || number + 1 == count {
                let changes: Vec<Change<'_>> = rows.iter().map(Change::Insert).collect();
                assert!(stage.store.apply(&changes).await.unwrap(), "a family is there already");
                rows.clear();
            }
        }
        Self { key, client, count }
    }

    /// One client refreshes for the first time; every turn is another client's.
    pub(crate) async fn refresh(&self, facade: &Facade, turn: u32) {
        let number = u64::from(turn) * STRIDE % u64::from(self.count);
        let grant = grant(u32::try_from(number).unwrap());
        let token = refresh_token(&self.key, &grant, 0, &self.client);
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", token.expose()),
        ]);
        let request = Request::post("/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = facade.answer(request.body(Bytes::from(body)).unwrap(), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", text(&answer));
    }

    /// Refreshes come at a pace, whether or not those before them are answered.
    pub(crate) async fn refresh_at_pace(
        &self,
        facade: &Arc<Facade>,
        from: u32,
        count: u64,
        pace: Duration,
    ) -> Vec<Duration> {
        let mut clock = tokio::time::interval(pace);
        let mut tasks = tokio::task::JoinSet::new();
        for turn in (from..).take(usize::try_from(count).unwrap()) {
            clock.tick().await;
            let began = Instant::now();
            let (facade, families) = (Arc::clone(facade), self.clone());
            tasks.spawn(async move {
                families.refresh(&facade, turn).await;
                began.elapsed()
            });
        }
        tasks.join_all().await
    }
}

/// Names of sign-ins are random, so their rows lie anywhere.
fn grant(number: u32) -> GrantId {
    let hash = digest(&SHA256, &number.to_be_bytes());
    GrantId(*hash.as_ref().first_chunk().unwrap())
}

fn family(number: u32, client: &ClientId, now: Timestamp) -> Family {
    let object = ObjectId::parse(&format!("{number:08x}-0000-4000-8000-000000000001")).unwrap();
    Family {
        grant: grant(number),
        person: Person { tenant: TenantId::parse(TENANT).unwrap(), object },
        client: client.clone(),
        redirect: REDIRECT.to_owned(),
        resource: RESOURCE.to_owned(),
        server: ServerName::parse(SERVER).unwrap(),
        scopes: vec![SCOPE.to_owned()],
        roles: vec!["Reader".to_owned()],
        groups: Groups::Absent,
        name: Some(format!("Person {number}")),
        counter: 0,
        rotated: now,
        born: now,
        used: now,
        confirmed: now,
        challenge: None,
        jkt: None,
        kind: CallerKind::User,
    }
}

fn row(kind: Kind, family: &Family, body: Vec<u8>, now: Timestamp) -> Row {
    Row {
        kind,
        id: family.grant.0.to_vec(),
        scope: Scope::Tenant(family.person.tenant.clone()),
        person: Some(family.person.clone()),
        client: Some(family.client.clone()),
        grant: Some(family.grant),
        expires: Some(now.plus(Duration::from_secs(86_400))),
        version: 1,
        body: Secret::new(body),
    }
}
