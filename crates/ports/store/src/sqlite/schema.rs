//! The layout of the database, and how it came about.

use std::path::Path;

use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::StoreError;

/// Says that a SQLite file is a store of ours.
const APPLICATION: i64 = 0x446f_6f72;
/// What turned layout n into n+1. Only ever added to.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001.sqlite.sql")];

/// Brings the tables up to date, in one transaction. `user_version` is the layout.
pub(crate) async fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let wrong = |error| StoreError::database("open", path, error);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(wrong)?;
    let mut ask = async |sql: &'static str| {
        let row = sqlx::query(sql).fetch_one(&mut *tx).await?;
        row.try_get::<i64, _>(0)
    };
    let application = ask("PRAGMA application_id").await.map_err(wrong)?;
    let found = ask("PRAGMA user_version").await.map_err(wrong)?;
    let tables = ask("SELECT COUNT(*) FROM sqlite_schema").await.map_err(wrong)?;
    if application != APPLICATION && (application != 0 || found != 0 || tables != 0) {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    no_triggers(&mut tx, path).await?;
    // A file that says it is ours and new, yet has tables, is neither.
    if found < 0 || (found == 0 && tables != 0) {
        return Err(StoreError::Corrupt {
            path: path.to_owned(),
            reason: String::from("its layout is unknown"),
        });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        sqlx::raw_sql(*migration).execute(&mut *tx).await.map_err(wrong)?;
    }
    if found < known {
        let done = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {known}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(done)).execute(&mut *tx).await.map_err(wrong)?;
    }
    tx.commit().await.map_err(wrong)
}

/// Refuses a trigger: somebody who could write the file once would go on writing through our own hands, and bring back
/// what we remove.
pub(crate) async fn no_triggers(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view') LIMIT 1";
    let row = sqlx::query(sql).fetch_optional(conn).await;
    let row = row.map_err(|error| StoreError::database("open", path, error))?;
    match row {
        None => Ok(()),
        Some(_) => Err(StoreError::Foreign { what: String::from("a trigger or a view") }),
    }
}
