//! The standard streams, without a thread between where that can be: clients give pipes or sockets, and a thread would
//! cost every message two turns of the scheduler.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{FileType, fstat};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;

pub(crate) type Input = Box<dyn AsyncRead + Unpin + Send>;
pub(crate) type Output = Box<dyn AsyncWrite + Unpin + Send>;

/// Returns what to read from.
///
/// # Errors
/// When there is no standard input.
pub(crate) fn input() -> io::Result<Input> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    match kind(&stdin)? {
        FileType::Fifo => Ok(Box::new(pipe::Receiver::from_owned_fd(stdin)?)),
        FileType::Socket => Ok(Box::new(socket(stdin.into())?)),
        // A file or a terminal: waiting for it takes a thread.
        _ => {
            let (ours, mut theirs) = UnixStream::pair()?;
            std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
                // A guard that has ended reads no more.
                let _ended = io::copy(&mut io::stdin().lock(), &mut theirs);
            })?;
            Ok(Box::new(socket(ours)?))
        }
    }
}

/// Returns what to write to.
///
/// # Errors
/// When there is no standard output.
pub(crate) fn output() -> io::Result<Output> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    let (out, error) = (fstat(&stdout)?, fstat(io::stderr())?);
    // Where both are one, messages for people could not wait for their reader: a write would fail instead.
    let one = (out.st_dev, out.st_ino) == (error.st_dev, error.st_ino);
    match kind(&stdout)? {
        FileType::Fifo if !one => Ok(Box::new(pipe::Sender::from_owned_fd(stdout)?)),
        FileType::Socket if !one => Ok(Box::new(socket(stdout.into())?)),
        _ => {
            let (ours, mut theirs) = UnixStream::pair()?;
            std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
                // Unbuffered, so that a line is out when it was written.
                let mut stdout = std::fs::File::from(stdout);
                pass_on(&mut theirs, &mut stdout);
            })?;
            Ok(Box::new(socket(ours)?))
        }
    }
}

/// Not `io::copy`: between a socket and a pipe that is splice(2), which holds the pipe while it waits for the socket. Whoever
/// writes to standard error, which is the same pipe here, would wait for ever.
fn pass_on(from: &mut impl io::Read, to: &mut impl io::Write) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer)
        && length > 0
        && buffer.get(..length).is_some_and(|read| to.write_all(read).is_ok())
    {}
}

fn kind(fd: &OwnedFd) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode))
}

fn socket(stream: UnixStream) -> io::Result<tokio::net::UnixStream> {
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_pipe_is_free_while_nothing_is_said() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = io::pipe().unwrap();
        let mut other = writer.try_clone().unwrap();
        let passing = std::thread::spawn(move || pass_on(&mut theirs, &mut writer));
        let mut read = [0; 4];
        for _ in 0..100 {
            // It passes this on and waits again; meanwhile somebody else has a word.
            ours.write_all(b"said").unwrap();
            reader.read_exact(&mut read).unwrap();
            other.write_all(b"told").unwrap();
            reader.read_exact(&mut read).unwrap();
        }
        drop(ours);
        passing.join().unwrap();
    }
}
