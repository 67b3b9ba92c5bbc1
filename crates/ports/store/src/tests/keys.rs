//! Keys in memory, and new keys.

use super::*;
use crate::Revoked;

// control: D-18: reading needs no Key Vault for 15 minutes; a Key Vault that was taken away closes the store then.
#[test]
fn a_lost_key_vault_closes_the_store_after_15_minutes() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        store.insert(&full(Kind::EntraTokens, 1, 1)).await.unwrap();
        place.wrap.lost.store(true, Ordering::SeqCst);
        let asked = || place.wrap.asked.load(Ordering::SeqCst);
        let before = asked();
        for _ in 0..9 {
            place.pass(1);
            assert!(store.get(Kind::EntraTokens, &[1; 16], NOW).await.unwrap().is_some());
        }
        assert_eq!(asked(), before, "nothing was asked for");
        for _ in 0..5 {
            place.pass(1);
            assert!(store.get(Kind::EntraTokens, &[1; 16], NOW).await.unwrap().is_some());
        }
        place.pass(1);
        for _ in 0..3 {
            let closed = store.get(Kind::EntraTokens, &[1; 16], NOW).await.err();
            assert!(matches!(closed, Some(StoreError::KeysUnavailable { .. })), "{closed:?}");
            let closed = store.put(&full(Kind::EntraTokens, 1, 1)).await.err();
            assert!(matches!(closed, Some(StoreError::KeysUnavailable { .. })), "{closed:?}");
        }
        assert!(asked() - before <= 7, "it is asked once a while, not at every call: {}", asked() - before);
        place.wrap.lost.store(false, Ordering::SeqCst);
        place.pass(1);
        assert!(store.get(Kind::EntraTokens, &[1; 16], NOW).await.unwrap().is_some(), "it is back");
    });
}

#[test]
fn the_root_is_unwrapped_ahead_and_once_for_all() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        store.insert(&full(Kind::EntraTokens, 1, 1)).await.unwrap();
        let asked = || place.wrap.asked.load(Ordering::SeqCst);
        let before = asked();
        for round in 1..=3 {
            place.pass(10);
            let mut tasks = Vec::new();
            for _ in 0..32 {
                let store = store.clone();
                tasks.push(tokio::spawn(
                    async move { store.get(Kind::EntraTokens, &[1; 16], NOW).await.is_ok() },
                ));
            }
            for task in tasks {
                assert!(task.await.unwrap());
            }
            // The new ring is in its place once the task that fetches it is over; until then nobody else fetches one.
            let is_over =
                || store.inner.refresh.lock().unwrap().as_ref().is_some_and(|(_, task)| task.is_finished());
            while !is_over() {
                tokio::task::yield_now().await;
            }
            assert_eq!(asked(), before + round);
        }
        // Gone altogether: all who wait are served by one.
        place.pass(20);
        let before = asked();
        let gets = (0..16).map(|_| store.get(Kind::EntraTokens, &[1; 16], NOW));
        for got in futures_util::future::join_all(gets).await {
            assert!(got.unwrap().is_some());
        }
        assert_eq!(asked(), before + 1);
    });
}

#[test]
fn an_idle_door_holds_no_key_for_long() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        place.pass(15);
        place.wrap.lost.store(true, Ordering::SeqCst);
        assert!(store.inner.keys.held());
        store.data_version().await.unwrap();
        assert!(!store.inner.keys.held(), "the question that is asked every second wipes it");
    });
}

#[test]
fn another_wrap_is_named_and_a_wrong_one_closes() {
    let place = Place::new();
    run(async {
        place.open().await.close().await;
        let other = place.root.path().join("keys/other.key");
        let other = Arc::new(KeyFile::open_or_create(&other, &place.path()).unwrap());
        let refused = Store::open(StoreConfig::new(place.path(), 0), other.clone(), NOW).await.err();
        let Some(StoreError::OtherKey { stored, given }) = refused else { panic!("{refused:?}") };
        assert_eq!((stored, given), (place.wrap.id(), other.id()));
        place.wrap.lost.store(true, Ordering::SeqCst);
        let refused = place.try_open(0, false).await.err();
        assert!(matches!(refused, Some(StoreError::KeysUnavailable { .. })), "{refused:?}");
    });
}

#[test]
fn rekey_seals_everything_anew_and_other_processes_follow() {
    let place = Place::new();
    run(async {
        let (store, other) = (place.open().await, place.open().await);
        // Before the sign-ins: a revocation takes those along that are there.
        store.revoke(&Revoked::Person(person(1, 1)), NOW, HOUR).await.unwrap();
        for number in 1..=200 {
            store.insert(&full(Kind::Family, number % 3, number)).await.unwrap();
        }
        let read = store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap();
        store.replace(&read).await.unwrap();
        let rows = store.check().await.unwrap();
        let mut raw = place.raw().await;
        let before = bodies(&mut raw).await;
        assert_eq!(store.rekey(place.wrap.clone()).await.unwrap(), rows);
        assert!(bodies(&mut raw).await.iter().all(|body| !before.contains(body)), "no body is the old one");
        for store in [&store, &other] {
            assert_eq!(store.all(Kind::Family, NOW).await.unwrap().len(), 200);
            assert_eq!(store.revocations().await.unwrap().len(), 1);
            assert_eq!(store.check().await.unwrap(), rows);
        }
        let read = other.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap();
        assert_eq!(read.version, 2, "versions stay");
        // A process that has not noticed yet writes under the new root all the same.
        store.rekey(place.wrap.clone()).await.unwrap();
        assert!(other.replace(&read).await.unwrap());
        assert_eq!(other.revoke(&Revoked::Person(person(9, 9)), NOW, HOUR).await.unwrap(), 2);
        assert_eq!(store.check().await.unwrap(), rows + 1);

        // To another key: what has the old one closes, and the new one opens.
        let new = place.root.path().join("keys/new.key");
        let new = Arc::new(KeyFile::open_or_create(&new, &place.path()).unwrap());
        store.rekey(new.clone()).await.unwrap();
        assert!(store.get(Kind::Family, &[1; 16], NOW).await.unwrap().is_some());
        let closed = other.get(Kind::Family, &[1; 16], NOW).await.err();
        assert!(matches!(closed, Some(StoreError::OtherKey { .. })), "{closed:?}");
        let opened = Store::open(StoreConfig::new(place.path(), 2), new, NOW).await.unwrap();
        assert_eq!(opened.check().await.unwrap(), rows + 1);
    });
}

async fn bodies(raw: &mut SqliteConnection) -> Vec<Vec<u8>> {
    let rows = sqlx::query("SELECT body FROM door_rows").fetch_all(raw).await.unwrap();
    rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
}
