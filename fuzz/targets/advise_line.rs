//! What the door and the process of a local model say to each other, whichever of them has gone mad.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doorward_advise::{Said, work};

pub(crate) fn run(data: &[u8]) {
    understood(data);
    let (mut loaded, mut output) = (false, Vec::new());
    let _ended = work(&mut &data[..], &mut output, |loading, model, tokenizer| {
        loaded = true;
        // Nothing is looked at before all of it came, with the word to begin behind it.
        let (before, files) = (22, model.len() + tokenizer.len());
        assert_eq!((loading.model, loading.tokenizer), (model.len() as u64, tokenizer.len() as u64));
        assert_eq!(data[before + files], 1);
        Ok(|text: &str, _: Duration| match text.len() % 3 {
            0 => Said::Percent(100),
            1 => Said::Late,
            _ => Said::Failed("no".to_owned()),
        })
    });
    assert!(loaded || output.is_empty());
    assert_eq!(understood(&output), output.len(), "the door understands whatever its own process says");
}

/// How many bytes make answers, one behind the other.
fn understood(data: &[u8]) -> usize {
    let mut rest = data;
    loop {
        let before = rest.len();
        let heard = pin!(Said::hear(&mut rest)).poll(&mut Context::from_waker(Waker::noop()));
        let heard = match heard {
            Poll::Ready(heard) => Some(heard),
            Poll::Pending => None,
        };
        match heard.expect("bytes in memory are there") {
            Ok(Said::Percent(percent)) => assert!(percent <= 100),
            Ok(Said::Failed(why)) => assert!(why.len() <= 3 * 4_096),
            Ok(_) => {}
            Err(_) => return data.len() - before,
        }
        assert!(rest.len() < before);
    }
}
