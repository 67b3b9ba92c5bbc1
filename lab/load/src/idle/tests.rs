use doorward_servers::echo;

use super::*;

async fn server() -> doorward_servers::Running {
    echo::start_with(echo::Options { transcript: true, ..echo::Options::default() }).await.unwrap()
}

fn options(server: &doorward_servers::Running, count: usize) -> Options {
    let target = Target::parse(&server.url()).unwrap();
    let sets = vec![vec![("x-set".to_owned(), "0".to_owned())], vec![("x-set".to_owned(), "1".to_owned())]];
    Options { count, connections: 4, sets, ..Options::to(target) }
}

#[tokio::test]
async fn sessions_are_opened_and_left() {
    let server = server().await;
    assert_eq!(sessions(options(&server, 10)).await.unwrap(), 10);
    assert_eq!(server.sessions().len(), 10);
    let with_second_set = server.transcript().iter().filter(|one| one.header("x-set") == Some("1")).count();
    assert_eq!(with_second_set, 10, "five sessions, two requests each");
}

#[tokio::test]
async fn streams_stay_open_until_they_are_dropped() {
    let server = server().await;
    let open = streams(options(&server, 5)).await.unwrap();
    server.until_streams(5).await;
    drop(open);
    server.until_streams(0).await;
}

#[tokio::test]
async fn a_server_without_sessions_is_an_error() {
    let modern = echo::Options { eras: doorward_servers::Eras::Modern, ..echo::Options::default() };
    let server = echo::start_with(modern).await.unwrap();
    let why = sessions(options(&server, 1)).await.unwrap_err();
    assert!(why.to_string().contains("400"), "{why}");
}
