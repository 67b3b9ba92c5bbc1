//! Waiting for other programs: for an event, and not forever.

use std::path::Path;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// How long another program may take for anything; far longer than it ever should, so that only a hang meets it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that another program does.
///
/// # Panics
/// After [`DEADLINE`], naming what was waited for.
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited {DEADLINE:?} for {what}"),
    }
}

/// Tells when a file appears in a folder.
pub struct Appears<'a> {
    file: &'a Path,
    changes: mpsc::UnboundedReceiver<()>,
    _watcher: notify::RecommendedWatcher,
}

impl<'a> Appears<'a> {
    /// Begins to watch; to be called before the program that writes the file is started.
    ///
    /// # Panics
    /// If the folder cannot be watched.
    #[must_use]
    pub fn watch(file: &'a Path) -> Self {
        let (sender, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |_| {
            // Nobody listens any more once the file was seen.
            let _gone = sender.send(());
        })
        .expect("the system tells about changed files");
        let folder = file.parent().expect("the file is in a folder");
        watcher.watch(folder, RecursiveMode::NonRecursive).expect("the folder can be watched");
        Self { file, changes, _watcher: watcher }
    }

    /// Waits for the file and reads it.
    ///
    /// # Panics
    /// If the system no longer tells about the folder.
    pub async fn text(mut self) -> String {
        loop {
            if let Ok(text) = std::fs::read_to_string(self.file) {
                return text;
            }
            self.changes.recv().await.expect("the watcher lives as long as this");
        }
    }
}
