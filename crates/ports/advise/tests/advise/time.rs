//! Time that passes when a test says so.

use std::sync::Arc;
use std::time::Duration;

use doorward_net::{Sleeper, Stopwatch};
use tokio::sync::watch;

/// A clock, and who sleeps by it.
#[derive(Clone)]
pub(crate) struct Time {
    now: Arc<watch::Sender<Duration>>,
    /// How long everybody wanted to sleep, in order.
    wanted: Arc<watch::Sender<Vec<Duration>>>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::new(watch::Sender::new(Duration::from_secs(1_000))),
            wanted: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        let now = Arc::clone(&self.now);
        Stopwatch::of(move || *now.borrow())
    }

    pub(crate) fn sleeper(&self) -> Sleeper {
        let time = self.clone();
        Sleeper::of(move |span| {
            let until = *time.now.borrow() + span;
            let mut now = time.now.subscribe();
            time.wanted.send_modify(|wanted| wanted.push(span));
            async move {
                now.wait_for(|now| *now >= until).await.unwrap();
            }
        })
    }

    /// Returns once so many sleeps that fit were wanted.
    pub(crate) async fn asleep(&self, count: usize, fits: impl Fn(Duration) -> bool) {
        let mut wanted = self.wanted.subscribe();
        wanted.wait_for(|all| all.iter().filter(|span| fits(**span)).count() >= count).await.unwrap();
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.now.send_modify(|now| *now += span);
    }
}
