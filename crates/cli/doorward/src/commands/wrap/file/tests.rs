use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_with_its_permissions_and_a_private_backup() {
    let dir = folder();
    let path = dir.path().join("mcp.json");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    for (number, (old, new)) in [("old", "new"), ("new", "newer")].into_iter().enumerate() {
        let target = Target::open(&path).unwrap();
        assert_eq!(target.text, old);
        let backup = target.replace(new).unwrap();
        assert_eq!(
            backup,
            dir.path().canonicalize().unwrap().join(format!("mcp.json.doorward-backup-{}", number + 1))
        );
        assert_eq!(fs::read_to_string(&backup).unwrap(), old);
        assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }
    assert_eq!(names(dir.path()), ["mcp.json", "mcp.json.doorward-backup-1", "mcp.json.doorward-backup-2"]);
}

#[test]
fn a_link_stays_a_link_and_its_target_is_edited() {
    let dir = folder();
    let (real, link) = (dir.path().join("dotfiles.json"), dir.path().join("mcp.json"));
    fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    Target::open(&link).unwrap().replace("new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
}

#[test]
fn what_changed_meanwhile_is_not_written_over() {
    let dir = folder();
    let (path, other) = (dir.path().join("mcp.json"), dir.path().join("other.json"));
    fs::write(&path, "old").unwrap();
    fs::write(&other, "old").unwrap();
    let target = Target::open(&path).unwrap();
    fs::write(&path, "the client's").unwrap();
    assert!(target.replace("new").unwrap_err().contains("changed"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "the client's");
    // The same text behind a link that now leads elsewhere.
    fs::write(&path, "old").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&other, &path).unwrap();
    assert!(target.replace("new").is_err());
    assert_eq!(fs::read_to_string(&other).unwrap(), "old");
    assert_eq!(names(dir.path()), ["mcp.json", "other.json"], "nothing is left behind");
}

#[test]
fn a_link_in_the_place_of_the_new_file_or_the_backup_is_not_followed() {
    let dir = folder();
    let (path, bait) = (dir.path().join("mcp.json"), dir.path().join("bait"));
    fs::write(&path, "old").unwrap();
    symlink(&bait, dir.path().join("mcp.json.doorward-backup-1")).unwrap();
    let target = Target::open(&path).unwrap();
    assert!(target.replace("new").unwrap().ends_with("mcp.json.doorward-backup-2"));
    symlink(&bait, dir.path().join(format!(".doorward-wrap-{}", std::process::id()))).unwrap();
    let target = Target { text: "new".to_owned(), ..target };
    assert!(target.replace("newer").is_err());
    assert!(!bait.exists());
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn files_of_strangers_second_names_and_devices_are_refused() {
    let dir = folder();
    let path = dir.path().join("mcp.json");
    fs::write(&path, "old").unwrap();
    fs::hard_link(&path, dir.path().join("twin")).unwrap();
    assert!(Target::open(&path).err().unwrap().contains("second name"));
    assert!(read(Path::new("/dev/zero")).unwrap_err().contains("not a file"));
    let pipe = dir.path().join("pipe.json");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(read(&pipe).unwrap_err().contains("not a file"), "nobody waits for a writer");
    let stranger = dir.path().join("stranger.json");
    fs::write(&stranger, "{}").unwrap();
    // Only root can give a file away; whoever is not root finds root's.
    match std::os::unix::fs::chown(&stranger, Some(65_534), None) {
        Ok(()) => assert!(Target::open(&stranger).err().unwrap().contains("somebody else")),
        Err(_) => assert!(refuse_strangers(Path::new("/")).unwrap_err().contains("somebody else")),
    }
    let link = dir.path().join("link.json");
    symlink(&stranger, &link).unwrap();
    assert!(Target::open(&link).is_err(), "through a link as well");
}

#[test]
fn a_second_wrap_in_the_same_folder_is_turned_away() {
    let dir = folder();
    let path = dir.path().join("mcp.json");
    fs::write(&path, "old").unwrap();
    let first = Target::open(&path).unwrap();
    assert!(Target::open(&path).err().unwrap().contains("another"));
    drop(first);
    assert!(Target::open(&path).is_ok());
}

#[test]
fn a_huge_file_and_one_that_is_no_text_are_refused() {
    let dir = folder();
    let path = dir.path().join("mcp.json");
    File::create(&path).unwrap().set_len(MAX + 1).unwrap();
    assert!(read(&path).unwrap_err().contains("larger"));
    fs::write(&path, b"{\xff}").unwrap();
    assert_eq!(read(&path).unwrap_err(), "byte 1 is not UTF-8");
}
