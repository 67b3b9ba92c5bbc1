//! The passphrase of a cache: out of a file that only its owner reads, or typed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use doorward_accounts::Passphrase;
use doorward_types::Secret;
use rustix::process::geteuid;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The longest that is read, in bytes.
const MOST: u64 = 1024;

/// Makes the source. It is asked when the cache is opened, and not before.
pub(crate) fn source(file: Option<PathBuf>) -> Passphrase {
    Passphrase::of(move || match &file {
        Some(file) => read(file),
        None => typed(),
    })
}

fn read(path: &Path) -> Result<Secret<String>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if about.uid() != geteuid().as_raw() || about.mode() & 0o077 != 0 {
        return Err(format!("others have rights to {}; let it be yours and chmod 600 it", path.display()));
    }
    let mut text = String::with_capacity(1024);
    file.take(MOST).read_to_string(&mut text).map_err(failed)?;
    Ok(line(text))
}

/// Asks on the terminal itself: standard input may be a protocol.
fn typed() -> Result<Secret<String>, String> {
    let failed = |error: std::io::Error| {
        format!("the terminal cannot ask for it ({error}); name a `guard.passphrase_file`")
    };
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(failed)?;
    terminal.write_all(b"Passphrase of the token cache: ").map_err(failed)?;
    let _silent = Silent::begin(&terminal).map_err(failed)?;
    let mut text = String::with_capacity(1024);
    let read = BufReader::new(&terminal).take(MOST).read_line(&mut text);
    let _newline = (&terminal).write_all(b"\n");
    read.map_err(failed)?;
    Ok(line(text))
}

fn line(mut text: String) -> Secret<String> {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Secret::new(text)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn begin(terminal: &'a File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        let _gone = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
