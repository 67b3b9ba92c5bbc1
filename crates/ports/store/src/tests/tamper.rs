//! What somebody can do who can write to the file but has no key: nothing that is not noticed.

use sqlx::Row as _;

use super::*;
use crate::Revoked;

/// A store with two tenants, persons, kinds, and two revocations.
async fn filled(place: &Place) {
    let store = place.open().await;
    // Before the sign-ins: a revocation takes those along that are there.
    store.revoke(&Revoked::Person(person(1, 1)), NOW, HOUR).await.unwrap();
    store.revoke(&Revoked::Grant(GrantId([2; 16])), NOW, HOUR).await.unwrap();
    for number in 1..=3 {
        store.insert(&full(Kind::Family, 1, number)).await.unwrap();
    }
    store.insert(&full(Kind::Family, 2, 4)).await.unwrap();
    store.insert(&full(Kind::Code, 1, 5)).await.unwrap();
    store.insert(&row(Kind::Setting, b"seal", &[1; 32])).await.unwrap();
    store.insert(&row(Kind::Setting, b"refresh", &[2; 32])).await.unwrap();
    store.insert(&row(Kind::SigningKey, b"kid", &[3; 32])).await.unwrap();
    store.close().await;
}

/// Opens the store and reads it as a door does.
async fn looked_through(place: &Place) -> Result<(), StoreError> {
    let store = place.try_open(2, false).await?;
    for kind in [Kind::Family, Kind::Code, Kind::Setting, Kind::SigningKey, Kind::Consent] {
        store.all(kind, NOW).await?;
    }
    store.epoch().await?;
    store.revocations().await?;
    store.close().await;
    Ok(())
}

const F1: &str = "kind = 'family' AND id = x'01010101010101010101010101010101'";

const TAMPERINGS: &[(&str, &str)] = &[
    (
        "bodies of two families swapped",
        "UPDATE door_rows SET body = (SELECT other.body FROM door_rows AS other WHERE other.kind = 'family' AND other.id = CASE door_rows.id WHEN x'01010101010101010101010101010101' THEN x'02020202020202020202020202020202' ELSE x'01010101010101010101010101010101' END) WHERE kind = 'family' AND id IN (x'01010101010101010101010101010101', x'02020202020202020202020202020202')",
    ),
    (
        "ids of two settings swapped",
        "UPDATE door_rows SET id = x'00' WHERE id = CAST('seal' AS BLOB); UPDATE door_rows SET id = CAST('seal' AS BLOB) WHERE id = CAST('refresh' AS BLOB); UPDATE door_rows SET id = CAST('refresh' AS BLOB) WHERE id = x'00'",
    ),
    ("one bit of a body", "UPDATE door_rows SET body = CAST(x'00' || substr(body, 2) AS BLOB) WHERE $F1"),
    ("a body cut", "UPDATE door_rows SET body = CAST(substr(body, 1, 20) AS BLOB) WHERE $F1"),
    ("a body emptied", "UPDATE door_rows SET body = x'' WHERE $F1"),
    (
        "another person's session",
        "UPDATE door_rows SET person = (SELECT person FROM door_rows WHERE kind = 'family' AND id = x'02020202020202020202020202020202') WHERE $F1",
    ),
    ("nobody's session", "UPDATE door_rows SET person = NULL WHERE $F1"),
    ("another client's session", "UPDATE door_rows SET client = 'https://evil.example/' WHERE $F1"),
    ("no client", "UPDATE door_rows SET client = NULL WHERE $F1"),
    ("another grant", "UPDATE door_rows SET grant_id = x'02020202020202020202020202020202' WHERE $F1"),
    ("no grant", "UPDATE door_rows SET grant_id = NULL WHERE $F1"),
    ("prolonged", "UPDATE door_rows SET expires = expires + 86400000000 WHERE $F1"),
    ("for ever", "UPDATE door_rows SET expires = NULL WHERE $F1"),
    ("ended early", "UPDATE door_rows SET expires = 1 WHERE $F1"),
    ("version raised", "UPDATE door_rows SET version = version + 1 WHERE $F1"),
    ("version lowered", "UPDATE door_rows SET version = 0 WHERE $F1"),
    ("version negative", "UPDATE door_rows SET version = -1 WHERE $F1"),
    ("generation", "UPDATE door_rows SET generation = generation + 1 WHERE $F1"),
    ("a code made a family", "UPDATE door_rows SET kind = 'family' WHERE kind = 'code'"),
    (
        "a setting made a signing key",
        "UPDATE door_rows SET kind = 'signing-key' WHERE id = CAST('seal' AS BLOB)",
    ),
    ("another id", "UPDATE door_rows SET id = x'63' WHERE $F1"),
    (
        "copied to another id",
        "INSERT INTO door_rows SELECT kind, x'63', scope, person, client, grant_id, expires, generation, version, body FROM door_rows WHERE $F1",
    ),
    (
        "copied to another kind",
        "INSERT INTO door_rows SELECT 'consent', id, scope, person, client, grant_id, expires, generation, version, body FROM door_rows WHERE $F1",
    ),
    (
        "moved to another tenant",
        "UPDATE door_rows SET scope = (SELECT scope FROM door_rows WHERE id = x'04040404040404040404040404040404') WHERE $F1",
    ),
    ("moved to the door", "UPDATE door_rows SET scope = 'door' WHERE $F1"),
    ("moved to nowhere", "UPDATE door_rows SET scope = 'nowhere' WHERE $F1"),
    (
        "a row of our own making",
        "INSERT INTO door_rows VALUES ('family', x'63', 'door', NULL, NULL, NULL, NULL, 1, 1, zeroblob(60))",
    ),
    (
        "a tenant's key deleted",
        "DELETE FROM door_rows WHERE kind = 'key' AND id = CAST('72f988bf-86f1-41af-91ab-000000000001' AS BLOB)",
    ),
    ("the door's key deleted", "DELETE FROM door_rows WHERE kind = 'key' AND id = CAST('door' AS BLOB)"),
    (
        "two tenants' keys swapped",
        "UPDATE door_rows SET body = (SELECT other.body FROM door_rows AS other WHERE other.kind = 'key' AND other.id <> door_rows.id AND other.id <> CAST('door' AS BLOB)) WHERE kind = 'key' AND id <> CAST('door' AS BLOB)",
    ),
    (
        "a key's body",
        "UPDATE door_rows SET body = zeroblob(60) WHERE kind = 'key' AND id = CAST('door' AS BLOB)",
    ),
    ("the root deleted", "DELETE FROM door_root"),
    ("another root", "UPDATE door_root SET wrapped = zeroblob(60)"),
    ("another root's number", "UPDATE door_root SET generation = generation + 1"),
    ("another wrap", "UPDATE door_root SET wrap = 'key-file:000000000000'"),
    ("the epoch deleted", "DELETE FROM door_rows WHERE kind = 'epoch'"),
    ("the epoch edited", "UPDATE door_rows SET body = zeroblob(68) WHERE kind = 'epoch'"),
    ("the epoch's version", "UPDATE door_rows SET version = 9 WHERE kind = 'epoch'"),
    ("a revocation deleted", "DELETE FROM door_rows WHERE kind = 'revocation' AND id = x'0000000000000001'"),
    ("all revocations deleted", "DELETE FROM door_rows WHERE kind = 'revocation'"),
    (
        "a revocation of our own making",
        "INSERT INTO door_rows SELECT kind, x'0000000000000003', scope, person, client, grant_id, expires, generation, version, body FROM door_rows WHERE kind = 'revocation' LIMIT 1",
    ),
    ("a revocation that expires", "UPDATE door_rows SET expires = 1 WHERE kind = 'revocation'"),
    ("everything deleted", "DELETE FROM door_rows; DELETE FROM door_root"),
];

// control: D-18: whatever is swapped, edited, copied, moved or taken away in the file is noticed by the next reader.
#[test]
fn every_tampering_is_noticed() {
    assert!(TAMPERINGS.len() >= 20);
    run(async {
        for (name, sql) in TAMPERINGS {
            let place = Place::new();
            filled(&place).await;
            looked_through(&place).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut raw = place.raw().await;
            let before = dump(&mut raw).await;
            let sql = sql.replace("$F1", F1);
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut raw)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(dump(&mut raw).await != before, "{name}: nothing was done");
            raw.close().await.unwrap();
            let found = looked_through(&place).await.err().unwrap_or_else(|| panic!("{name}: not noticed"));
            let named = matches!(
                found,
                StoreError::Tampered { .. }
                    | StoreError::RolledBack { .. }
                    | StoreError::KeysUnavailable { .. }
                    | StoreError::OtherKey { .. }
            );
            assert!(named, "{name}: {found:?}");
        }
    });
}

async fn dump(raw: &mut SqliteConnection) -> Vec<String> {
    let rows = sqlx::query("SELECT kind || hex(id) || scope || coalesce(person, '-') || coalesce(client, '-') || coalesce(hex(grant_id), '-') || coalesce(expires, '-') || generation || '.' || version || hex(body) FROM door_rows UNION ALL SELECT generation || wrap || hex(wrapped) FROM door_root")
        .fetch_all(raw)
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

// control: D-18: what is wrong is also found by a check of everything, and is never sealed anew.
#[test]
fn check_and_rekey_stop_at_a_tampered_row() {
    run(async {
        for sql in [
            "UPDATE door_rows SET client = NULL WHERE kind = 'code'",
            "DELETE FROM door_rows WHERE kind = 'revocation' AND id = x'0000000000000001'",
            "UPDATE door_rows SET kind = 'coda' WHERE kind = 'code'",
            "UPDATE door_rows SET generation = 2 WHERE kind = 'code'",
            "UPDATE door_rows SET scope = 'nowhere' WHERE kind = 'code'",
        ] {
            let place = Place::new();
            filled(&place).await;
            place.tamper(sql).await;
            let store = place.open().await;
            for found in [store.check().await.err(), store.rekey(place.wrap.clone()).await.err()] {
                let named = matches!(found, Some(StoreError::Tampered { .. } | StoreError::Foreign { .. }));
                assert!(named, "{sql}: {found:?}");
            }
            assert!(
                store.get(Kind::Family, &[1; 16], NOW).await.unwrap().is_some(),
                "the old keys still hold"
            );
        }
    });
}

// control: D-18: a trigger that brings back what the door removes is refused at the start and found by a check.
#[test]
fn a_trigger_is_refused() {
    let place = Place::new();
    run(async {
        filled(&place).await;
        let store = place.open().await;
        place
            .tamper(
                "CREATE TRIGGER back AFTER DELETE ON door_rows BEGIN INSERT INTO door_rows VALUES (old.kind, old.id, \
                 old.scope, old.person, old.client, old.grant_id, old.expires, old.generation, old.version, old.body); END",
            )
            .await;
        let found = store.check().await.err();
        assert!(matches!(found, Some(StoreError::Foreign { .. })), "{found:?}");
        store.close().await;
        let found = place.try_open(0, false).await.err();
        assert!(matches!(found, Some(StoreError::Foreign { .. })), "{found:?}");
    });
}

// control-off: D-18: a table without seals takes the swap: whose session it is, is what the file says last.
#[test]
fn without_seals_a_swap_goes_through() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let options =
            SqliteConnectOptions::new().filename(folder.path().join("naive.db")).create_if_missing(true);
        let mut raw = options.connect().await.unwrap();
        let setup = "CREATE TABLE sessions (id INTEGER PRIMARY KEY, person TEXT); \
                     INSERT INTO sessions VALUES (1, 'mallory'), (2, 'alice'); \
                     UPDATE sessions SET person = 'alice' WHERE id = 1";
        sqlx::raw_sql(setup).execute(&mut raw).await.unwrap();
        let row = sqlx::query("SELECT person FROM sessions WHERE id = 1").fetch_one(&mut raw).await.unwrap();
        assert_eq!(row.get::<String, _>(0), "alice", "mallory's session is alice's now");
    });
}

// control: D-18: an older database, put back, refuses to start until the loss is accepted, and then every sign-in in it ends.
#[test]
fn an_older_database_is_refused() {
    let place = Place::new();
    run(async {
        filled(&place).await;
        let copy = place.root.path().join("copy.db");
        let mut raw = place.raw().await;
        sqlx::query("VACUUM INTO $1").bind(copy.to_str().unwrap()).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        let store = place.open().await;
        assert_eq!(store.revoke(&Revoked::Client(client()), NOW, HOUR).await.unwrap(), 3);
        store.close().await;
        // Here the audit log has anchored 3.
        let data = place.path();
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", data.display()));
        }
        std::fs::copy(&copy, &data).unwrap();
        let refused = place.try_open(3, false).await.err().unwrap();
        assert!(matches!(refused, StoreError::RolledBack { stored: 2, anchored: 3 }), "{refused:?}");
        assert!(refused.to_string().contains("doorward vault accept-rollback"));
        let store = place.try_open(3, true).await.unwrap();
        assert_eq!(store.epoch().await.unwrap(), 4);
        // Which of these had been revoked since the backup, nobody knows: all are.
        assert_eq!(store.revocations().await.unwrap().pop(), Some((Revoked::All, 4, NOW)));
        for kind in [Kind::Family, Kind::Code, Kind::EntraTokens] {
            assert_eq!(store.count(kind).await.unwrap(), 0, "{kind:?}");
        }
        store.close().await;
        place.try_open(4, false).await.unwrap().check().await.unwrap();
    });
}

// control: D-18: an older epoch, put back under the feet of a running door with its revocations, is noticed.
#[test]
fn an_older_epoch_is_noticed_while_running() {
    let place = Place::new();
    run(async {
        filled(&place).await;
        let store = place.open().await;
        let mut raw = place.raw().await;
        sqlx::raw_sql("CREATE TABLE kept AS SELECT * FROM door_rows WHERE kind = 'epoch'")
            .execute(&mut raw)
            .await
            .unwrap();
        store.revoke(&Revoked::All, NOW, HOUR).await.unwrap();
        let back = "DELETE FROM door_rows WHERE kind = 'epoch' OR (kind = 'revocation' AND id = x'0000000000000003'); \
                    INSERT INTO door_rows SELECT * FROM kept";
        sqlx::raw_sql(back).execute(&mut raw).await.unwrap();
        for found in [
            store.epoch().await.err(),
            store.revocations().await.err(),
            store.revoke(&Revoked::All, NOW, HOUR).await.err(),
            store.check().await.err(),
        ] {
            assert!(matches!(found, Some(StoreError::RolledBack { stored: 2, anchored: 3 })), "{found:?}");
        }
    });
}

// What the seal cannot see, written down: an older whole row fits. The façade takes an older family for a replay.
#[test]
fn an_older_whole_row_fits_its_seal() {
    let place = Place::new();
    run(async {
        filled(&place).await;
        let store = place.open().await;
        let mut raw = place.raw().await;
        sqlx::raw_sql("CREATE TABLE kept AS SELECT * FROM door_rows WHERE kind = 'family'")
            .execute(&mut raw)
            .await
            .unwrap();
        let read = store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap();
        assert!(store.replace(&read).await.unwrap());
        let back = "DELETE FROM door_rows WHERE kind = 'family'; INSERT INTO door_rows SELECT * FROM kept";
        sqlx::raw_sql(back).execute(&mut raw).await.unwrap();
        assert_eq!(store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap().version, 1);
    });
}

#[test]
fn a_key_that_was_taken_away_is_not_made_anew() {
    let place = Place::new();
    run(async {
        filled(&place).await;
        place.tamper("DELETE FROM door_rows WHERE kind = 'key' AND id = CAST('72f988bf-86f1-41af-91ab-000000000001' AS BLOB)").await;
        let store = place.open().await;
        let refused = store.insert(&full(Kind::Family, 1, 9)).await.err();
        assert!(matches!(refused, Some(StoreError::Tampered { kind: Kind::Key, .. })), "{refused:?}");
        assert!(store.insert(&full(Kind::Family, 2, 9)).await.unwrap(), "another tenant goes on");
    });
}
