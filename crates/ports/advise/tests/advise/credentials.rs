//! With what is asked, and what follows if it is refused.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use doorward_advise::{AdviserCredential, AdvisersError, ContentSettings, NoOpinion, TokenFuture, Tokens};
use doorward_emulator::MintRequest;
use doorward_net::{ConfiguredFetch, Origin};
use doorward_types::Secret;

use crate::house::{ATTACK, House, changed, content, document};

/// Gives one token after the other.
struct Purse {
    tokens: Mutex<Vec<Option<String>>>,
    refused: AtomicUsize,
}

impl Tokens for Purse {
    fn token(&self) -> TokenFuture {
        let token = self.tokens.lock().unwrap().first().cloned().flatten();
        let token = token.ok_or_else(|| "no token today".to_owned());
        Box::pin(async move { token.map(|token| Arc::new(Secret::new(token))) })
    }

    fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut tokens = self.tokens.lock().unwrap();
        if tokens.len() > 1 {
            tokens.remove(0);
        }
    }
}

fn with(house: &House, tokens: Vec<Option<String>>) -> (doorward_advise::Advisers, Arc<Purse>) {
    let purse = Arc::new(Purse { tokens: Mutex::new(tokens), refused: AtomicUsize::new(0) });
    let credential = AdviserCredential::Tokens(Arc::<Purse>::clone(&purse));
    (house.advisers(changed(&house.lab, |azure| azure.credential = credential)), purse)
}

// control: INJ-09: A key that is not the resource's gives no opinion, and no clean one.
#[tokio::test]
async fn a_wrong_key_gives_no_opinion() {
    let house = House::new().await;
    for key in ["not-the-key", "with\nbreak"] {
        let credential = AdviserCredential::Key(Secret::new(key.to_owned()));
        let advisers = house.advisers(changed(&house.lab, |azure| azure.credential = credential));
        assert_eq!(document(&advisers, ATTACK).await, Err(NoOpinion::Credential), "{key:?}");
    }
    assert_eq!(house.requests(), 1, "a key that is no header value does not go out");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let house = House::new().await;
    let token = |app: &str, aud: &str| {
        let request = MintRequest::app(app).resource("cognitive-services").claim("aud", aud.into());
        Some(house.control().mint(&request).unwrap())
    };
    let here = "https://cognitiveservices.azure.com";
    let good = || token("door", here);
    let (advisers, purse) = with(&house, vec![good()]);
    assert_eq!(document(&advisers, ATTACK).await, Ok(true));
    assert_eq!((house.requests(), purse.refused.load(Ordering::Relaxed)), (1, 0));
    let (advisers, purse) = with(&house, vec![Some("stale".to_owned()), good()]);
    assert_eq!(document(&advisers, ATTACK).await, Ok(true));
    assert_eq!((house.requests(), purse.refused.load(Ordering::Relaxed)), (2, 1));
    for (what, tokens, requests) in [
        ("another audience", vec![token("door", "https://vault.azure.net")], 2),
        ("no role", vec![token("daemon", here)], 2),
        ("stale twice", vec![Some("a".to_owned()), Some("b".to_owned()), good()], 2),
        ("no token", vec![None], 0),
    ] {
        let (advisers, _) = with(&house, tokens);
        assert_eq!(document(&advisers, ATTACK).await, Err(NoOpinion::Credential), "{what}");
        assert_eq!(house.requests(), requests, "{what}");
    }
}

#[tokio::test]
async fn nothing_is_asked_in_the_clear_or_for_nothing() {
    let house = House::new().await;
    let made = |config| {
        let fetch = Arc::new(ConfiguredFetch(house.connector.clone()));
        doorward_advise::Advisers::new(fetch, config, house.time.stopwatch(), house.time.sleeper())
    };
    let plain = Origin::parse("http://127.0.0.1:1").unwrap();
    let refused = made(changed(&house.lab, |azure| azure.endpoint = plain.clone())).unwrap_err();
    assert_eq!(refused, AdvisersError::Plaintext(plain));
    let nothing = changed(&house.lab, |azure| azure.prompt_shields = false);
    assert_eq!(made(nothing).unwrap_err(), AdvisersError::Nothing);
    let empty = content(&house.lab, ContentSettings::default());
    assert_eq!(made(empty).unwrap_err(), AdvisersError::Nothing);
}
