use doorward_engine::Pins;

use super::*;

async fn watch(place: &Place) -> Watch {
    Watch::open(place.board().await, vec![name()], NOW).await
}

fn version(watch: &Watch) -> u64 {
    match watch.pins(&name()) {
        Pins::Are(set) => set.version(),
        other => panic!("{other:?}"),
    }
}

// control: TPO-03: What one process decides, another takes up: no act is lost and none needs a restart.
#[test]
fn two_processes_share_what_was_decided() {
    let place = Place::new();
    run(async {
        let (one, two) = (watch(&place).await, watch(&place).await);
        assert_eq!(version(&one), 0);
        let server = server();
        let pins = vec![Pin::first_use(server.clone(), tool("add", "One."), NOW)];
        let learned = Learned { server: &server, list: ListKey::of(Kind::Tool, None), pins };
        one.remember(learned, NOW).await.unwrap();
        assert_eq!(version(&one), 1, "at once where it was done");
        assert_eq!(version(&two), 0);
        two.catch_up(NOW).await;
        assert_eq!(version(&two), 1);
        // Both decide at once, each about another tool.
        let (a, b) = (tool("a", "A."), tool("b", "B."));
        one.wait(&[drifted(&a), drifted(&b)], NOW).await;
        let (by, first, second) = (approver(), which("a"), which("b"));
        let (done, also) =
            tokio::join!(one.board().approve(&first, &by, NOW), two.board().approve(&second, &by, NOW));
        done.unwrap();
        also.unwrap();
        one.catch_up(NOW).await;
        two.catch_up(NOW).await;
        for watch in [&one, &two] {
            let Pins::Are(set) = watch.pins(&name()) else { panic!() };
            assert!(set.pin(Kind::Tool, "a").is_some() && set.pin(Kind::Tool, "b").is_some());
        }
    });
}

#[test]
fn what_other_servers_have_is_known() {
    let place = Place::new();
    run(async {
        let board = place.board().await;
        pin(&board, &[tool("search", "Searches.")]).await;
        let mail = ServerName::parse("mail").unwrap();
        let watch = Watch::open(place.board().await, vec![mail.clone()], NOW).await;
        let elsewhere = watch.elsewhere(&mail);
        let names: Vec<_> = elsewhere.iter().map(|one| (one.server.as_str(), one.name.as_str())).collect();
        assert_eq!(names, [("notes", "search")]);
        assert!(watch.elsewhere(&name()).is_empty());
    });
}

#[test]
fn an_act_waits_for_a_log_as_long_as_it_takes() {
    let place = Place::new();
    run(async {
        let watch = watch(&place).await;
        watch.wait(&[drifted(&tool("a", "A."))], NOW).await;
        let act = watch.board().approve(&which("a"), &approver(), NOW).await.unwrap().act;
        // Another connection of the same process wrote: the next look sees it.
        let later = NOW.plus(std::time::Duration::from_secs(3));
        let other = Watch::open(place.board().await, vec![name()], NOW).await;
        assert!(other.unrecorded(NOW).is_empty(), "who did it may write it");
        assert_eq!(other.unrecorded(later), [(name(), vec![act.clone()])]);
        other.board().recorded(&name(), &[act], later).await.unwrap();
        let again = Watch::open(place.board().await, vec![name()], NOW).await;
        assert!(again.unrecorded(later).is_empty());
    });
}
