//! Who is asked for names where they are learned: it writes down each host, and gives it an address at which nobody
//! listens, so that the call that follows tells the port. It asks nobody itself.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::learn::Learning;
use crate::learn::question::{self, Kind, Reply};

/// Askers at once; a program keeps a connection for a question or two.
const MOST: usize = 32;
/// How long one may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers until it is dropped. `asked` is told of each name that is new.
pub(super) async fn answer(
    listener: StdListener,
    learning: Learning,
    asked: impl Fn(String) + Clone + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut askers = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a question out of a sandbox was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while askers.try_join_next().is_some() {}
        if askers.len() < MOST {
            askers.spawn(attend(stream, learning.clone(), asked.clone()));
        }
    }
}

/// Questions of one connection, each behind its length (RFC 1035 section 4.2.2). What is malformed ends it.
async fn attend(mut stream: TcpStream, learning: Learning, asked: impl Fn(String)) {
    let mut message = [0; question::MOST];
    loop {
        let read = async {
            let length = usize::from(stream.read_u16().await.ok()?);
            let message = message.get_mut(..length)?;
            stream.read_exact(message).await.ok()
        };
        let Ok(Some(length)) = tokio::time::timeout(PATIENCE, read).await else { return };
        let message = message.get(..length).unwrap_or_default();
        let question = match question::parse(message) {
            Ok(question) => question,
            Err(why) => {
                tracing::debug!(why, "a question out of a sandbox was not understood");
                return;
            }
        };
        let reply = match (question.kind, learning.asked(&question.name)) {
            // An address it must have, or the port would never be heard of.
            (Kind::V4, Some((address, new))) => {
                if new {
                    asked(question.name.clone());
                }
                Reply::Address(address)
            }
            (Kind::V6, Some(_)) => Reply::Nothing,
            _ => Reply::Refused,
        };
        let answer = question.answer(reply);
        let length = u16::try_from(answer.len()).unwrap_or_default().to_be_bytes();
        // In one piece: some askers read no further than the first.
        if stream.write_all(&[&length[..], &answer].concat()).await.is_err() {
            return;
        }
    }
}
