use doorward_engine::Pins;
use doorward_store::{Kind as Rows, StoreError};

use super::*;
use crate::PinboardError;

/// All rows of pins, as they are kept.
async fn rows(store: &Store) -> Vec<doorward_store::Row> {
    store.all(Rows::Pin, NOW).await.unwrap()
}

fn is_pin(row: &doorward_store::Row) -> bool {
    row.id.first() == Some(&1)
}

// control: TPO-03: A pin that was taken away from the store, or put back as it once was, shuts the server and no other.
#[test]
fn a_pin_that_was_taken_away_or_put_back_shuts_the_server() {
    let place = Place::new();
    run(async {
        let store = place.store().await;
        let board = Pinboard::new(store.clone());
        pin(&board, &[tool("add", "One."), tool("sub", "Two.")]).await;
        let old = rows(&store).await.into_iter().find(is_pin).unwrap();
        board.reject(&which("add"), &approver(), NOW).await.unwrap();
        board.reject(&which("sub"), &approver(), NOW).await.unwrap();
        // Written by the door's own hand, as an old row that was put back would be: its seal fits.
        store.put(&old).await.unwrap();
        let read = board.read(&name(), NOW).await;
        assert!(matches!(read, Err(PinboardError::Spoilt { .. })), "{read:?}");
        store.delete(Rows::Pin, &old.id).await.unwrap();
        let read = board.read(&name(), NOW).await;
        assert!(matches!(read, Err(PinboardError::Spoilt { .. })), "{read:?}");
        let other = ServerName::parse("mail").unwrap();
        let watch = Watch::open(board, vec![name(), other.clone()], NOW).await;
        assert!(matches!(watch.pins(&name()), Pins::Shut));
        assert!(matches!(watch.pins(&other), Pins::Are(_)));
    });
}

// control-off: TPO-03: By itself each row is whole: without the head that holds them together, an act could be undone in the file.
#[test]
fn an_older_row_is_whole_by_itself() {
    let place = Place::new();
    run(async {
        let store = place.store().await;
        let board = Pinboard::new(store.clone());
        pin(&board, &[tool("add", "One.")]).await;
        let old = rows(&store).await.into_iter().find(is_pin).unwrap();
        board.reject(&which("add"), &approver(), NOW).await.unwrap();
        store.put(&old).await.unwrap();
        let back = store.get(Rows::Pin, &old.id, NOW).await.unwrap().unwrap();
        assert_eq!(Pin::from_record(back.body.expose()).unwrap().stand(NOW), doorward_pins::Stand::FirstUse);
    });
}

#[test]
fn a_row_that_was_edited_shuts_the_server() {
    let place = Place::new();
    run(async {
        let store = place.store().await;
        pin(&Pinboard::new(store.clone()), &[tool("add", "One.")]).await;
        let mut row = rows(&store).await.into_iter().find(is_pin).unwrap();
        row.body = doorward_types::Secret::new(b"{}".to_vec());
        store.put(&row).await.unwrap();
        let read = Pinboard::new(store).read(&name(), NOW).await;
        assert!(matches!(read, Err(PinboardError::Spoilt { .. })), "{read:?}");
    });
}

#[test]
fn a_store_that_is_closed_remembers_nothing_and_says_so() {
    let place = Place::new();
    run(async {
        let store = place.store().await;
        let watch = Watch::open(Pinboard::new(store.clone()), vec![name()], NOW).await;
        store.close().await;
        let server = server();
        let pins = vec![Pin::first_use(server.clone(), tool("add", "One."), NOW)];
        let learned = Learned { server: &server, list: ListKey::of(Kind::Tool, None), pins };
        assert!(watch.remember(learned, NOW).await.is_err());
        let failed = watch.board().servers(NOW).await;
        assert!(
            matches!(
                failed,
                Err(PinboardError::Store(
                    StoreError::Unavailable { .. } | StoreError::KeysUnavailable { .. }
                ))
            ),
            "{failed:?}"
        );
    });
}
