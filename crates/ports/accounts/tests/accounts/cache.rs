//! What the cache is worth to whoever gets at it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::sync::Arc;

use doorward_accounts::{
    AccountsError, CacheError, InsecureKeyBeside, Interactive, KeySource, Needed, Passphrase,
};
use doorward_types::Secret;

use crate::house::{House, files};

fn passphrase(words: &'static str) -> Arc<dyn KeySource> {
    Arc::new(Passphrase::of(move || Ok(Secret::new(words.to_owned()))))
}

const WORDS: &str = "seven wet geese at dawn";

// control: LOC-04: no token, name or address stands in any file of the cache, under any key source
#[tokio::test]
async fn nothing_can_be_read_in_the_file() {
    for key in [Arc::new(InsecureKeyBeside) as Arc<dyn KeySource>, passphrase(WORDS)] {
        let mut house = House::new().await;
        house.key = key;
        let token = house.token(Interactive::Device).await.unwrap();
        let found = files(house.folder.path());
        assert!(found.iter().any(|(path, bytes)| *path == house.cache_file() && bytes.len() > 1_000));
        let secrets = [token.access.expose().as_str(), "alice", "Alice", "accounts\":"];
        for (path, bytes) in found {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
            for secret in secrets {
                // Whole tokens, and any piece of sixteen characters.
                let pieces = secret.as_bytes().windows(secret.len().min(16));
                let mut pieces = pieces.filter(|piece| bytes.windows(piece.len()).any(|at| at == *piece));
                assert!(pieces.next().is_none(), "{} holds a piece of a secret", path.display());
            }
            // The beginning of any token at all. Three letters alone stand in random bytes now and then.
            let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/');
            let mut tokens =
                bytes.windows(12).filter(|at| at.starts_with(b"eyJ") && at.iter().all(is_base64));
            assert!(tokens.next().is_none(), "{} holds a token", path.display());
        }
        assert_eq!(fs::metadata(house.cache_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

// control: LOC-04: a changed, cut or foreign file is put aside and everybody is signed out; it is never half believed
#[tokio::test]
async fn a_damaged_file_signs_everybody_out_and_is_kept() {
    let house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    let good = fs::read(house.cache_file()).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut other = House::new().await;
    other.client = "aebc6443-996d-45c2-90f0-388ff96faa56";
    other.token(Interactive::Device).await.unwrap();
    for (what, bytes) in [
        ("empty", vec![]),
        ("another program's", b"hello".to_vec()),
        ("cut in the head", good[..40].to_vec()),
        ("cut in the body", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], b"x"].concat()),
        ("a later version", flipped(18)),
        ("another kind of key", flipped(20)),
        ("another key", flipped(21)),
        ("another check", flipped(37)),
        ("another nonce", flipped(53)),
        ("another body", flipped(100)),
        ("another tag", flipped(good.len() - 1)),
        ("another client's", fs::read(other.cache_file()).unwrap()),
    ] {
        house.lay_down(&bytes);
        let process = house.process();
        let told = process.accounts().await.map(drop).unwrap_err();
        assert!(matches!(told, AccountsError::Cache(CacheError::Damaged { .. })), "{what}: {told}");
        let error = process.token(&house.ask(Interactive::Never)).await.map(drop).unwrap_err();
        let AccountsError::SignInNeeded(Needed::Damaged(aside)) = &error else { panic!("{what}: {error}") };
        assert_eq!(fs::read(aside).unwrap(), bytes, "{what}");
        assert!(!house.cache_file().exists());
    }
    assert!(house.token(Interactive::Device).await.is_ok(), "a sign-in makes a new one");
}

// control: LOC-09: a file or folder that others have rights to, or that leads elsewhere, is not used
#[tokio::test]
async fn what_is_not_this_users_alone_is_refused() {
    let house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    let file = house.cache_file();
    let mode =
        |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let refused = async |what: &str| {
        let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::Cache(CacheError::NotOurs { .. })), "{what}: {error}");
        assert!(file.exists(), "{what}: it is left where it is");
    };
    for (what, bits) in [("read by a group", 0o640), ("read by all", 0o604), ("written by all", 0o602)] {
        mode(&file, bits);
        refused(what).await;
    }
    mode(&file, 0o600);
    let lock = file.with_extension("lock");
    mode(&lock, 0o666);
    house.control().advance(std::time::Duration::from_secs(4500));
    refused("a lock of everybody's").await;
    mode(&lock, 0o600);

    let elsewhere = house.folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    refused("a link").await;
    fs::remove_file(&file).unwrap();
    fs::rename(&elsewhere, &file).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&file, Some(65_534), None).unwrap();
        refused("another user's").await;
        chown(&file, Some(0), None).unwrap();
    }

    let open = |folder: &std::path::Path| {
        let tenant = doorward_types::TenantId::parse(crate::house::CONTOSO).unwrap();
        let client = doorward_types::ClientId::parse(house.client).unwrap();
        doorward_accounts::Cache::open(folder, &tenant, &client, Arc::new(InsecureKeyBeside)).map(drop)
    };
    open(&house.cache_dir()).unwrap();
    let link = house.folder.path().join("link");
    symlink(house.cache_dir(), &link).unwrap();
    assert!(matches!(open(&link), Err(CacheError::NotOurs { .. })));
    mode(&house.cache_dir(), 0o750);
    assert!(matches!(open(&house.cache_dir()), Err(CacheError::NotOurs { .. })));
    mode(&house.cache_dir(), 0o700);
}

// control: LOC-04: a wrong passphrase opens nothing and destroys nothing
#[tokio::test]
async fn a_wrong_passphrase_leaves_the_file_as_it_is() {
    let mut house = House::new().await;
    house.key = passphrase("geese");
    let error = house.token(Interactive::Device).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("shorter than 12"), "{error}");
    house.key = passphrase(WORDS);
    house.token(Interactive::Device).await.unwrap();
    let before = fs::read(house.cache_file()).unwrap();
    house.key = passphrase("seven wet geese at dusk");
    for interactive in [Interactive::Never, Interactive::Device] {
        let error = house.token(interactive).await.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::Cache(CacheError::WrongPassphrase { .. })), "{error}");
    }
    assert!(house.process().sign_out(None).await.is_err());
    assert_eq!(fs::read(house.cache_file()).unwrap(), before);
    house.key = passphrase(WORDS);
    assert!(house.token(Interactive::Never).await.is_ok());
}

// control: LOC-04: what a killed process or a full disk leaves behind neither hinders nor is believed
#[tokio::test]
async fn a_killed_writer_leaves_the_old_file() {
    let house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    let part =
        house.cache_dir().join(format!("{}.part", house.cache_file().file_name().unwrap().to_str().unwrap()));
    fs::write(&part, b"half of a f").unwrap();
    assert!(house.token(Interactive::Never).await.is_ok(), "the old file is whole");
    house.control().advance(std::time::Duration::from_secs(4500));
    assert!(house.token(Interactive::Never).await.is_ok(), "and can be replaced");
    assert!(!part.exists());
}

// control-off: LOC-04: with the key in the file itself, whoever copies the file has the tokens
#[tokio::test]
async fn a_copy_with_its_key_inside_opens_anywhere() {
    let mut house = House::new().await;
    let token = house.token(Interactive::Device).await.unwrap();
    let copy = fs::read(house.cache_file()).unwrap();
    house.folder = tempfile::tempdir().unwrap();
    house.process();
    house.lay_down(&copy);
    let stolen = house.token(Interactive::Never).await.unwrap();
    assert_eq!(stolen.access.expose(), token.access.expose());
}
