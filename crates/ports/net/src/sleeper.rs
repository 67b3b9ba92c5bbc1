//! Waiting is handed in as time is: tests let it pass at once and look at how long it would have been.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits.
#[derive(Clone)]
pub struct Sleeper(Arc<dyn Fn(Duration) -> Sleep + Send + Sync>);

impl Sleeper {
    /// Returns the one that really waits.
    pub fn system() -> Self {
        Self::of(tokio::time::sleep)
    }

    /// Takes any function that waits for the time it is given.
    pub fn of<F>(sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |span| Box::pin(sleep(span))))
    }

    /// Waits for that long.
    pub async fn sleep(&self, span: Duration) {
        (self.0)(span).await;
    }
}
