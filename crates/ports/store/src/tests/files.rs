//! Files: who may read them, where they lie, and what is in them.

use std::fs;
use std::path::Path;

use super::*;

// control: D-18, TOK-07: no body stands in the file or its log in the clear, also after rows were replaced and swept.
#[test]
fn no_file_holds_a_canary() {
    let place = Place::new();
    run(async {
        let store = place.open().await;
        for number in 1..=20 {
            let body = Secret::new(format!("canary-{number}-refresh-token").into_bytes());
            store.insert(&Row { body, ..full(Kind::EntraTokens, 1, number) }).await.unwrap();
        }
        let read = store.get(Kind::EntraTokens, &[1; 16], NOW).await.unwrap().unwrap();
        store.replace(&read).await.unwrap();
        store.rekey(place.wrap.clone()).await.unwrap();
        store.insert(&row(Kind::Setting, b"seal", b"canary-seal")).await.unwrap();
        let mut files = 0;
        let folder = place.path();
        for entry in fs::read_dir(folder.parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read(&path).unwrap();
            files += 1;
            assert!(!content.windows(7).any(|part| part == b"canary-"), "{}", path.display());
        }
        assert!(files >= 2, "the file and its log");
        store.close().await;
    });
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_store_is_for_its_owner_alone() {
        let place = Place::new();
        run(async {
            let store = place.open().await;
            store.put(&row(Kind::Setting, b"x", b"")).await.unwrap();
            assert_eq!(mode(place.path().parent().unwrap()), 0o700);
            for suffix in ["", "-wal", "-shm"] {
                assert_eq!(
                    mode(Path::new(&format!("{}{suffix}", place.path().display()))),
                    0o600,
                    "{suffix}"
                );
            }
            store.close().await;
            fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
            place.open().await.close().await;
            assert_eq!(mode(&place.path()), 0o600, "it is closed to others");
            assert_eq!(mode(&place.root.path().join("keys/store.key")), 0o600);
        });
    }

    // control: D-18: a key in the database's folder is refused, also behind links and dots.
    #[test]
    fn a_key_beside_the_store_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["data/deeper", "keys"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("data"), at("elsewhere")).unwrap();
        symlink(at("data/real.key"), at("keys/link.key")).unwrap();
        symlink(at("keys"), at("data/out")).unwrap();
        fs::write(at("data/real.key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
        fs::set_permissions(at("data/real.key"), fs::Permissions::from_mode(0o600)).unwrap();
        for beside in [
            "data/store.key",
            "data/deeper/store.key",
            "data/new/store.key",
            "keys/../data/store.key",
            "elsewhere/store.key",
            "elsewhere/deeper/../store.key",
            "keys/link.key",
            "data/out/../data/store.key",
        ] {
            let refused = KeyFile::open_or_create(&at(beside), &at("data/store.db")).err();
            let named = matches!(refused, Some(StoreError::KeyFile { what, .. }) if what.contains("database's folder"));
            assert!(named, "{beside}: {refused:?}");
        }
        // The database behind a link: the folder that it really lies in counts.
        symlink(at("data/store.db"), at("linked.db")).unwrap();
        fs::write(at("data/store.db"), "").unwrap();
        assert!(KeyFile::open_or_create(&at("data/store.key"), &at("linked.db")).is_err());
        for dangling in ["nowhere", "keys/dangling"] {
            symlink(at("not/there"), at(dangling)).unwrap();
            assert!(KeyFile::open_or_create(&at(dangling), &at("data/store.db")).is_err(), "{dangling}");
        }
        for apart in ["keys/store.key", "more/keys/store.key", "data-keys/store.key"] {
            KeyFile::open_or_create(&at(apart), &at("data/store.db")).unwrap();
            assert_eq!(mode(&at(apart)), 0o600);
        }
        assert!(!at("data/store.key").exists(), "nothing was made");
    }

    #[test]
    fn a_key_file_that_others_may_read_or_that_holds_no_key_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (key, database) = (root.path().join("keys/k"), root.path().join("data/db"));
        let id = KeyFile::open_or_create(&key, &database).unwrap().id();
        assert_eq!(KeyFile::open_or_create(&key, &database).unwrap().id(), id, "it is read again");
        for bits in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&key, fs::Permissions::from_mode(bits)).unwrap();
            let refused = KeyFile::open_or_create(&key, &database).err();
            assert!(matches!(refused, Some(StoreError::KeyFile { .. })), "{bits:o}");
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        for bad in ["", "AAAA", "not base64!", &"A".repeat(43), &"A".repeat(200), &"AAAA".repeat(11)] {
            fs::write(&key, bad).unwrap();
            let refused = KeyFile::open_or_create(&key, &database).err();
            assert!(matches!(refused, Some(StoreError::KeyFile { .. })), "{bad}");
        }
        fs::remove_file(&key).unwrap();
        fs::create_dir(&key).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(KeyFile::open_or_create(&key, &database).is_err(), "a folder");
    }
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    run(async {
        // Newer than the program.
        let place = Place::new();
        place.open().await.close().await;
        place.tamper("PRAGMA user_version = 99").await;
        let refused = place.try_open(0, false).await.err();
        assert!(matches!(refused, Some(StoreError::TooNew { found: 99, .. })), "{refused:?}");
        place.tamper("PRAGMA user_version = 0").await;
        let refused = place.try_open(0, false).await.err();
        assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");

        // Another program's.
        let place = Place::new();
        fs::create_dir_all(place.path().parent().unwrap()).unwrap();
        fs::write(place.path(), "").unwrap();
        place.tamper("CREATE TABLE theirs (x); PRAGMA user_version = 1").await;
        let refused = place.try_open(0, false).await.err();
        assert!(matches!(refused, Some(StoreError::NotOurs { .. })), "{refused:?}");

        // No database at all.
        for content in [&b"not a database, but long enough to look at it twice"[..], &[0xff; 8192]] {
            fs::write(place.path(), content).unwrap();
            let refused = place.try_open(0, false).await.err();
            assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
            assert_eq!(fs::read(place.path()).unwrap(), content);
        }

        // Ours, with a page overwritten.
        let place = Place::new();
        let store = place.open().await;
        for number in 1..=200 {
            store.insert(&full(Kind::Family, 1, number)).await.unwrap();
        }
        store.close().await;
        let mut content = fs::read(place.path()).unwrap();
        let middle = content.len() / 2 / 4096 * 4096;
        content[middle..middle + 4096].fill(0xff);
        fs::write(place.path(), &content).unwrap();
        let found = match place.try_open(0, false).await {
            Ok(store) => store.check().await.err(),
            Err(error) => Some(error),
        };
        assert!(matches!(found, Some(StoreError::Corrupt { .. })), "{found:?}");

        // A folder that cannot be made.
        let place = Place::new();
        fs::write(place.root.path().join("data"), "a file").unwrap();
        let refused = place.try_open(0, false).await.err();
        assert!(matches!(refused, Some(StoreError::Io { .. })), "{refused:?}");
    });
}
