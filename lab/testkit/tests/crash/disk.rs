//! Disks that fill between a call and its answer.

use doorward_testkit::{DoorProcess, run};
use http::StatusCode;

use crate::house::{Answer, HELD, House, unknown};
use crate::record::Record;

// control: spine-i, D-11: outcomes have reserved space, so a disk that fills between call and answer costs no answer
#[tokio::test]
async fn outcomes_fit_on_a_disk_that_filled_meanwhile() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.fill();
    house.echo.release();
    let record_of = |answers: &[Answer]| (answers.len(), Record::read(&house.lab.audit()));
    let answers = held.answers().await;
    let (count, record) = record_of(&answers);
    assert_eq!(count as u64, HELD);
    for Answer { trace, heard } in &answers {
        assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
        assert_eq!(record.outcome(trace), Some("ok"), "an answer without its outcome");
    }
    assert_eq!(house.disk.reserve(), 0, "the reserve was given up for them");

    // Until there is space again nothing is let through: the upstream hears of no call.
    house.echo.clear_transcript();
    for _ in 0..20 {
        let refused = house.call().await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", refused.body);
    }
    assert_eq!(house.echo.transcript(), []);
    assert_eq!(house.ready().await, StatusCode::SERVICE_UNAVAILABLE);

    house.disk.free();
    house.until_healed().await;
    assert!(house.disk.reserve() > 0, "the reserve is set aside again");
    assert!(house.verify().await.is_empty(), "every call has its outcome");
}

// control: spine-i, D-09: where not even the reserve is left, an answer whose outcome cannot be written is withheld
#[tokio::test]
async fn an_answer_is_withheld_if_its_outcome_cannot_be_written() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.take_reserve();
    house.disk.fill();
    house.echo.release();
    let answers = held.answers().await;
    let record = Record::read(&house.lab.audit());
    let (released, withheld): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.heard.status == StatusCode::OK);
    for Answer { trace, .. } in released {
        assert_eq!(record.outcome(trace), Some("ok"), "an answer without its outcome");
    }
    assert!(!withheld.is_empty(), "the outcomes of {HELD} calls do not fit into one page");
    for Answer { trace, heard } in &withheld {
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!heard.body.windows(8).any(|text| text == b"released"), "{:?}", heard.body);
        assert_eq!(record.outcome(trace), None);
    }
    assert_eq!(house.ready().await, StatusCode::SERVICE_UNAVAILABLE);

    house.disk.free();
    house.until_healed().await;
    assert_eq!(house.verify().await.len(), withheld.len(), "those calls are named: their outcome is unknown");
}

// control: spine-i, D-09: nor does a stream bring the answer whose outcome cannot be written; it ends in an error
#[tokio::test]
async fn a_stream_ends_in_an_error_if_its_outcome_cannot_be_written() {
    let Some(house) = House::new().await else { return };
    let held = house.ask().await;
    house.disk.take_reserve();
    house.disk.fill();
    house.answer_questions().await;
    let answers = held.answers().await;
    let record = Record::read(&house.lab.audit());
    let mut withheld = 0;
    for Answer { trace, heard } in &answers {
        assert_eq!(heard.status, StatusCode::OK, "the stream was open already");
        let frames = heard.frames().unwrap();
        let greeted = frames.iter().any(|frame| frame["result"].to_string().contains("Hello"));
        assert_eq!(
            greeted,
            record.outcome(trace) == Some("ok"),
            "released with its outcome, or not at all: {frames:?}"
        );
        let last = frames.last().unwrap();
        assert!(
            greeted || last["error"].is_object() && last["id"] == 1,
            "told as an error to its call: {last}"
        );
        withheld += usize::from(!greeted);
    }
    assert!(withheld > 0, "the outcomes of {HELD} calls do not fit into one page");
    house.disk.free();
    house.until_healed().await;
    assert_eq!(house.verify().await.len(), withheld);
}

// control: spine-i: killed on a full disk, the log verifies, and the door goes on with it once there is space
#[tokio::test]
async fn a_door_killed_on_a_full_disk_goes_on_with_its_log() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.take_reserve();
    house.disk.fill();
    let House { lab, door, disk, echo, plan, .. } = house;
    door.kill().await;
    drop(held);
    let unknown = unknown(&lab).await;
    assert_eq!(unknown.len() as u64, HELD, "{unknown:?}");

    let refused = run(lab.folder(), ["serve", "--ready-file", "ready.json"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("the audit log cannot be opened"), "{}", refused.err);
    disk.free();
    let door = DoorProcess::open(&lab, &plan).await;
    let house = House { lab, door, disk, echo, plan };
    assert_eq!(house.call().await.status, StatusCode::OK);
    assert_eq!(house.verify().await.len() as u64, HELD);
}
