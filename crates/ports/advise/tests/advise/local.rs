//! The door's side of a local model, before a process that stands for one and fails in every way that it can.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use doorward_advise::{
    Advisers, AdvisersConfig, Direction, LocalConfig, LocalError, LocalModel, NoOpinion, Opinion, Question,
    Reason, Risk, Said, Thresholds, Verdict, verdict, work,
};
use doorward_net::{ConfiguredFetch, Connector, ConnectorConfig};
use std::sync::Arc;

use crate::time::Time;

const SOON: Duration = Duration::from_secs(2);

#[test]
#[ignore = "no test: the others start this program as the model's process, and run by itself it waits for input"]
fn stands_for_a_model() {
    // The harness writes to the standard output; what is meant for the door goes where that was at first.
    let mut output = File::options().write(true).open("/proc/self/fd/3").unwrap();
    let (mut asked, mut direct) = (0, output.try_clone().unwrap());
    let mut input = std::io::stdin().lock();
    work(&mut input, &mut output, move |loading, model, tokenizer| {
        if model != b"a good model" {
            return Err("the model cannot be read: it is not a good one".to_owned());
        }
        assert_eq!((loading.window, loading.benign, tokenizer), (512, 1, &b"a tokenizer"[..]));
        Ok(move |text: &str, budget: Duration| {
            asked += 1;
            match text {
                "attack" => Said::Percent(97),
                "nearly" => Said::Percent(89),
                "count" => Said::Percent(asked),
                "budget" => Said::Percent(u8::try_from(budget.as_secs()).unwrap()),
                "late" => Said::Late,
                "give up" => Said::Failed("the model fails".to_owned()),
                "ready" => Said::Ready,
                "die" => std::process::exit(3),
                "babble" => {
                    direct.write_all(b"\xffnot at all what was asked for").unwrap();
                    Said::Percent(0)
                }
                "hang" => loop {
                    std::thread::park();
                },
                _ => Said::Percent(3),
            }
        })
    })
    .unwrap();
}

struct House {
    folder: tempfile::TempDir,
    time: Time,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap(), time: Time::new() };
        house.write("model.onnx", "a good model");
        house.write("tokenizer.json", "a tokenizer");
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    fn config(&self) -> LocalConfig {
        let program = std::env::current_exe().unwrap().display().to_string();
        let script =
            "exec \"$0\" local::stands_for_a_model --exact --ignored --nocapture --quiet 3>&1 >/dev/null";
        LocalConfig {
            model: self.at("model.onnx"),
            tokenizer: self.at("tokenizer.json"),
            sha256: None,
            window: 512,
            benign: 1,
            sure: 90,
            command: ["/bin/sh", "-c", script, &program].map(str::to_owned).to_vec(),
            walls: None,
        }
    }

    async fn start(&self, config: LocalConfig) -> Result<LocalModel, LocalError> {
        LocalModel::start(config, self.time.stopwatch(), self.time.sleeper()).await
    }

    async fn advisers(&self) -> Advisers {
        let model = self.start(self.config()).await.unwrap();
        let keep = Duration::from_secs(600);
        let config = AdvisersConfig { azure: None, model: Some(model), pieces: 8, keep, kept: 100 };
        let fetch = Arc::new(ConfiguredFetch(Connector::new(ConnectorConfig::default()).unwrap()));
        Advisers::new(fetch, config, self.time.stopwatch(), self.time.sleeper()).unwrap()
    }
}

async fn asked(advisers: &Advisers, tenant: &str, texts: &[&str]) -> Opinion {
    advisers.ask(&Question { tenant, direction: Direction::Documents, texts }, SOON).await
}

/// What is said, or why nothing is.
async fn said(advisers: &Advisers, text: &str) -> Result<u8, NoOpinion> {
    let opinion = asked(advisers, "contoso", &[text]).await;
    assert_eq!((opinion.shields, opinion.content, opinion.unread), (None, None, 0));
    let heard = opinion.model.unwrap();
    heard.missing.map_or(Ok(heard.answer), Err)
}

// control: INJ-09: A local model is asked without any service, and what it is sure of is refused.
#[tokio::test]
async fn a_local_model_is_asked() {
    let house = House::new();
    let advisers = house.advisers().await;
    for (text, percent, refused) in [("hello", 3, false), ("nearly", 89, false), ("attack", 97, true)] {
        let opinion = asked(&advisers, "contoso", &[text]).await;
        assert_eq!(opinion.model.as_ref().unwrap().answer, percent, "{text}");
        let expected = if refused { Verdict::Refuse(vec![Reason::Model { percent }]) } else { Verdict::Pass };
        assert_eq!(verdict(&opinion, Risk::Low, &Thresholds::default()), expected, "{text}");
    }
    assert_eq!(said(&advisers, "budget").await, Ok(2), "it is told how long it may take");
    assert_eq!(said(&advisers, " \n").await, Ok(0), "nobody is asked about blanks");
}

// control: INJ-09: What the model said of a text is kept for the tenant that asked, and for no other.
#[tokio::test]
async fn what_was_said_is_kept_by_tenant() {
    let house = House::new();
    let advisers = house.advisers().await;
    let count = async |tenant: &str| asked(&advisers, tenant, &["count"]).await.model.unwrap().answer;
    assert_eq!([count("contoso").await, count("contoso").await], [1, 1]);
    assert_eq!([count("fabrikam").await, count("contoso").await], [2, 1]);
    house.time.pass(Duration::from_secs(601));
    assert_eq!(count("contoso").await, 3);
}

// control: INJ-09: A process that ends, talks nonsense or gives up has given no opinion, and the next question gets one.
#[tokio::test]
async fn a_process_that_fails_gives_no_opinion_and_another_one_takes_its_place() {
    let house = House::new();
    let advisers = house.advisers().await;
    for (text, why, anew) in [
        ("late", NoOpinion::Deadline, false),
        ("give up", NoOpinion::GaveUp, false),
        ("die", NoOpinion::Ended, true),
        ("babble", NoOpinion::Ended, true),
        ("ready", NoOpinion::Ended, true),
    ] {
        let (one, other) = (format!("tenant before {text}"), format!("tenant after {text}"));
        let before = asked(&advisers, &one, &["count"]).await.model.unwrap().answer;
        assert_eq!(said(&advisers, text).await, Err(why), "{text}");
        house.time.pass(Duration::from_millis(1));
        let after = asked(&advisers, &other, &["count"]).await.model.unwrap().answer;
        assert_eq!(after, if anew { 1 } else { before + 2 }, "{text}");
    }
}

// control: INJ-09: A process that never answers holds a call for no longer than its deadline, and is ended.
#[tokio::test]
async fn a_process_that_hangs_is_ended() {
    let house = House::new();
    let advisers = house.advisers().await;
    let other = advisers.clone();
    let waiting = tokio::spawn(async move { said(&other, "hang").await });
    house.time.asleep(1, |span| span == SOON).await;
    house.time.asleep(1, |span| span == SOON + Duration::from_secs(5)).await;
    house.time.pass(SOON);
    assert_eq!(waiting.await.unwrap(), Err(NoOpinion::Deadline));
    // Who comes now waits for it, and no longer than the own deadline either.
    let other = advisers.clone();
    let behind = tokio::spawn(async move { said(&other, "hello").await });
    house.time.asleep(2, |span| span == SOON).await;
    house.time.pass(SOON);
    assert_eq!(behind.await.unwrap(), Err(NoOpinion::Deadline));
    house.time.pass(Duration::from_secs(4));
    assert_eq!(said(&advisers, "count").await, Ok(1), "another process");
}

// control: INJ-09: A process that ends again and again is left alone for a while.
#[tokio::test]
async fn a_process_that_keeps_ending_is_left_alone() {
    let house = House::new();
    let advisers = house.advisers().await;
    for _ in 0..5 {
        assert_eq!(said(&advisers, "die").await, Err(NoOpinion::Ended));
        house.time.pass(Duration::from_millis(1));
    }
    assert_eq!(said(&advisers, "hello").await, Err(NoOpinion::BreakerOpen));
    house.time.pass(Duration::from_secs(10));
    assert_eq!(said(&advisers, "hello").await, Ok(3));
}

// control: INJ-09: A model that is missing, spoilt or another than the one that is meant is refused at the start, with the reason.
#[tokio::test]
async fn what_cannot_be_used_is_refused_at_the_start() {
    let house = House::new();
    let digest = Command::new("sh")
        .args(["-c", "cat model.onnx tokenizer.json | sha256sum"])
        .current_dir(house.folder.path())
        .output()
        .unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap()[..64].to_owned();
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap()).collect();
    let sha256 = Some(<[u8; 32]>::try_from(bytes).unwrap());
    house.start(LocalConfig { sha256, ..house.config() }).await.unwrap();
    let why = async |config: LocalConfig| house.start(config).await.unwrap_err().to_string();
    let other = why(LocalConfig { sha256: Some([7; 32]), ..house.config() }).await;
    assert!(other.contains(&digest), "{other}");
    let missing = why(LocalConfig { model: house.at("none.onnx"), ..house.config() }).await;
    assert!(missing.contains("none.onnx: No such file"), "{missing}");
    let folder = why(LocalConfig { tokenizer: house.folder.path().to_owned(), ..house.config() }).await;
    assert!(folder.contains("not a file"), "{folder}");
    let program = why(LocalConfig { command: vec!["/no/such/program".to_owned()], ..house.config() }).await;
    assert!(program.contains("/no/such/program"), "{program}");
    let ended = why(LocalConfig { command: vec!["/bin/false".to_owned()], ..house.config() }).await;
    assert!(ended.contains("ended before the model was ready"), "{ended}");
    let silent = why(LocalConfig { command: vec!["/bin/cat".to_owned()], ..house.config() }).await;
    assert!(silent.contains("ended before the model was ready"), "{silent}");
    house.write("model.onnx", "a bad model");
    assert_eq!(why(house.config()).await, "the model cannot be read: it is not a good one");
}

// control: INJ-09: Whoever changes the files of a model while the door is open changes no opinion: they are not read again.
#[tokio::test]
async fn after_a_restart_it_is_the_same_model() {
    let house = House::new();
    let advisers = house.advisers().await;
    house.write("tokenizer.json", "a tokenizer that is blind");
    assert_eq!(said(&advisers, "attack").await, Ok(97));
    assert_eq!(said(&advisers, "die").await, Err(NoOpinion::Ended));
    house.time.pass(Duration::from_millis(1));
    assert_eq!(said(&advisers, "hello").await, Err(NoOpinion::Ended));
    house.write("tokenizer.json", "a tokenizer");
    house.time.pass(Duration::from_millis(1));
    assert_eq!(said(&advisers, "hello").await, Ok(3));
}
