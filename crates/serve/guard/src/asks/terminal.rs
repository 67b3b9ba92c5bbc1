//! A question at the terminal that the guard was started from. For a client that uses the terminal itself this is no place to
//! ask: whoever starts the guard says so by a word.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doorward_engine::Consent;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush};

use super::{Ask, Asked, Asking};

/// The terminal of this process.
#[derive(Debug, Clone)]
pub struct Terminal {
    device: PathBuf,
}

impl Default for Terminal {
    fn default() -> Self {
        Self { device: PathBuf::from("/dev/tty") }
    }
}

impl Terminal {
    /// Asks at another terminal.
    pub fn at(device: impl Into<PathBuf>) -> Self {
        Self { device: device.into() }
    }
}

/// How often it is looked whether anybody still waits.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Tells the thread that reads that nobody waits any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Ask for Terminal {
    fn ask<'a>(&'a self, asked: &'a Asked) -> Asking<'a> {
        Box::pin(async move {
            let (device, asked) = (self.device.clone(), asked.clone());
            let waits = Waits(Arc::new(AtomicBool::new(true)));
            let waiting = Arc::clone(&waits.0);
            let answer = tokio::task::spawn_blocking(move || put(&device, &asked, &waiting)).await;
            drop(waits);
            match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "nobody can be asked: there is no terminal");
                    Consent::Nobody
                }
                Err(_) => Consent::Nobody,
            }
        })
    }
}

fn put(device: &PathBuf, asked: &Asked, waiting: &AtomicBool) -> std::io::Result<Consent> {
    let mut terminal = File::options().read(true).write(true).open(device)?;
    // What was typed before the question is no answer to it.
    tcflush(&terminal, QueueSelector::IFlush)?;
    write!(
        terminal,
        "\n{}\n{}\nType yes to allow this one call, anything else to refuse: ",
        asked.what, asked.about
    )?;
    let mut line = Vec::new();
    loop {
        if !waiting.load(Ordering::Acquire) {
            writeln!(terminal, "\nIt was not answered in time: the call is refused.")?;
            return Ok(Consent::Silence);
        }
        if poll(&mut [PollFd::new(&terminal, PollFlags::IN)], Some(&LOOK))? == 0 {
            continue;
        }
        let mut read = [0; 256];
        let length = terminal.read(&mut read)?;
        line.extend_from_slice(read.get(..length).unwrap_or_default());
        if length == 0 || line.contains(&b'\n') || line.len() > 1024 {
            break;
        }
    }
    let said = String::from_utf8_lossy(&line);
    Ok(if said.trim() == "yes" { Consent::Given } else { Consent::Refused })
}
