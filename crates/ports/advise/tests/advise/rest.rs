//! What happens when a service is slow, throttles, fails, or answers rubbish.

use std::time::Duration;

use doorward_advise::{Direction, NoOpinion, Question, Risk, Thresholds, Verdict, verdict};
use doorward_emulator::{Fault, Garbling};
use futures_util::future::join_all;

use crate::house::{ATTACK, House, SOON, document, shield_of, shields};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

// control: INJ-09: A throttled question waits as long as it was told, and is asked again.
#[tokio::test]
async fn a_throttled_question_is_asked_again_after_its_pause() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    house.control().fault(Fault::ThrottleSafety { times: 1, retry_after: Some(1) });
    let asked = async { document(&advisers, ATTACK).await };
    let turned = async {
        house.time.asleep(1, |span| span == seconds(1)).await;
        assert_eq!(house.requests(), 1);
        house.time.pass(seconds(1));
    };
    assert_eq!(tokio::join!(asked, turned).0, Ok(true));
    assert_eq!(house.requests(), 1);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_kept_by_everybody() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    house.control().fault(Fault::ThrottleSafety { times: 1, retry_after: Some(30) });
    assert_eq!(document(&advisers, ATTACK).await, Err(NoOpinion::Throttled(seconds(30))));
    house.time.pass(seconds(10));
    assert_eq!(document(&advisers, "another").await, Err(NoOpinion::Throttled(seconds(20))));
    assert_eq!(house.requests(), 1, "nobody knocks in the meantime");
    house.time.pass(seconds(20));
    assert_eq!(document(&advisers, ATTACK).await, Ok(true));
}

#[tokio::test]
async fn failures_are_retried_with_growing_pauses() {
    for fault in [
        Fault::SafetyDown { times: 2, status: 500 },
        Fault::SafetyDown { times: 2, status: 503 },
        Fault::ThrottleSafety { times: 2, retry_after: None },
    ] {
        let house = House::new().await;
        let advisers = house.advisers(shields(&house.lab));
        house.control().fault(fault);
        let asked = async { document(&advisers, ATTACK).await };
        let turned = async {
            for attempt in 1..=2 {
                house.time.asleep(attempt, |span| span < Duration::from_millis(201)).await;
                house.time.pass(Duration::from_millis(200));
            }
        };
        assert_eq!(tokio::join!(asked, turned).0, Ok(true));
        assert_eq!(house.requests(), 3);
    }
}

// control: INJ-09: A service that fails is left alone and asked once after a while; until it answers nothing passes as judged.
#[tokio::test]
async fn the_breaker_opens_and_closes_again() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    house.control().fault(Fault::SafetyDown { times: 6, status: 500 });
    // Too short for a second attempt: each question is one request.
    let ask = async |text: &str| {
        house.later();
        let question = Question { tenant: "contoso", direction: Direction::Documents, texts: &[text] };
        advisers.ask(&question, Duration::from_millis(50)).await
    };
    for _ in 0..5 {
        assert_eq!(shield_of(ask(ATTACK).await), Err(NoOpinion::Failing(500)));
    }
    let opinion = ask(ATTACK).await;
    assert!(verdict(&opinion, Risk::High, &Thresholds::default()).is_refusal());
    assert!(matches!(verdict(&opinion, Risk::Low, &Thresholds::default()), Verdict::Flag(_)));
    assert_eq!(shield_of(opinion), Err(NoOpinion::BreakerOpen));
    assert_eq!(house.requests(), 5, "an open breaker asks nobody");
    house.time.pass(seconds(10));
    assert_eq!(shield_of(ask(ATTACK).await), Err(NoOpinion::Failing(500)), "the probe fails");
    assert_eq!(shield_of(ask(ATTACK).await), Err(NoOpinion::BreakerOpen));
    house.time.pass(seconds(19));
    assert_eq!(shield_of(ask(ATTACK).await), Err(NoOpinion::BreakerOpen), "twice as long");
    assert_eq!(house.requests(), 1);
    house.time.pass(seconds(1));
    assert_eq!(shield_of(ask(ATTACK).await), Ok(true), "the probe succeeds");
    assert_eq!(shield_of(ask("honest").await), Ok(false));
    assert_eq!(house.requests(), 2);
}

// control: INJ-09: A service that is silent holds a call for no longer than its deadline.
#[tokio::test]
async fn the_deadline_is_kept() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    let path = "/contentsafety/text:shieldPrompt".to_owned();
    house.control().fault(Fault::Slow { times: 2, path, milliseconds: 3_600_000 });
    let first = async { document(&advisers, ATTACK).await };
    // One that joins later, with less time, does not wait for the other's deadline.
    let second = async {
        house.arrived(1).await;
        let question = Question { tenant: "contoso", direction: Direction::Documents, texts: &[ATTACK] };
        shield_of(advisers.ask(&question, seconds(1)).await)
    };
    let turned = async {
        house.time.asleep(1, |span| span == seconds(1)).await;
        house.time.pass(seconds(1));
        house.time.pass(seconds(1));
    };
    let (first, second, ()) = tokio::join!(first, second, turned);
    assert_eq!((first, second), (Err(NoOpinion::Deadline), Err(NoOpinion::Deadline)));
    assert_eq!(house.requests(), 1);
}

// control: INJ-09, CSF-03: An answer is kept for its tenant alone, for a while, and only if it was one.
#[tokio::test]
async fn answers_are_kept_and_failures_are_not() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    house.control().fault(Fault::SafetyGarbled { times: 1, how: Garbling::Empty });
    assert!(document(&advisers, ATTACK).await.is_err());
    house.later();
    assert_eq!(document(&advisers, ATTACK).await, Ok(true));
    assert_eq!(house.requests(), 2);
    for _ in 0..3 {
        assert_eq!(document(&advisers, ATTACK).await, Ok(true));
    }
    assert_eq!(house.requests(), 0, "it is known");
    for (tenant, direction) in
        [("fabrikam", Direction::Documents), ("contoso", Direction::UserPrompt), ("", Direction::Documents)]
    {
        let question = Question { tenant, direction, texts: &[ATTACK] };
        assert_eq!(shield_of(advisers.ask(&question, SOON).await), Ok(true));
        assert_eq!(house.requests(), 1, "{tenant} {direction:?}");
    }
    house.time.pass(seconds(599));
    document(&advisers, ATTACK).await.unwrap();
    assert_eq!(house.requests(), 0);
    house.time.pass(seconds(1));
    document(&advisers, ATTACK).await.unwrap();
    assert_eq!(house.requests(), 1, "it was kept for ten minutes");
}

#[tokio::test]
async fn many_who_ask_the_same_ask_once() {
    let house = House::new().await;
    let advisers = house.advisers(shields(&house.lab));
    let all = join_all((0..20).map(|_| document(&advisers, ATTACK))).await;
    assert!(all.iter().all(|said| *said == Ok(true)));
    assert_eq!(house.requests(), 1);
}

// control: INJ-09: An answer that is spoilt is none, whatever it holds: an attack is not let through because of it.
#[tokio::test]
async fn spoilt_answers_are_none() {
    let house = House::new().await;
    for how in [
        Garbling::Page,
        Garbling::Empty,
        Garbling::Cut,
        Garbling::Words,
        Garbling::Twice,
        Garbling::Fewer,
        Garbling::Echo,
    ] {
        let advisers = house.advisers(shields(&house.lab));
        house.control().fault(Fault::SafetyGarbled { times: 1, how });
        let said = document(&advisers, ATTACK).await;
        match how {
            Garbling::Echo => assert_eq!(said, Err(NoOpinion::Refused { status: 400, code: "unknown" })),
            _ => assert!(matches!(said, Err(NoOpinion::Malformed(_))), "{how:?}: {said:?}"),
        }
        house.later();
        assert_eq!(document(&advisers, ATTACK).await, Ok(true), "{how:?}");
    }
}
