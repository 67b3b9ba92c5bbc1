//! The real keychain: gnome-keyring on a bus of its own.

use std::sync::Arc;

use doorward_accounts::{
    AccountsError, CacheError, Interactive, KeyError, KeySource as _, Needed, SecretService, Source,
};

use crate::bus::Bus;
use crate::house::{ALICE, BOB, Does, House, files};

// control: LOC-04: the key that opens the cache lies in the keychain alone, and signing out destroys it: a copy of the file from before is worthless
#[tokio::test]
async fn the_key_is_in_the_keychain_and_nowhere_else() {
    let mut bus = Bus::start();
    bus.keyring().await;
    let mut house = House::new().await;
    house.key = Arc::new(SecretService::at(bus.address.clone()));
    let token = house.token(Interactive::Device).await.unwrap();
    assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Cache);
    for (path, bytes) in files(bus.home()).into_iter().chain(files(house.folder.path())) {
        let piece = &token.access.expose().as_bytes()[..32];
        assert!(!bytes.windows(32).any(|at| at == piece), "{}", path.display());
    }

    house.does(Does::SignsIn("bob"));
    house.process().sign_in(&house.ask(Interactive::Device)).await.unwrap();
    let copy = std::fs::read(house.cache_file()).unwrap();
    house.process().sign_out(Some(ALICE)).await.unwrap();
    assert_eq!(house.token(Interactive::Never).await.unwrap().account.person.object.as_str(), BOB);

    house.lay_down(&copy);
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(Needed::Damaged(_))), "{error}");
}

#[tokio::test]
async fn keys_are_made_found_and_destroyed() {
    let mut bus = Bus::start();
    bus.keyring().await;
    let keychain = SecretService::at(bus.address.clone());
    let (id, key) = keychain.make().await.unwrap();
    let (other, _) = keychain.make().await.unwrap();
    let found = keychain.find(id).await.unwrap().unwrap();
    assert!(found.matches(key.expose()));
    keychain.forget(id).await.unwrap();
    assert!(keychain.find(id).await.unwrap().is_none());
    assert!(keychain.find(other).await.unwrap().is_some());
    keychain.forget(id).await.unwrap();
}

// control: LOC-04: without a keychain nothing is kept in a weaker way by itself
#[tokio::test]
async fn without_a_keychain_nothing_is_kept() {
    let bus = Bus::start();
    let mut house = House::new().await;
    house.key = Arc::new(SecretService::at(bus.address.clone()));
    let error = house.token(Interactive::Device).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::Cache(CacheError::Key(KeyError::NoKeychain(_)))), "{error}");
    assert!(error.to_string().contains("passphrase-file"), "{error}");
    assert!(!house.cache_file().exists());
    assert_eq!((house.asked(), house.saw()), (Vec::<String>::new(), vec![]), "nobody signs in for nothing");
}
