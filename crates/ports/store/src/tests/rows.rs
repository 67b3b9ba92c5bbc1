//! Rows written and read.

use proptest::prelude::*;

use super::*;
use crate::{Change, Revoked};

#[test]
fn a_row_comes_back_as_it_was_written_also_after_a_restart() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        for written in
            [row(Kind::Setting, b"refresh", b"x"), full(Kind::Family, 1, 7), row(Kind::Used, b"jti", b"")]
        {
            assert!(store.insert(&written).await.unwrap());
            assert!(!store.insert(&written).await.unwrap(), "the id exists");
            let read = store.get(written.kind, &written.id, NOW).await.unwrap().unwrap();
            assert!(same(&read, &written));
        }
        store.close().await;
        let store = place.open().await;
        let read = store.get(Kind::Family, &[7; 16], NOW).await.unwrap().unwrap();
        assert!(same(&read, &full(Kind::Family, 1, 7)));
        assert!(store.get(Kind::Code, &[7; 16], NOW).await.unwrap().is_none(), "another kind");
        assert_eq!(store.check().await.unwrap(), 6, "three rows, two keys, the epoch");
    });
}

#[test]
fn a_row_that_has_expired_does_not_exist_and_is_swept() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        let mut many: Vec<Row> = Vec::new();
        for number in 0..1200_u32 {
            let expires = Some(NOW.plus(HOUR));
            many.push(Row { expires, ..row(Kind::Used, &number.to_be_bytes(), b"") });
        }
        let changes: Vec<Change<'_>> = many.iter().map(Change::Insert).collect();
        assert!(store.apply(&changes).await.unwrap());
        assert!(store.insert(&row(Kind::Setting, b"stays", b"")).await.unwrap());
        store.revoke(&Revoked::All, NOW, HOUR).await.unwrap();
        let later = NOW.plus(HOUR);
        assert!(store.get(Kind::Used, &1_u32.to_be_bytes(), NOW).await.unwrap().is_some());
        assert!(store.get(Kind::Used, &1_u32.to_be_bytes(), later).await.unwrap().is_none());
        assert_eq!(store.all(Kind::Used, later).await.unwrap().len(), 0);
        assert_eq!(store.count(Kind::Used).await.unwrap(), 1200);
        assert_eq!(store.sweep(NOW).await.unwrap(), 0);
        assert_eq!(store.sweep(later).await.unwrap(), 1200);
        assert_eq!(store.count(Kind::Used).await.unwrap(), 0);
        assert_eq!(store.revocations().await.unwrap().len(), 1, "a revocation is never swept by itself");
        assert!(store.get(Kind::Setting, b"stays", later).await.unwrap().is_some());
    });
}

#[test]
fn a_row_is_replaced_only_at_the_version_that_was_read() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        assert!(!store.replace(&full(Kind::Family, 1, 1)).await.unwrap(), "there is none");
        store.insert(&full(Kind::Family, 1, 1)).await.unwrap();
        let read = store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap();
        assert!(store.replace(&read).await.unwrap());
        assert!(!store.replace(&read).await.unwrap(), "it has another version by now");
        assert_eq!(store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap().version, 2);
        store.put(&full(Kind::Family, 1, 1)).await.unwrap();
        assert_eq!(store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap().version, 3);
        let stranger = Row { id: vec![1; 16], client: None, ..full(Kind::Family, 2, 2) };
        store.put(&stranger).await.unwrap();
        let read = store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap();
        assert!(same(&read, &Row { version: 4, ..stranger }), "whose it is changes with it");
        store.put(&full(Kind::Family, 1, 2)).await.unwrap();
        assert_eq!(store.get(Kind::Family, &[2; 16], NOW).await.unwrap().unwrap().version, 1);
    });
}

// control: D-15: of many who redeem the same refresh token at once, in two processes, exactly one gets through.
#[test]
fn exactly_one_of_32_replaces_a_row() {
    let place = Place::new();
    run(async {
        let (one, two) = (place.open().await, place.open().await);
        one.insert(&full(Kind::Family, 1, 1)).await.unwrap();
        for _ in 0..4 {
            let mut read = Vec::new();
            for number in 0..32 {
                let store = if number % 2 == 0 { &one } else { &two };
                read.push((store.clone(), store.get(Kind::Family, &[1; 16], NOW).await.unwrap().unwrap()));
            }
            let tasks: Vec<_> = read
                .into_iter()
                .map(|(store, row)| tokio::spawn(async move { store.replace(&row).await.unwrap() }))
                .collect();
            let mut won = 0;
            for task in tasks {
                won += u32::from(task.await.unwrap());
            }
            assert_eq!(won, 1);
        }
    });
}

#[test]
fn several_changes_happen_together_or_not_at_all() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        let (code, family) = (full(Kind::Code, 1, 1), full(Kind::Family, 1, 1));
        store.insert(&code).await.unwrap();
        let stale = Row { version: 9, ..full(Kind::Code, 1, 1) };
        for lost in [
            vec![Change::Insert(&family), Change::Replace(&stale)],
            vec![Change::Delete(Kind::Code, &code.id), Change::Insert(&family), Change::Insert(&family)],
            vec![Change::DeleteGrant(GrantId([1; 16])), Change::Put(&family), Change::Replace(&stale)],
        ] {
            assert!(!store.apply(&lost).await.unwrap());
            assert!(store.get(Kind::Family, &family.id, NOW).await.unwrap().is_none());
            assert!(store.get(Kind::Code, &code.id, NOW).await.unwrap().is_some());
        }
        let both = [Change::Replace(&code), Change::Insert(&family), Change::Delete(Kind::Used, b"nothing")];
        assert!(store.apply(&both).await.unwrap());
        assert_eq!(store.get(Kind::Code, &code.id, NOW).await.unwrap().unwrap().version, 2);
        // A tenant whose key was made in a transaction that lost gets another one, which is kept.
        let stranger = full(Kind::Family, 9, 9);
        assert!(!store.apply(&[Change::Insert(&stranger), Change::Insert(&stranger)]).await.unwrap());
        assert!(store.insert(&stranger).await.unwrap());
        store.close().await;
        assert!(place.open().await.get(Kind::Family, &[9; 16], NOW).await.unwrap().is_some());
    });
}

#[test]
fn rows_are_found_by_person_client_and_grant() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        for number in 1..=3 {
            store.insert(&full(Kind::Family, 1, number)).await.unwrap();
            store.insert(&full(Kind::EntraTokens, 1, number)).await.unwrap();
        }
        store.insert(&full(Kind::Family, 2, 4)).await.unwrap();
        let ids = |rows: Vec<Row>| rows.iter().map(|row| row.id[0]).collect::<Vec<_>>();
        assert_eq!(ids(store.of_person(Kind::Family, &person(1, 2), NOW).await.unwrap()), [2]);
        assert_eq!(
            ids(store.of_person(Kind::Family, &person(2, 2), NOW).await.unwrap()),
            [0; 0],
            "another tenant"
        );
        assert_eq!(ids(store.of_client(Kind::Family, &client(), NOW).await.unwrap()), [1, 2, 3, 4]);
        assert_eq!(ids(store.of_grant(Kind::EntraTokens, &GrantId([3; 16]), NOW).await.unwrap()), [3]);
        assert_eq!(ids(store.all(Kind::Family, NOW).await.unwrap()), [1, 2, 3, 4]);
        assert_eq!(store.delete_grant(&GrantId([3; 16])).await.unwrap(), 2);
        assert_eq!(store.delete_of_person(Kind::Family, &person(1, 1)).await.unwrap(), 1);
        assert!(store.delete(Kind::Family, &[4; 16]).await.unwrap());
        assert!(!store.delete(Kind::Family, &[4; 16]).await.unwrap());
        assert_eq!(ids(store.all(Kind::Family, NOW).await.unwrap()), [2]);
        assert_eq!(ids(store.all(Kind::EntraTokens, NOW).await.unwrap()), [1, 2]);
    });
}

#[test]
fn the_stores_own_rows_are_not_written_from_outside() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        for kind in [Kind::Key, Kind::Epoch, Kind::Revocation] {
            let own = row(kind, b"epoch", b"");
            for refused in [
                store.insert(&own).await.err(),
                store.replace(&own).await.err(),
                store.put(&own).await.err(),
                store.delete(kind, b"epoch").await.err(),
                store.delete_of_person(kind, &person(1, 1)).await.err(),
            ] {
                assert!(matches!(refused, Some(StoreError::Reserved(_))));
            }
        }
    });
}

// control: D-18, TOK-10: a revocation raises the epoch, in every process, and is kept for as long as it is needed.
#[test]
fn revocations_raise_the_epoch_for_every_process() {
    let place = Place::new();
    run(async {
        let (door, command) = (place.open().await, place.open().await);
        assert_eq!(door.epoch().await.unwrap(), 0);
        let before = door.data_version().await.unwrap();
        door.put(&row(Kind::Setting, b"own", b"")).await.unwrap();
        assert_eq!(door.data_version().await.unwrap(), before, "its own writing is no news");
        let all = [
            Revoked::Person(person(1, 1)),
            Revoked::Client(client()),
            Revoked::Client(ClientId::parse("aebc6443-996d-45c2-90f0-388ff96faa56").unwrap()),
            Revoked::Grant(GrantId([5; 16])),
            Revoked::All,
        ];
        for (at, what) in (1..).zip(&all) {
            assert_eq!(command.revoke(what, NOW, HOUR).await.unwrap(), at);
        }
        assert_ne!(door.data_version().await.unwrap(), before);
        assert_eq!(door.epoch().await.unwrap(), 5);
        let expected: Vec<_> = all.iter().cloned().zip(1..).map(|(what, epoch)| (what, epoch, NOW)).collect();
        assert_eq!(door.revocations().await.unwrap(), expected);
        // What nothing can live long enough to need any more goes when the next one comes.
        let later = NOW.plus(HOUR);
        assert_eq!(door.revoke(&Revoked::All, later, HOUR).await.unwrap(), 6);
        assert_eq!(command.revocations().await.unwrap(), [(Revoked::All, 6, later)]);
        command.check().await.unwrap();
    });
}

// control: TOK-10: with a revocation the sign-ins it is about are gone, in the same write: nothing of them can be refreshed
#[test]
fn a_revocation_takes_its_sign_ins_along() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        let of = |byte: u8| {
            let mut made = row(Kind::Family, &[byte; 16], b"family");
            made.scope = Scope::Tenant(person(1, byte).tenant);
            made.person = Some(person(1, byte));
            made.client = Some(client());
            made.grant = Some(GrantId([byte; 16]));
            made
        };
        for (what, left) in [
            (Revoked::Grant(GrantId([1; 16])), 2),
            (Revoked::Person(person(1, 2)), 2),
            (Revoked::Client(client()), 0),
            (Revoked::All, 0),
        ] {
            for byte in 1..=3 {
                store.put(&of(byte)).await.unwrap();
            }
            let mut consent = of(9);
            consent.kind = Kind::Consent;
            store.put(&consent).await.unwrap();
            store.revoke(&what, NOW, HOUR).await.unwrap();
            assert_eq!(store.all(Kind::Family, NOW).await.unwrap().len(), left, "{what:?}");
            assert_eq!(
                store.all(Kind::Consent, NOW).await.unwrap().len(),
                1,
                "what was allowed stays allowed"
            );
        }
    });
}

#[test]
fn two_at_once_open_a_new_store_and_revoke() {
    let place = Place::new();
    run(async {
        let (one, two, three) = tokio::join!(place.open(), place.open(), place.open());
        let mut tasks = Vec::new();
        for store in [one.clone(), two, three] {
            for number in 0..10 {
                let store = store.clone();
                let what = Revoked::Grant(GrantId([number; 16]));
                tasks.push(tokio::spawn(async move { store.revoke(&what, NOW, HOUR).await }));
            }
        }
        let mut epochs = Vec::new();
        for task in tasks {
            epochs.push(task.await.unwrap().unwrap());
        }
        epochs.sort_unstable();
        assert_eq!(epochs, (1..=30).collect::<Vec<u64>>(), "no epoch is given twice");
        assert_eq!(one.revocations().await.unwrap().len(), 30);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_come_back(id in any::<Vec<u8>>(), body in any::<Vec<u8>>(), expires in any::<Option<i64>>()) {
        let key = crate::seal::random_key().unwrap();
        let expires = expires.map(Timestamp::from_micros);
        let written = Row { expires, ..row(Kind::Setting, &id, &body) };
        let sealed = crate::seal::Sealed::seal(&written, 1, 1, &key).unwrap();
        prop_assert!(body.len() < 8 || !sealed.body.windows(body.len()).any(|part| part == body));
        prop_assert!(same(&sealed.open(&key).unwrap(), &written));
    }

    #[test]
    fn any_other_row_does_not_fit_the_seal(at in any::<prop::sample::Index>(), bit in 0..8_u8, which in 0..10_u8) {
        let key = crate::seal::random_key().unwrap();
        let mut sealed = crate::seal::Sealed::seal(&full(Kind::Family, 1, 1), 1, 1, &key).unwrap();
        match which {
            0 => sealed.kind = Kind::Code,
            1 => sealed.id[at.index(16)] ^= 1 << bit,
            2 => sealed.scope = String::from("door"),
            3 => sealed.person = None,
            4 => sealed.client = Some(String::new()),
            5 => sealed.grant = None,
            6 => sealed.expires = sealed.expires.map(|time| time ^ (1 << bit)),
            7 => sealed.generation += 1 << bit,
            8 => sealed.version += 1 << bit,
            _ => { let at = at.index(sealed.body.len()); sealed.body[at] ^= 1 << bit }
        }
        let noticed = matches!(sealed.open(&key).err(), Some(StoreError::Tampered { .. }));
        prop_assert!(noticed);
    }
}
