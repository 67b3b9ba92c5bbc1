//! Who signs in, who may, and who is taken for whom.

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_accounts::{AccountsError, Ask, Interactive, Source};
use doorward_oauth::Groups;
use doorward_oidc::public::{Allow, NotAllowed};
use doorward_types::ObjectId;

use crate::house::{ALICE, BOB, Does, ENGINEERING, FINANCE, House};

fn ids(ids: &[&str]) -> Vec<ObjectId> {
    ids.iter().map(|id| ObjectId::parse(id).unwrap()).collect()
}

// control: LOC-08: tokens of two people lie apart; who is asked for is the one who gets theirs, and another who signs in instead is refused
#[tokio::test]
async fn people_are_kept_apart() {
    let house = House::new().await;
    let alice = house.token(Interactive::Browser).await.unwrap();
    house.does(Does::SignsIn("bob"));
    let process = house.process();
    let bob = process.sign_in(&house.ask(Interactive::Browser)).await.unwrap();
    assert_eq!((bob.person.object.as_str(), bob.name.as_deref()), (BOB, Some("Bob Baker")));
    assert_eq!(process.accounts().await.unwrap().len(), 2);

    let error = house.token(Interactive::Browser).await.map(drop).unwrap_err();
    assert!(matches!(&error, AccountsError::WhichAccount(people) if people.len() == 2), "{error}");
    for (name, object) in
        [("alice@contoso.onmicrosoft.com", ALICE), ("BOB@contoso.onmicrosoft.com", BOB), (ALICE, ALICE)]
    {
        let ask = Ask { account: Some(name), ..house.ask(Interactive::Never) };
        let token = process.token(&ask).await.unwrap();
        assert_eq!((token.account.person.object.as_str(), token.source), (object, Source::Cache), "{name}");
    }
    let nobody = Ask { account: Some("carol@contoso.onmicrosoft.com"), ..house.ask(Interactive::Never) };
    assert!(process.token(&nobody).await.is_err());

    // Alice's sign-in has ended, and Bob sits down at the page that asks for her.
    house.control().advance(Duration::from_secs(4500));
    house.control().revoke_user("alice").unwrap();
    house.control().advance(Duration::from_secs(1));
    for interactive in [Interactive::Browser, Interactive::Device] {
        let ask = Ask { account: Some(ALICE), ..house.ask(interactive) };
        let error = process.token(&ask).await.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::OtherPerson), "{error}");
    }
    assert_ne!(alice.account.person, bob.person);
}

// control: LOC-08: signing out removes everything of that person, and of nobody else
#[tokio::test]
async fn signing_out_leaves_nothing_of_the_person() {
    let house = House::new().await;
    let process = house.process();
    house.token(Interactive::Device).await.unwrap();
    house.does(Does::SignsIn("bob"));
    process.sign_in(&house.ask(Interactive::Device)).await.unwrap();
    let gone = process.sign_out(Some("alice@contoso.onmicrosoft.com")).await.unwrap();
    assert_eq!(gone.person.object.as_str(), ALICE);
    let left = process.accounts().await.unwrap();
    assert_eq!(left.iter().map(|account| account.person.object.as_str()).collect::<Vec<_>>(), [BOB]);
    assert_eq!(house.token(Interactive::Never).await.unwrap().account.person.object.as_str(), BOB);
    assert!(matches!(process.sign_out(Some(ALICE)).await, Err(AccountsError::NoSuchAccount(_))));
    process.sign_out(None).await.unwrap();
    assert!(!house.cache_file().exists(), "the last one takes the file along");
    assert!(matches!(process.sign_out(None).await, Err(AccountsError::SignInNeeded(_))));
}

// control: LOC-07: who is on neither list of the machine gets no token, whatever Entra and the cache say
#[tokio::test]
async fn only_those_who_are_listed_use_the_machine() {
    let mut house = House::new().await;
    for (people, groups, bob) in [
        (ids(&[]), ids(&[]), Ok(())),
        (ids(&[BOB]), ids(&[]), Ok(())),
        (ids(&[ALICE]), ids(&[]), Err(NotAllowed::NotListed)),
        (ids(&[]), ids(&[FINANCE]), Ok(())),
        (ids(&[ALICE]), ids(&[ENGINEERING]), Ok(())),
        (ids(&[]), ids(&[ALICE]), Err(NotAllowed::NotListed)),
    ] {
        house.folder = tempfile::tempdir().unwrap();
        house.allow = Allow { people, groups };
        house.does(Does::SignsIn("bob"));
        let result = house.token(Interactive::Device).await;
        match (result, bob) {
            (Ok(token), Ok(())) => assert_eq!(token.account.person.object.as_str(), BOB),
            (Err(AccountsError::NotAllowed(why)), Err(expected)) => {
                assert_eq!(why, expected);
                assert!(!house.cache_file().exists(), "nothing is kept of somebody who may not come in");
            }
            (result, _) => panic!("{:?}: {:?}", house.allow, result.map(|token| token.source)),
        }
    }
    // The list is asked each time: who was let in before it was written is out now.
    house.folder = tempfile::tempdir().unwrap();
    house.allow = Allow::default();
    house.token(Interactive::Device).await.unwrap();
    house.allow = Allow { people: ids(&[ALICE]), groups: ids(&[]) };
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::NotAllowed(NotAllowed::NotListed)), "{error}");
}

// control: LOC-07: groups that a token has no room for are no groups
#[tokio::test]
async fn groups_that_nobody_told_let_nobody_in() {
    let mut house = House::new().await;
    house.allow = Allow { people: vec![], groups: ids(&[ENGINEERING]) };
    for (user, expected) in [("carol", NotAllowed::TooManyGroups), ("dave", NotAllowed::GroupsUntold)] {
        house.does(Does::SignsIn(user));
        let error = house.token(Interactive::Device).await.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::NotAllowed(why) if why == expected), "{user}: {error}");
    }
    house.does(Does::SignsIn("alice"));
    let token = house.token(Interactive::Device).await.unwrap();
    assert_eq!(token.account.groups, Groups::Listed(BTreeSet::from_iter(ids(&[ENGINEERING]))));
}

// control-off: LOC-07: without a list everybody of the tenant gets a token
#[tokio::test]
async fn without_a_list_everybody_of_the_tenant_comes_in() {
    let house = House::new().await;
    for user in ["alice", "bob", "dave"] {
        house.does(Does::SignsIn(user));
        assert!(house.process().sign_in(&house.ask(Interactive::Device)).await.is_ok(), "{user}");
    }
}
