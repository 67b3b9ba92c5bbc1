//! What a refresh costs in the store: `cargo run --release -p doorward-store --example store_speed [folder] [families]`.
//!
//! A refresh reads a family and replaces it, durably: each waits for the device once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails should stop, and it prints"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use doorward_store::{Change, KeyFile, Kind, Row, Scope, Store, StoreConfig};
use doorward_types::{ClientId, GrantId, ObjectId, Person, Secret, TenantId, Timestamp};

fn main() {
    let given = std::env::args().nth(1).map(PathBuf::from);
    let families: u32 = std::env::args().nth(2).map_or(100_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let root = given.unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (path, key) = (root.join("data/store.db"), root.join("keys/store.key"));
        let wrap = Arc::new(KeyFile::open_or_create(&key, &path).unwrap());
        let now = Timestamp::from(SystemTime::now());
        let store = Store::open(StoreConfig::new(&path, 0), wrap.clone(), now).await.unwrap();

        let began = Instant::now();
        for from in (0..families).step_by(1000) {
            let rows: Vec<Row> =
                (from..(from + 1000).min(families)).map(|number| family(number, now)).collect();
            let changes: Vec<Change<'_>> = rows.iter().map(Change::Put).collect();
            assert!(store.apply(&changes).await.unwrap());
        }
        let size = std::fs::metadata(&path).unwrap().len() / 1_000_000;
        println!("{families} families written in {:.1} s, {size} MB", began.elapsed().as_secs_f64());
        println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "", "p50 ms", "p99 ms", "max ms", "per s");
        for (name, tasks, each, pace) in [
            ("1 at once", 1, 2000, None),
            ("4 at once", 4, 1000, None),
            ("32 at once", 32, 200, None),
            ("100 a second", 1, 1000, Some(Duration::from_millis(10))),
        ] {
            measure(&store, name, tasks, each, pace, families, now).await;
        }
        for (name, rounds) in [("reads alone", 5000_u32)] {
            let mut times = Vec::new();
            for round in 0..rounds {
                let began = Instant::now();
                let id = family(scattered(round, families), now).id;
                assert!(store.get(Kind::Family, &id, now).await.unwrap().is_some());
                times.push(began.elapsed());
            }
            print(name, times, Duration::ZERO);
        }
        let began = Instant::now();
        let rows = store.check().await.unwrap();
        println!("check of {rows} rows: {:.2} s", began.elapsed().as_secs_f64());
        let began = Instant::now();
        store.rekey(wrap).await.unwrap();
        println!("rekey of {rows} rows: {:.2} s", began.elapsed().as_secs_f64());
        store.close().await;
    });
}

async fn measure(
    store: &Store,
    name: &str,
    tasks: u32,
    each: u32,
    pace: Option<Duration>,
    families: u32,
    now: Timestamp,
) {
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for round in 0..each {
                    if let Some(pace) = pace {
                        tokio::time::sleep(pace).await;
                    }
                    let id = family(scattered(task * each + round, families), now).id;
                    let began = Instant::now();
                    loop {
                        let row = store.get(Kind::Family, &id, now).await.unwrap().unwrap();
                        if store.replace(&row).await.unwrap() {
                            break;
                        }
                    }
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in running {
        times.extend(task.await.unwrap());
    }
    print(name, times, began.elapsed());
}

fn print(name: &str, mut times: Vec<Duration>, wall: Duration) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let wall = if wall.is_zero() { times.iter().sum() } else { wall };
    let rate = times.len() as f64 / wall.as_secs_f64();
    println!("{name:<34} {:>9.3} {:>9.3} {:>9.3} {:>9.0}", at(0.5), at(0.99), at(1.0), rate);
}

/// Walks through all families without a pattern that a cache would like.
fn scattered(round: u32, families: u32) -> u32 {
    round.wrapping_mul(2_654_435_761) % families
}

fn family(number: u32, now: Timestamp) -> Row {
    let tenant = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
    let object = ObjectId::parse(&format!("0b1ec7ed-0000-4000-8000-{:012x}", number / 3)).unwrap();
    let grant = GrantId(u128::from(number.wrapping_mul(2_246_822_519)).to_be_bytes());
    Row {
        kind: Kind::Family,
        id: grant.0.to_vec(),
        scope: Scope::Tenant(tenant.clone()),
        person: Some(Person { tenant, object }),
        client: Some(ClientId::registered("https://client.example/metadata.json").unwrap()),
        grant: Some(grant),
        expires: Some(now.plus(Duration::from_secs(30 * 86_400))),
        version: 1,
        body: Secret::new(vec![7; 600]),
    }
}
