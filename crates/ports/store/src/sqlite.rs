//! The database: SQLite through sqlx. Everything that is SQL stands here; PostgreSQL will be another file like it.
//!
//! One connection writes and a few read; a write waits for another process's for five seconds. Nothing here knows a key.

mod schema;

use std::ops::DerefMut;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, Sqlite, SqliteConnection, Transaction};

use crate::row::person_text;
use crate::seal::Sealed;
use crate::{Kind, Revoked, StoreError};

const PATIENCE: Duration = Duration::from_secs(5);
const READERS: u32 = 4;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT kind, id, scope, person, client, grant_id, expires, generation, version, body FROM door_rows ",
            $rest
        )
    };
}

/// Which rows to read.
#[derive(Clone, Copy)]
pub(crate) enum Query<'a> {
    One(Kind, &'a [u8]),
    OfPerson(Kind, &'a str),
    OfClient(Kind, &'a str),
    OfGrant(Kind, &'a [u8]),
    /// Those whose id begins so.
    Under(Kind, &'a [u8]),
    All(Kind),
}

/// The wrapped root key.
pub(crate) struct Root {
    pub(crate) generation: i64,
    pub(crate) wrap: String,
    pub(crate) wrapped: Vec<u8>,
}

/// The open database.
pub(crate) struct Database {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A connection, or a transaction on it, with the path that its errors name.
pub(crate) struct Session<'a, C> {
    conn: C,
    path: &'a Path,
}

pub(crate) type Tx<'a> = Session<'a, Transaction<'a, Sqlite>>;

impl Database {
    /// Opens the file, which exists, and brings its tables up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let wrong = |error| StoreError::database("open", path, error);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(PATIENCE)
            // What is deleted is overwritten: a sealed row whose key leaks one day shall be gone by then.
            .pragma("secure_delete", "ON")
            // No function or view that somebody put into the schema runs in our hands.
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let mut first = options.connect().await.map_err(wrong)?;
        schema::migrate(&mut first, path).await?;
        first.close().await.map_err(wrong)?;
        let writer = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL the default would lose the last commits in a power cut: a revocation among them.
            .synchronous(SqliteSynchronous::Full);
        let writer = first_writer(writer).await.map_err(wrong)?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(wrong)?;
        Ok(Self { path: path.to_owned(), writer, readers })
    }

    /// Returns a connection for one reading statement.
    pub(crate) async fn reader(&self) -> Result<Session<'_, PoolConnection<Sqlite>>, StoreError> {
        let conn = self.readers.acquire().await.map_err(|error| self.wrong("read", error))?;
        Ok(Session { conn, path: &self.path })
    }

    /// Begins to read at one moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx<'_>, StoreError> {
        let conn = self.readers.begin().await.map_err(|error| self.wrong("read", error))?;
        Ok(Session { conn, path: &self.path })
    }

    /// Begins a transaction that no other writer can come between: it holds the lock from the start.
    pub(crate) async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        let conn = self.writer.begin_with("BEGIN IMMEDIATE").await;
        Ok(Session { conn: conn.map_err(|error| self.wrong("write", error))?, path: &self.path })
    }

    /// Returns a number that changes when any other connection than the writing one has written: another process.
    pub(crate) async fn data_version(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("PRAGMA data_version").fetch_one(&self.writer).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| self.wrong("read", error))
    }

    /// Overwrites what is left of older rows in the write-ahead log, as far as no reader needs it.
    pub(crate) async fn truncate_log(&self) -> Result<(), StoreError> {
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        done.map(|_| ()).map_err(|error| self.wrong("write", error))
    }

    /// Closes the store's connections; other processes may go on.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn wrong(&self, what: &'static str, error: sqlx::Error) -> StoreError {
        StoreError::database(what, &self.path, error)
    }
}

impl Tx<'_> {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.conn.commit().await.map_err(|error| StoreError::database("write", self.path, error))
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        self.conn.rollback().await.map_err(|error| StoreError::database("write", self.path, error))
    }
}

impl<C: DerefMut<Target = SqliteConnection>> Session<'_, C> {
    pub(crate) async fn root(&mut self) -> Result<Option<Root>, StoreError> {
        let row = sqlx::query("SELECT generation, wrap, wrapped FROM door_root WHERE one = 1")
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(|error| self.wrong("read", error))?;
        let Some(row) = row else { return Ok(None) };
        let read = || {
            Ok(Root {
                generation: row.try_get("generation")?,
                wrap: row.try_get("wrap")?,
                wrapped: row.try_get("wrapped")?,
            })
        };
        read().map(Some).map_err(|error| self.wrong("read", error))
    }

    /// Returns which root key the rows lie under; less to read than [`root`](Self::root).
    pub(crate) async fn generation(&mut self) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT generation FROM door_root WHERE one = 1")
            .fetch_optional(&mut *self.conn)
            .await
            .and_then(|row| row.map(|row| row.try_get(0)).transpose());
        row.map_err(|error| self.wrong("read", error))
    }

    pub(crate) async fn put_root(&mut self, root: &Root) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO door_root (one, generation, wrap, wrapped) VALUES (1, $1, $2, $3) \
             ON CONFLICT (one) DO UPDATE SET generation = $1, wrap = $2, wrapped = $3",
        );
        let done =
            query.bind(root.generation).bind(&root.wrap).bind(&root.wrapped).execute(&mut *self.conn).await;
        done.map(|_| ()).map_err(|error| self.wrong("write", error))
    }

    pub(crate) async fn rows(&mut self, query: Query<'_>) -> Result<Vec<Sealed>, StoreError> {
        let conn = &mut *self.conn;
        let rows = match query {
            Query::One(kind, id) => {
                let sql = select!("WHERE kind = $1 AND id = $2");
                sqlx::query(sql).bind(kind.text()).bind(id).fetch_all(conn).await
            }
            Query::OfPerson(kind, person) => {
                let sql = select!("WHERE kind = $1 AND person = $2 ORDER BY id");
                sqlx::query(sql).bind(kind.text()).bind(person).fetch_all(conn).await
            }
            Query::OfClient(kind, client) => {
                let sql = select!("WHERE kind = $1 AND client = $2 ORDER BY id");
                sqlx::query(sql).bind(kind.text()).bind(client).fetch_all(conn).await
            }
            Query::OfGrant(kind, grant) => {
                let sql = select!("WHERE kind = $1 AND grant_id = $2 ORDER BY id");
                sqlx::query(sql).bind(kind.text()).bind(grant).fetch_all(conn).await
            }
            Query::Under(kind, prefix) => {
                // In SQLite's order a longer blob comes behind the shorter one that it begins with.
                let sql = select!("WHERE kind = $1 AND id >= $2 AND substr(id, 1, $3) = $2 ORDER BY id");
                let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
                sqlx::query(sql).bind(kind.text()).bind(prefix).bind(length).fetch_all(conn).await
            }
            Query::All(kind) => {
                let sql = select!("WHERE kind = $1 ORDER BY id");
                sqlx::query(sql).bind(kind.text()).fetch_all(conn).await
            }
        };
        self.sealed(rows)
    }

    /// Returns the next rows of any kind behind the given one.
    pub(crate) async fn after(
        &mut self,
        kind: &str,
        id: &[u8],
        limit: i64,
    ) -> Result<Vec<Sealed>, StoreError> {
        let sql = select!("WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3");
        let rows = sqlx::query(sql).bind(kind).bind(id).bind(limit).fetch_all(&mut *self.conn).await;
        self.sealed(rows)
    }

    /// Returns up to `limit` rows of a kind that have expired.
    pub(crate) async fn expired(
        &mut self,
        kind: Kind,
        now: i64,
        limit: i64,
    ) -> Result<Vec<Sealed>, StoreError> {
        let sql = select!("WHERE kind = $1 AND expires <= $2 ORDER BY expires LIMIT $3");
        let rows = sqlx::query(sql).bind(kind.text()).bind(now).bind(limit).fetch_all(&mut *self.conn).await;
        self.sealed(rows)
    }

    pub(crate) async fn version(&mut self, kind: Kind, id: &[u8]) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT version FROM door_rows WHERE kind = $1 AND id = $2")
            .bind(kind.text())
            .bind(id)
            .fetch_optional(&mut *self.conn)
            .await
            .and_then(|row| row.map(|row| row.try_get(0)).transpose());
        row.map_err(|error| self.wrong("read", error))
    }

    pub(crate) async fn any_of_scope(&mut self, scope: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM door_rows WHERE scope = $1 LIMIT 1").bind(scope);
        let row = row.fetch_optional(&mut *self.conn).await;
        row.map(|row| row.is_some()).map_err(|error| self.wrong("read", error))
    }

    pub(crate) async fn count(&mut self, kind: Kind) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM door_rows WHERE kind = $1").bind(kind.text());
        let row = row.fetch_one(&mut *self.conn).await.and_then(|row| row.try_get::<i64, _>(0));
        row.map(|count| u64::try_from(count).unwrap_or(0)).map_err(|error| self.wrong("read", error))
    }

    /// Writes a new row; false if there is one.
    pub(crate) async fn insert(&mut self, row: &Sealed) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "INSERT INTO door_rows (kind, id, scope, person, client, grant_id, expires, generation, version, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (kind, id) DO NOTHING",
        );
        let done = query
            .bind(row.kind.text())
            .bind(&row.id)
            .bind(&row.scope)
            .bind(&row.person)
            .bind(&row.client)
            .bind(&row.grant)
            .bind(row.expires)
            .bind(row.generation)
            .bind(row.version)
            .bind(&row.body)
            .execute(&mut *self.conn)
            .await;
        done.map(|done| done.rows_affected() == 1).map_err(|error| self.wrong("write", error))
    }

    /// Writes over a row; false if it does not have this version.
    pub(crate) async fn update(&mut self, row: &Sealed, version: i64) -> Result<bool, StoreError> {
        // Nearly always whose it is stays the same, and then the indexes of that need not be written.
        let narrow = "UPDATE door_rows SET expires = $7, generation = $8, version = $9, body = $10 \
                      WHERE kind = $1 AND id = $2 AND version = $11 AND scope = $3 \
                      AND person IS NOT DISTINCT FROM $4 AND client IS NOT DISTINCT FROM $5 \
                      AND grant_id IS NOT DISTINCT FROM $6";
        let wide = "UPDATE door_rows SET scope = $3, person = $4, client = $5, grant_id = $6, expires = $7, \
                    generation = $8, version = $9, body = $10 WHERE kind = $1 AND id = $2 AND version = $11";
        for sql in [narrow, wide] {
            let query = sqlx::query(sql).bind(row.kind.text()).bind(&row.id).bind(&row.scope);
            let query = query.bind(&row.person).bind(&row.client).bind(&row.grant).bind(row.expires);
            let query = query.bind(row.generation).bind(row.version).bind(&row.body).bind(version);
            let done = query.execute(&mut *self.conn).await.map_err(|error| self.wrong("write", error))?;
            if done.rows_affected() == 1 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn delete(&mut self, kind: Kind, id: &[u8]) -> Result<u64, StoreError> {
        let query = sqlx::query("DELETE FROM door_rows WHERE kind = $1 AND id = $2");
        let done = query.bind(kind.text()).bind(id).execute(&mut *self.conn).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.wrong("write", error))
    }

    pub(crate) async fn delete_grant(&mut self, grant: &[u8]) -> Result<u64, StoreError> {
        let query = sqlx::query("DELETE FROM door_rows WHERE grant_id = $1");
        let done = query.bind(grant).execute(&mut *self.conn).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.wrong("write", error))
    }

    pub(crate) async fn delete_of_person(&mut self, kind: Kind, person: &str) -> Result<u64, StoreError> {
        let query = sqlx::query("DELETE FROM door_rows WHERE kind = $1 AND person = $2");
        let done = query.bind(kind.text()).bind(person).execute(&mut *self.conn).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.wrong("write", error))
    }

    /// Deletes the sign-ins that a revocation is about, with their codes and with Entra's tokens for them.
    pub(crate) async fn delete_sign_ins(&mut self, of: &Revoked) -> Result<u64, StoreError> {
        let these = "DELETE FROM door_rows WHERE kind IN ('family', 'code', 'entra-tokens')";
        let query = match of {
            Revoked::All => sqlx::query(these),
            Revoked::Person(person) => sqlx::query(
                "DELETE FROM door_rows WHERE kind IN ('family', 'code', 'entra-tokens') AND person = $1",
            )
            .bind(person_text(person)),
            Revoked::Client(client) => sqlx::query(
                "DELETE FROM door_rows WHERE kind IN ('family', 'code', 'entra-tokens') AND client = $1",
            )
            .bind(client.as_str().to_owned()),
            Revoked::Grant(grant) => sqlx::query(
                "DELETE FROM door_rows WHERE kind IN ('family', 'code', 'entra-tokens') AND grant_id = $1",
            )
            .bind(grant.0.to_vec()),
        };
        let done = query.execute(&mut *self.conn).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.wrong("write", error))
    }

    /// Deletes up to `limit` rows that have expired, but no revocations: those are counted.
    pub(crate) async fn delete_expired(&mut self, now: i64, limit: i64) -> Result<u64, StoreError> {
        let query = sqlx::query(
            "DELETE FROM door_rows WHERE (kind, id) IN \
             (SELECT kind, id FROM door_rows WHERE expires <= $1 AND kind <> 'revocation' LIMIT $2)",
        );
        let done = query.bind(now).bind(limit).execute(&mut *self.conn).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.wrong("write", error))
    }

    /// Asks the database whether its file is whole.
    pub(crate) async fn whole(&mut self) -> Result<(), StoreError> {
        let row = sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut *self.conn).await;
        let said: String = row.and_then(|row| row.try_get(0)).map_err(|error| self.wrong("check", error))?;
        schema::no_triggers(&mut self.conn, self.path).await?;
        if said == "ok" {
            Ok(())
        } else {
            Err(StoreError::Corrupt { path: self.path.to_owned(), reason: said })
        }
    }

    fn sealed(&self, rows: Result<Vec<SqliteRow>, sqlx::Error>) -> Result<Vec<Sealed>, StoreError> {
        rows.map_err(|error| self.wrong("read", error))?.iter().map(|row| self.sealed_row(row)).collect()
    }

    fn sealed_row(&self, row: &SqliteRow) -> Result<Sealed, StoreError> {
        let wrong = |error| self.wrong("read", error);
        Ok(Sealed {
            kind: Kind::parse(row.try_get("kind").map_err(wrong)?)?,
            id: row.try_get("id").map_err(wrong)?,
            scope: row.try_get("scope").map_err(wrong)?,
            person: row.try_get("person").map_err(wrong)?,
            client: row.try_get("client").map_err(wrong)?,
            grant: row.try_get("grant_id").map_err(wrong)?,
            expires: row.try_get("expires").map_err(wrong)?,
            generation: row.try_get("generation").map_err(wrong)?,
            version: row.try_get("version").map_err(wrong)?,
            body: row.try_get("body").map_err(wrong)?,
        })
    }

    fn wrong(&self, what: &'static str, error: sqlx::Error) -> StoreError {
        StoreError::database(what, self.path, error)
    }
}

/// Connects the writer. Of two processes that turn to the write-ahead log at once one is told at once that the database
/// is locked, without being made to wait: it tries again.
async fn first_writer(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    for _ in 0..TRIES {
        match pool(1).connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) => {
                tokio::time::sleep(PAUSE).await;
            }
            connected => return connected,
        }
    }
    pool(1).connect_with(options).await
}

/// SQLite's code for a lock that somebody else holds.
const BUSY: &str = "5";
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// A pool that keeps its connections: the one that writes must stay the same, or `data_version` would say nothing.
fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(2 * PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
