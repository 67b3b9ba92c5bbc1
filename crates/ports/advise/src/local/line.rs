//! What the door and the process of the local model say to each other, over the process's standard input and output.
//!
//! The door sends the model and the tokenizer, and a last byte once it knows that they are the right ones; before it nothing
//! of them is looked at. Then each question is a budget and a text, and each answer a byte that says what it is.

use std::io::{self, Read, Write};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The most that the process may write as one answer: reasons are sentences.
const LONGEST: u32 = 4_096;
/// The most that the door sends as one text. A piece has 10,000 UTF-16 units.
const TEXT: u32 = 64 * 1024;
/// The byte after the files.
const GO: u8 = 1;
// What an answer is. None of them is what a program that repeats what it hears would say.
const READY: u8 = b'R';
const PERCENT: u8 = b'P';
const LATE: u8 = b'L';
const FAILED: u8 = b'F';

/// What comes before the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loading {
    /// Bytes of the model.
    pub model: u64,
    /// Bytes of the tokenizer.
    pub tokenizer: u64,
    /// Tokens that the model reads at once.
    pub window: u32,
    /// The label which says that all is well, counted from 0.
    pub benign: u8,
    /// The percentage from which on nothing more needs to be read.
    pub sure: u8,
}

/// What the process says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The model is ready.
    Ready,
    /// The model is so sure that the text is an attack, in percent.
    Percent(u8),
    /// The budget is used up.
    Late,
    /// It cannot be done, and why. Nothing of a text is in it.
    Failed(String),
}

impl Loading {
    const BYTES: usize = 22;

    pub(crate) fn bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts =
            [&self.model.to_be_bytes()[..], &self.tokenizer.to_be_bytes(), &self.window.to_be_bytes()];
        let written = parts.into_iter().flatten().chain([&self.benign, &self.sure]);
        bytes.iter_mut().zip(written).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self {
            model: u64::from_be_bytes(read(input)?),
            tokenizer: u64::from_be_bytes(read(input)?),
            window: u32::from_be_bytes(read(input)?),
            benign: u8::from_be_bytes(read(input)?),
            sure: u8::from_be_bytes(read(input)?),
        })
    }
}

impl Said {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let (kind, body): (u8, &[u8]) = match self {
            Self::Ready => (READY, &[]),
            Self::Percent(percent) => (PERCENT, std::slice::from_ref(percent)),
            Self::Late => (LATE, &[]),
            Self::Failed(why) => (FAILED, why.as_bytes()),
        };
        let body = body.get(..LONGEST as usize).unwrap_or(body);
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        output.write_all(&[kind])?;
        output.write_all(&length.to_be_bytes())?;
        output.write_all(body)?;
        output.flush()
    }

    /// Hears what the process says; it is not trusted to say anything that makes sense.
    ///
    /// # Errors
    /// If it ends, or says what is none of these.
    pub async fn hear(input: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Self> {
        let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "what it says makes no sense");
        let (kind, length) = (input.read_u8().await?, input.read_u32().await?);
        if length > LONGEST {
            return Err(nonsense());
        }
        let mut body = vec![0; length as usize];
        input.read_exact(&mut body).await?;
        match (kind, &body[..]) {
            (READY, []) => Ok(Self::Ready),
            (PERCENT, [percent @ 0..=100]) => Ok(Self::Percent(*percent)),
            (LATE, []) => Ok(Self::Late),
            (FAILED, why) => Ok(Self::Failed(String::from_utf8_lossy(why).into_owned())),
            _ => Err(nonsense()),
        }
    }
}

pub(crate) async fn go(output: &mut (impl tokio::io::AsyncWrite + Unpin)) -> io::Result<()> {
    output.write_u8(GO).await?;
    output.flush().await
}

/// Asks about a text that is not longer than a piece.
pub(crate) async fn ask(
    output: &mut (impl tokio::io::AsyncWrite + Unpin),
    budget: Duration,
    text: &str,
) -> io::Result<()> {
    let budget = u32::try_from(budget.as_millis()).unwrap_or(u32::MAX);
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    // One write, so that a process that ends in between is seen as one failure.
    let mut frame = Vec::with_capacity(text.len() + 8);
    frame.extend_from_slice(&budget.to_be_bytes());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    output.write_all(&frame).await?;
    output.flush().await
}

/// The process's side: loads what it is given, then answers until nobody asks any more.
///
/// # Errors
/// If the line breaks, or what comes over it is none of the door's.
pub fn work<J>(
    input: &mut impl Read,
    output: &mut impl Write,
    load: impl FnOnce(Loading, Vec<u8>, &[u8]) -> Result<J, String>,
) -> io::Result<()>
where
    J: FnMut(&str, Duration) -> Said,
{
    let loading = Loading::read(input)?;
    let model = read_file(input, loading.model)?;
    let tokenizer = read_file(input, loading.tokenizer)?;
    if read::<1>(input)? != [GO] {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut judge = match load(loading, model, &tokenizer) {
        Ok(judge) => judge,
        Err(why) => return Said::Failed(why).write(output),
    };
    drop(tokenizer);
    Said::Ready.write(output)?;
    loop {
        let budget = match read(input) {
            Ok(budget) => u32::from_be_bytes(budget),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let length = u32::from_be_bytes(read(input)?);
        if length > TEXT {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let text = String::from_utf8(read_file(input, length.into())?).map_err(io::Error::other)?;
        judge(&text, Duration::from_millis(budget.into())).write(output)?;
    }
}

fn read<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads exactly so many bytes, without making room for more than came.
fn read_file(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    let whole = u64::try_from(bytes.len()).is_ok_and(|came| came == length);
    if whole { Ok(bytes) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(written: &[u8]) -> Vec<Said> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut rest, mut heard) = (written, Vec::new());
            while !rest.is_empty() {
                heard.push(Said::hear(&mut rest).await.unwrap());
            }
            heard
        })
    }

    fn sent(loading: Loading, files: &[u8], questions: &[&str]) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut sent = [&loading.bytes()[..], files].concat();
            go(&mut sent).await.unwrap();
            for question in questions {
                ask(&mut sent, Duration::from_millis(70), question).await.unwrap();
            }
            sent
        })
    }

    const LOADING: Loading = Loading { model: 3, tokenizer: 2, window: 512, benign: 0, sure: 90 };

    #[test]
    fn what_one_side_says_the_other_understands() {
        let sent = sent(LOADING, b"abcde", &["", "ümlaut", "late", "lost"]);
        let mut output = Vec::new();
        work(&mut &sent[..], &mut output, |loading, model, tokenizer| {
            assert_eq!((loading, &model[..], tokenizer), (LOADING, &b"abc"[..], &b"de"[..]));
            Ok(|text: &str, budget: Duration| {
                assert_eq!(budget, Duration::from_millis(70));
                match text {
                    "late" => Said::Late,
                    "lost" => Said::Failed("no".repeat(9_000)),
                    _ => Said::Percent(u8::try_from(text.len()).unwrap()),
                }
            })
        })
        .unwrap();
        let heard = answers(&output);
        let [Said::Ready, Said::Percent(0), Said::Percent(7), Said::Late, Said::Failed(why)] = &heard[..]
        else {
            panic!("{heard:?}")
        };
        assert_eq!(why.len(), LONGEST as usize);
    }

    #[test]
    fn what_cannot_be_loaded_is_told_and_what_is_cut_is_an_end() {
        let whole = sent(LOADING, b"abcde", &["text"]);
        let mut output = Vec::new();
        work(&mut &whole[..], &mut output, |_, _, _| Err::<fn(&str, Duration) -> Said, _>("bad".to_owned()))
            .unwrap();
        assert_eq!(answers(&output), [Said::Failed("bad".to_owned())]);
        let before = Loading::BYTES + 5;
        for cut in 0..whole.len() {
            let mut loaded = false;
            let ended = work(&mut &whole[..cut], &mut Vec::new(), |_, _, _| {
                loaded = true;
                Ok(|_: &str, _| Said::Late)
            });
            assert_eq!(loaded, cut > before, "nothing is looked at before the door says so");
            // Before a question, or in its first number: the door has gone.
            assert_eq!(ended.is_ok(), (before + 1..before + 5).contains(&cut), "cut at {cut}");
        }
        let mut other = whole.clone();
        other[before] = 0;
        work(&mut &other[..], &mut Vec::new(), |_, _, _| -> Result<fn(&str, Duration) -> Said, String> {
            panic!("looked at")
        })
        .unwrap_err();
    }

    #[test]
    fn nonsense_is_no_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for bytes in [
            &[b'P', 0, 0, 0, 1, 101][..],
            &[b'P', 0, 0, 0, 0],
            &[b'P', 0, 0, 0, 2, 1, 1],
            &[b'R', 0, 0, 0, 1, 0],
            &[0, 0, 0, 0, 0],
            &[b'F', 0xff, 0xff, 0xff, 0xff],
            &[b'L', 0, 0],
            &[],
            &LOADING.bytes(),
        ] {
            assert!(runtime.block_on(Said::hear(&mut &bytes[..])).is_err(), "{bytes:?}");
        }
    }
}
