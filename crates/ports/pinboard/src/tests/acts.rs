use doorward_pins::Stand;

use super::*;
use crate::PinboardError;

#[test]
fn what_was_seen_first_stands_and_comes_back_after_a_restart() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        let (add, other) = (tool("add", "Adds."), tool("add", "Adds, and sends."));
        pin(&board, std::slice::from_ref(&add)).await;
        // Another process sees another list as the first: the one that is kept stands.
        pin(&place.board().await, &[other, tool("new", "New.")]).await;
        let kept = place.board().await.read(&name(), NOW).await.unwrap();
        assert_eq!(kept.pins.len(), 1);
        assert_eq!(kept.pins[0].current().definition.hash(), add.hash());
        assert_eq!(kept.pins[0].to_record(), Pin::first_use(server(), add, NOW).to_record());
    });
}

#[test]
fn a_person_agrees_refuses_and_goes_back() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        let (one, two, three) = (tool("add", "One."), tool("add", "Two."), tool("add", "Three."));
        pin(&board, std::slice::from_ref(&one)).await;
        board.wait(&[waiting(&two, 0)], NOW).await.unwrap();
        let done = board.approve(&which("add"), &approver(), NOW).await.unwrap();
        assert_eq!(
            (done.act.what, &done.act.by, done.act.hash),
            ("pin-approved", &"alice".to_owned(), two.hash().to_string())
        );
        assert!(board.waiting(&name(), NOW).await.unwrap().is_empty(), "nothing waits any more");

        board.wait(&[waiting(&three, 1)], NOW).await.unwrap();
        let done = board.reject(&which("add"), &approver(), NOW).await.unwrap();
        assert_eq!((done.act.what, done.act.hash), ("pin-rejected", three.hash().to_string()));

        let done = board.roll_back(&which("add"), &approver(), NOW).await.unwrap();
        assert_eq!((done.act.what, done.act.hash), ("pin-rolled-back", one.hash().to_string()));
        let kept = board.read(&name(), NOW).await.unwrap();
        let pin = &kept.pins[0];
        assert_eq!(pin.current().definition.hash(), one.hash());
        let refused: BTreeSet<String> =
            pin.rejected().iter().map(|version| version.definition.hash().to_string()).collect();
        assert_eq!(refused, hashes(&[&two, &three]));
        let acts: Vec<&str> = kept.unrecorded().iter().map(|act| act.what).collect();
        assert_eq!(acts, ["pin-approved", "pin-rejected", "pin-rolled-back"]);
        board.recorded(&name(), kept.unrecorded(), NOW).await.unwrap();
        assert!(board.read(&name(), NOW).await.unwrap().unrecorded().is_empty());
    });
}

#[test]
fn with_nothing_waiting_an_act_is_about_what_is_pinned() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        pin(&board, &[tool("add", "One.")]).await;
        let until = NOW.plus(std::time::Duration::from_secs(60));
        let by = Approver { expires: Some(until), ..approver() };
        board.approve(&which("add"), &by, NOW).await.unwrap();
        let stand = |kept: crate::Kept, at| kept.pins[0].stand(at);
        assert_eq!(stand(board.read(&name(), NOW).await.unwrap(), NOW), Stand::Approved);
        assert_eq!(stand(board.read(&name(), NOW).await.unwrap(), until), Stand::Expired);
        board.reject(&which("add"), &approver(), NOW).await.unwrap();
        assert_eq!(stand(board.read(&name(), NOW).await.unwrap(), NOW), Stand::Rejected);
    });
}

#[test]
fn what_is_new_is_refused_or_agreed_to_without_ever_having_been_pinned() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        let (bad, good) = (tool("bad", "Bad."), tool("good", "Good."));
        board.wait(&[waiting(&bad, 0), waiting(&good, 0)], NOW).await.unwrap();
        assert_eq!(board.servers(NOW).await.unwrap(), [name()], "found though nothing is pinned");
        board.reject(&which("bad"), &approver(), NOW).await.unwrap();
        board.approve(&which("good"), &approver(), NOW).await.unwrap();
        let kept = board.read(&name(), NOW).await.unwrap();
        let stands: Vec<_> = kept.pins.iter().map(|pin| (pin.name().to_owned(), pin.stand(NOW))).collect();
        assert!(stands.contains(&("bad".to_owned(), Stand::Rejected)), "{stands:?}");
        assert!(stands.contains(&("good".to_owned(), Stand::Approved)), "{stands:?}");
    });
}

#[test]
fn a_person_says_which_where_there_are_several() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        let (one, two) = (tool("add", "Two."), tool("add", "Three."));
        pin(&board, &[tool("add", "One.")]).await;
        board.wait(&[waiting(&one, 0)], NOW).await.unwrap();
        board.wait(&[waiting(&two, 1)], NOW).await.unwrap();
        let several = board.approve(&which("add"), &approver(), NOW).await;
        assert!(matches!(several, Err(PinboardError::Several { .. })), "{several:?}");
        let first = Which { hash: Some(one.hash().to_string().chars().take(20).collect()), ..which("add") };
        let done = board.approve(&first, &approver(), NOW).await.unwrap();
        assert_eq!(done.act.hash, one.hash().to_string());
        let nothing = board.approve(&which("subtract"), &approver(), NOW).await;
        assert!(matches!(nothing, Err(PinboardError::Nothing(_))), "{nothing:?}");
        let none =
            board.approve(&Which { hash: Some("ffff".to_owned()), ..which("add") }, &approver(), NOW).await;
        assert!(
            matches!(none, Err(PinboardError::Nothing(_))),
            "what was seen is what is agreed to: {none:?}"
        );
    });
}

#[test]
fn all_is_agreed_to_but_what_has_to_be_named() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        let flagged =
            Waiting { what: "definition-withheld".to_owned(), ..waiting(&tool("order", "Order."), 0) };
        let many = [waiting(&tool("a", "A."), 0), waiting(&tool("b", "B."), 0), flagged];
        board.wait(&many, NOW).await.unwrap();
        let done = board.approve_all(&name(), &approver(), NOW).await.unwrap();
        let names: Vec<&str> = done.iter().map(|done| done.act.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(board.waiting(&name(), NOW).await.unwrap().len(), 1);
    });
}

// control: TPO-03: A server that changes at every list fills no disk: the newest few of each name are kept to be looked at.
#[test]
fn a_server_that_changes_at_every_list_fills_no_disk() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        for round in 0..40 {
            let some: Vec<Waiting> = (0..10)
                .map(|n| waiting(&tool(&format!("t{n}"), &format!("Round {round}.")), round))
                .collect();
            board.wait(&some, NOW).await.unwrap();
        }
        let kept = board.waiting(&name(), NOW).await.unwrap();
        assert_eq!(kept.len(), 40, "four of each of ten names");
        assert!(kept.iter().all(|one| one.seen >= Timestamp::from_secs(1_795_176_000 + 36)), "the newest");
        let wide: Vec<Waiting> = (0..300).map(|n| waiting(&tool(&format!("w{n}"), "Wide."), 99)).collect();
        board.wait(&wide, NOW).await.unwrap();
        assert_eq!(board.waiting(&name(), NOW).await.unwrap().len(), 128);
        let long = "x".repeat(200_000);
        let heavy: Vec<Waiting> = (0..60).map(|n| waiting(&tool(&format!("h{n}"), &long), 100)).collect();
        board.wait(&heavy, NOW).await.unwrap();
        let bytes: usize = board
            .waiting(&name(), NOW)
            .await
            .unwrap()
            .iter()
            .map(|one| one.definition.canonical().len())
            .sum();
        assert!(bytes <= 4 << 20, "{bytes}");
    });
}
