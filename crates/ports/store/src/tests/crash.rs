//! A process that is killed in the middle of a write.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::Change;

const WORK: &str = "DOORWARD_STORE_TEST_WORK";
const FOLDER: &str = "DOORWARD_STORE_TEST_FOLDER";
const ROWS: u16 = 600;

/// What the other process does: this test binary again, told so by its environment.
#[test]
fn child() {
    let (Ok(work), Ok(folder)) = (std::env::var(WORK), std::env::var(FOLDER)) else { return };
    let (path, key) = paths(folder.as_ref());
    run(async {
        let wrap = Arc::new(KeyFile::open_or_create(&key, &path).unwrap());
        let store = Store::open(StoreConfig::new(path, 0), wrap.clone(), NOW).await.unwrap();
        for count in 0_u64.. {
            if work == "rekey" {
                store.rekey(wrap.clone()).await.unwrap();
            } else {
                let body = count.to_be_bytes().repeat(20_000);
                let (left, right) = (row(Kind::Setting, b"left", &body), row(Kind::Setting, b"right", &body));
                store.apply(&[Change::Put(&left), Change::Put(&right)]).await.unwrap();
            }
        }
    });
}

// control: D-18: a process killed while it writes or rekeys leaves the old whole or the new.
#[test]
fn a_kill_leaves_the_old_or_the_new() {
    for work in ["rekey", "apply"] {
        let root = tempfile::tempdir().unwrap();
        let (path, key) = paths(root.path());
        let wrap = Arc::new(KeyFile::open_or_create(&key, &path).unwrap());
        let open = || Store::open(StoreConfig::new(path.clone(), 0), wrap.clone(), NOW);
        run(async {
            let store = open().await.unwrap();
            let rows: Vec<Row> =
                (0..ROWS).map(|number| row(Kind::Used, &number.to_be_bytes(), &[7; 2000])).collect();
            let changes: Vec<Change<'_>> = rows.iter().map(Change::Insert).collect();
            assert!(store.apply(&changes).await.unwrap());
            store.close().await;
        });
        for round in 0..6_u64 {
            let mut child = spawn(work, root.path());
            kill_when_the_log_is_long(&mut child, &path, 100_000 + round * 250_000);
            run(async {
                let store = open().await.unwrap();
                store.check().await.unwrap();
                let rows = store.all(Kind::Used, NOW).await.unwrap();
                assert_eq!(rows.len(), usize::from(ROWS));
                assert!(rows.iter().all(|row| row.body.expose().as_slice() == [7; 2000]));
                let left = store.get(Kind::Setting, b"left", NOW).await.unwrap();
                let right = store.get(Kind::Setting, b"right", NOW).await.unwrap();
                assert_eq!(
                    left.map(|row| row.body.expose().clone()),
                    right.map(|row| row.body.expose().clone())
                );
                store.close().await;
            });
        }
    }
}

fn paths(folder: &std::path::Path) -> (PathBuf, PathBuf) {
    (folder.join("data/store.db"), folder.join("keys/store.key"))
}

fn spawn(work: &str, folder: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child", "--nocapture"])
        .env(WORK, work)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until so much was written that the process is in the middle of something.
fn kill_when_the_log_is_long(child: &mut Child, path: &std::path::Path, length: u64) {
    let log = format!("{}-wal", path.display());
    while fs::metadata(&log).map_or(0, |metadata| metadata.len()) < length {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
