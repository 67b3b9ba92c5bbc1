//! The broker of the operating system, on a bus of the test's own.

use std::sync::Arc;
use std::time::Duration;

use doorward_accounts::{AccountsError, Interactive, LinuxBroker, Needed, Source};

use crate::bus::Bus;
use crate::house::{ALICE, BOB, Does, House};

async fn house(bus: &Bus) -> House {
    let mut house = House::new().await;
    house.broker = Some(Arc::new(LinuxBroker::at(bus.address.clone())));
    house
}

// control: LOC-03: the system's broker is asked after the refresh token and before the person, whose page does not open
#[tokio::test]
async fn the_broker_comes_before_the_person() {
    let bus = Bus::start();
    let house = house(&bus).await;
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(Needed::Nobody)), "there is no broker yet: {error}");

    let broker = house.control().broker(&bus.address, &["alice"]).await.unwrap();
    let token = house.token(Interactive::Browser).await.unwrap();
    assert_eq!((token.source, token.account.person.object.as_str()), (Source::Broker, ALICE));
    assert_eq!(
        house.asked(),
        ["GET openid-configuration", "GET keys"],
        "the ID token is verified like any other"
    );
    assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Cache);
    house.control().advance(Duration::from_secs(4500));
    assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Broker);

    // The machine's sign-in has ended: the person, once.
    house.control().advance(Duration::from_secs(4500));
    house.control().revoke_user("alice").unwrap();
    house.control().advance(Duration::from_secs(1));
    assert!(house.saw().is_empty());
    assert_eq!(house.token(Interactive::Device).await.unwrap().source, Source::Person);
    assert_eq!(house.saw().len(), 1);
    drop(broker);
}

// control: LOC-08: a broker that holds several people does not choose among them, and never gives one person's token for another's
#[tokio::test]
async fn the_broker_chooses_for_nobody() {
    let bus = Bus::start();
    let house = house(&bus).await;
    let _broker = house.control().broker(&bus.address, &["alice", "bob", "mallory"]).await.unwrap();
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(_)), "{error}");
    house.does(Does::SignsIn("bob"));
    house.token(Interactive::Device).await.unwrap();
    house.control().advance(Duration::from_secs(4500));
    house.control().revoke_user("bob").unwrap();
    house.control().advance(Duration::from_secs(1));
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(
        matches!(error, AccountsError::SignInNeeded(_)),
        "Alice's token is there, and Bob's is asked for: {error}"
    );
    let people = house.process().accounts().await.unwrap();
    assert_eq!(people.iter().map(|one| one.person.object.as_str()).collect::<Vec<_>>(), [BOB]);
}

// control: LOC-03: an error of the broker's that no person mends surfaces, and opens no page
#[tokio::test]
async fn what_the_broker_refuses_surfaces() {
    let bus = Bus::start();
    let mut house = house(&bus).await;
    let _broker = house.control().broker(&bus.address, &["alice"]).await.unwrap();
    // A confidential client is not a machine's.
    house.client = "d0012000-0000-4000-8000-0000000000d1";
    let error = house.token(Interactive::Browser).await.map(drop).unwrap_err();
    assert!(matches!(&error, AccountsError::Broker(_)), "{error}");
    house.client = crate::house::GUARD;
    house.scopes = doorward_oidc::public::Scopes::of(["api://nobody/x"]);
    let error = house.token(Interactive::Browser).await.map(drop).unwrap_err();
    assert!(matches!(&error, AccountsError::Broker(why) if why.to_string().contains("status 9")), "{error}");
    assert!(house.saw().is_empty());
}
