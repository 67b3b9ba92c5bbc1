//! Fifty at once.

use std::time::Duration;

use doorward_accounts::{AccountsError, Interactive, Source};
use tokio::task::JoinSet;

use crate::house::{Does, House};

/// Runs so many processes at once and returns what each got. Each has a cache, keys and locks of its own: tasks stand for
/// processes, since a lock belongs to an open file and not to a process.
async fn fifty(house: &House, interactive: Interactive) -> Vec<Result<Source, AccountsError>> {
    let mut running = JoinSet::new();
    for _ in 0..50 {
        let (process, scopes) = (house.process(), house.scopes.clone());
        running.spawn(async move {
            let ask = doorward_accounts::Ask { account: None, scopes: &scopes, refused: None, interactive };
            process.token(&ask).await.map(|token| token.source)
        });
    }
    running.join_all().await
}

fn tokens(asked: &[String]) -> usize {
    asked.iter().filter(|line| *line == "POST token").count()
}

// control: IDC-10: fifty processes at once make one token request, and ask a person once
#[tokio::test]
async fn fifty_make_one_request() {
    let house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    house.control().advance(Duration::from_secs(4500));
    house.asked();
    house.saw();
    let got = fifty(&house, Interactive::Browser).await;
    assert_eq!(got.iter().filter(|source| matches!(source, Ok(Source::Refresh))).count(), 1);
    assert_eq!(got.iter().filter(|source| matches!(source, Ok(Source::Cache))).count(), 49);
    assert_eq!((tokens(&house.asked()), house.saw().len()), (1, 0));

    house.control().advance(Duration::from_secs(4500));
    house.control().revoke_user("alice").unwrap();
    house.control().advance(Duration::from_secs(1));
    let got = fifty(&house, Interactive::Browser).await;
    assert_eq!(got.iter().filter(|source| matches!(source, Ok(Source::Person))).count(), 1);
    assert!(got.iter().all(Result::is_ok));
    assert_eq!((tokens(&house.asked()), house.saw()), (2, vec!["browser".into()]));
}

// control: IDC-10: a sign-in that a person breaks off is not begun again by the forty-nine who waited for it
#[tokio::test]
async fn a_person_who_says_no_is_asked_once() {
    let house = House::new().await;
    house.does(Does::Declines);
    let got = fifty(&house, Interactive::Device).await;
    assert_eq!(got.iter().filter(|result| matches!(result, Err(AccountsError::Declined))).count(), 1);
    assert_eq!(got.iter().filter(|result| matches!(result, Err(AccountsError::Abandoned))).count(), 49);
    assert_eq!(house.saw().len(), 1);
}

// control-off: IDC-10: without the lock that they share, each of the processes asks Entra
#[tokio::test]
async fn apart_each_asks_for_itself() {
    let mut house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    let copy = std::fs::read(house.cache_file()).unwrap();
    house.control().advance(Duration::from_secs(4500));
    house.asked();
    for _ in 0..5 {
        house.folder = tempfile::tempdir().unwrap();
        house.process();
        house.lay_down(&copy);
        assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Refresh);
    }
    assert_eq!(tokens(&house.asked()), 5);
}
