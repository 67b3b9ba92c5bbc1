//! What the store keeps, shows and refuses.

mod crash;
mod files;
mod keys;
mod rows;
mod tamper;

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_types::{ClientId, GrantId, ObjectId, Person, Secret, TenantId, Timestamp};
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::{KeyFile, KeyWrap, KeyWrapError, Kind, Row, Scope, Store, StoreConfig, StoreError};

const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);
const HOUR: Duration = Duration::from_secs(3600);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A folder with room for a store and a key apart from it.
struct Place {
    root: tempfile::TempDir,
    wrap: Arc<TestWrap>,
    elapsed: Arc<Mutex<Duration>>,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let wrap = Arc::new(TestWrap {
            inner: KeyFile::open_or_create(
                &root.path().join("keys/store.key"),
                &root.path().join("data/store.db"),
            )
            .unwrap(),
            lost: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        });
        Self { root, wrap, elapsed: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("data/store.db")
    }

    async fn try_open(&self, anchored: u64, accept_rollback: bool) -> Result<Store, StoreError> {
        let elapsed = Arc::clone(&self.elapsed);
        let mut config = StoreConfig::new(self.path(), anchored);
        config.accept_rollback = accept_rollback;
        config.stopwatch = Arc::new(move || *elapsed.lock().unwrap());
        Store::open(config, Arc::clone(&self.wrap) as Arc<dyn KeyWrap>, NOW).await
    }

    async fn open(&self) -> Store {
        self.try_open(0, false).await.unwrap()
    }

    /// What somebody does who can write to the file.
    async fn raw(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }

    async fn tamper(&self, sql: &'static str) {
        let mut raw = self.raw().await;
        sqlx::raw_sql(sql).execute(&mut raw).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        raw.close().await.unwrap();
    }

    fn pass(&self, minutes: u64) {
        *self.elapsed.lock().unwrap() += Duration::from_secs(60 * minutes);
    }
}

/// A key file that counts, and that can be lost.
struct TestWrap {
    inner: KeyFile,
    lost: AtomicBool,
    asked: AtomicU64,
}

impl KeyWrap for TestWrap {
    fn id(&self) -> String {
        self.inner.id()
    }

    fn wrap(&self, key: &Secret<[u8; 32]>) -> BoxFuture<'_, Result<Vec<u8>, KeyWrapError>> {
        self.inner.wrap(key)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> BoxFuture<'_, Result<Secret<[u8; 32]>, KeyWrapError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            // Others come in between, as with a real one.
            tokio::task::yield_now().await;
            if self.lost.load(Ordering::SeqCst) {
                return Err(KeyWrapError::Away(String::from("the vault is gone")));
            }
            self.inner.unwrap(wrapped).await
        })
    }
}

fn tenant(number: u8) -> TenantId {
    TenantId::parse(&format!("72f988bf-86f1-41af-91ab-0000000000{number:02x}")).unwrap()
}

fn person(tenant_number: u8, number: u8) -> Person {
    let object = ObjectId::parse(&format!("0b1ec7ed-0000-4000-8000-0000000000{number:02x}")).unwrap();
    Person { tenant: tenant(tenant_number), object }
}

fn client() -> ClientId {
    ClientId::registered("https://client.example/metadata.json").unwrap()
}

fn row(kind: Kind, id: &[u8], body: &[u8]) -> Row {
    Row {
        kind,
        id: id.to_vec(),
        scope: Scope::Door,
        person: None,
        client: None,
        grant: None,
        expires: None,
        version: 1,
        body: Secret::new(body.to_vec()),
    }
}

/// A row with every column, of a person in a tenant.
fn full(kind: Kind, tenant_number: u8, number: u8) -> Row {
    Row {
        scope: Scope::Tenant(tenant(tenant_number)),
        person: Some(person(tenant_number, number)),
        client: Some(client()),
        grant: Some(GrantId([number; 16])),
        expires: Some(NOW.plus(HOUR)),
        ..row(kind, &[number; 16], format!("body of {number}").as_bytes())
    }
}

fn same(left: &Row, right: &Row) -> bool {
    left.kind == right.kind
        && left.id == right.id
        && left.scope == right.scope
        && left.person == right.person
        && left.client == right.client
        && left.grant == right.grant
        && left.expires == right.expires
        && left.version == right.version
        && left.body.expose() == right.body.expose()
}
