use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::testing::{NOW, Place, intent, object, outcome, run, subject, subject_of, tenant};
use crate::{AuditError, AuditLog, Target};

// control: D-10, DAT-04: erasing a person makes their identifying fields unreadable and leaves the chain intact.
#[test]
fn an_erased_person_cannot_be_read_any_more() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let (alice, bob) = (subject_of(&log, 1), subject_of(&log, 2));
        intent(&log, &alice, 1, NOW).await.unwrap();
        intent(&log, &bob, 2, NOW).await.unwrap();
        assert_ne!(alice.person(), bob.person());
        let read = |at: usize| {
            let record = place.records()[at].clone();
            let keys = AuditKeys::open(&place.config.key_file).unwrap();
            keys.unseal(&record.text("person")?, &record.text("who")?)
        };
        let who = read(1).unwrap();
        assert_eq!((who.tenant, who.object), (tenant().to_string(), object(1).to_string()));
        assert_eq!(
            (who.name.as_deref(), who.source.as_deref()),
            (Some("Alice Canary"), Some("198.51.100.77"))
        );

        assert!(log.erase(&tenant(), &object(1), NOW).await.unwrap());
        assert!(!log.erase(&tenant(), &object(1), NOW).await.unwrap(), "nothing is left to erase");
        assert!(read(1).is_none());
        assert!(read(2).is_some_and(|who| who.object == object(2).as_str()), "the other one stays");
        let again = subject_of(&log, 1);
        assert_eq!(again.person(), alice.person());
        assert!(read(1).is_none(), "a new key does not open old seals");
        log.close(NOW).await.unwrap();
    });
    assert!(place.verify().is_intact());
}

#[test]
fn a_seal_cannot_be_moved_to_another_person() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let (alice, bob) = (subject_of(&log, 1), subject_of(&log, 2));
        intent(&log, &alice, 1, NOW).await.unwrap();
        let record = place.records()[1].clone();
        let keys = AuditKeys::open(&place.config.key_file).unwrap();
        assert!(keys.unseal(bob.person().as_str(), &record.text("who").unwrap()).is_none());
    });
}

// control: D-10, AUD-04, TOK-07: nothing that identifies a person, and no content, stands in any file in the clear.
#[test]
fn no_file_holds_a_canary() {
    let place = Place::new();
    let canaries = [
        "Alice Canary",
        "198.51.100.77",
        "session-canary",
        "secret",
        "file:///home/canary",
        "unlisted-canary",
    ];
    run(async {
        let log = place.open();
        let alice = subject(&log);
        intent(&log, &alice, 1, NOW).await.unwrap();
        outcome(&log, 1, NOW).await.unwrap();
        for target in [
            Target::Resource(alice.digest(Part::Resource, b"file:///home/canary")),
            Target::Unlisted(alice.digest(Part::Name, b"unlisted-canary")),
        ] {
            let intent = crate::RefusedRecord {
                call: None,
                trace: None,
                subject: &alice,
                client: "client",
                server: None,
                method: None,
                target,
                reason: "no-permit",
                fault: crate::Fault::Caller,
                policies: &[],
                errors: &[],
                findings: &[],
                session: None,
                steps: &[],
            };
            log.refused(&intent, NOW).await.unwrap();
        }
        log.close(NOW).await.unwrap();
    });
    let mut files = 0;
    for folder in [&place.config.dir, &place.config.checkpoint_dir, &place.root.path().join("keys")] {
        for entry in fs::read_dir(folder).unwrap() {
            let content = fs::read(entry.unwrap().path()).unwrap();
            files += 1;
            for canary in canaries.iter().copied().chain([object(1).as_str(), tenant().as_str()]) {
                assert!(crate::scan::find(&content, canary.as_bytes()).is_none(), "{canary}");
            }
        }
    }
    assert!(files >= 6, "{files}");
}

#[test]
fn digests_depend_on_tenant_part_and_log() {
    let (one, two) = (Place::new(), Place::new());
    run(async {
        let (first, second) = (one.open(), two.open());
        let alice = subject(&first);
        let digest = alice.digest(Part::Arguments, b"{}");
        assert_eq!(digest, subject_of(&first, 2).digest(Part::Arguments, b"{}"), "the same within a tenant");
        assert_ne!(digest, alice.digest(Part::Answer, b"{}"));
        assert_ne!(digest, subject(&second).digest(Part::Arguments, b"{}"), "each log has a root of its own");
        assert_ne!(digest, first.unattributed_digest(Part::Arguments, b"{}"));
        let elsewhere = doorward_types::TenantId::parse("00000000-86f1-41af-91ab-2d7cd011db47").unwrap();
        let object = object(1);
        let facts =
            SubjectFacts { tenant: &elsewhere, object: &object, name: None, source: None, application: true };
        let stranger = first.subject(&facts).unwrap();
        assert_ne!(digest, stranger.digest(Part::Arguments, b"{}"));
        assert_ne!(alice.person(), stranger.person(), "the same oid in another tenant is somebody else");
    });
}

#[test]
fn key_files_are_for_their_owner_alone() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let _ = subject(&log);
    });
    let key = &place.config.key_file;
    for path in [key.clone(), key.with_extension("root"), key.with_extension("subjects")] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = AuditLog::open(place.config.clone(), NOW).err();
        assert!(matches!(refused, Some(AuditError::Key(KeyError::Open(_)))), "{}", path.display());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(mode(&place.segment(1)), 0o600);
    assert_eq!(mode(&place.config.dir), 0o700);
    assert!(AuditLog::open(place.config.clone(), NOW).is_ok());
}

// control: D-10: a log whose key is gone is not silently signed with a new one.
#[test]
fn a_missing_key_is_not_replaced() {
    for gone in ["key", "root"] {
        let place = Place::new();
        drop(place.open());
        fs::remove_file(place.config.key_file.with_extension(gone)).unwrap();
        let refused = AuditLog::open(place.config.clone(), NOW).err();
        assert!(matches!(refused, Some(AuditError::Key(KeyError::Gone(_)))), "{gone}");
    }
}

#[test]
fn a_key_file_of_anything_else_is_refused() {
    let place = Place::new();
    drop(place.open());
    fs::write(&place.config.key_file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        .unwrap();
    let refused = AuditLog::open(place.config.clone(), NOW).err();
    assert!(matches!(refused, Some(AuditError::Key(KeyError::Malformed { .. }))));
}

#[test]
fn a_line_of_the_subject_file_cut_by_a_crash_costs_one_key() {
    let place = Place::new();
    let path = place.config.key_file.with_extension("subjects");
    {
        let log = place.open();
        let _ = (subject_of(&log, 1), subject_of(&log, 2));
    }
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    {
        let log = place.open();
        let _ = (subject_of(&log, 1), subject_of(&log, 2), subject_of(&log, 3));
    }
    let log = place.open();
    let before = fs::read(&path).unwrap();
    let _ = (subject_of(&log, 1), subject_of(&log, 2), subject_of(&log, 3));
    assert_eq!(fs::read(&path).unwrap(), before, "all three are known");
}

#[test]
fn public_keys_go_through_pem() {
    let place = Place::new();
    let log = place.open();
    assert_eq!(place.public_key(), *log.public_key());
    assert_eq!(PublicKey::from_pem(&log.public_key().to_pem()), Some(*log.public_key()));
    assert!(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_none());
    assert_eq!(log.public_key().id().len(), 16);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
