//! What a record costs: `cargo run --release -p doorward-audit --example audit_speed [folder]`.
//!
//! CPU is read from the kernel for the whole process, the log's own thread included.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails should stop, and it prints"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use doorward_audit::{
    AuditConfig, AuditLog, CallId, Durability, Ending, Intent, Outcome, Part, Step, Subject, SubjectFacts,
    Target, VerifyInputs, verify,
};
use doorward_types::{ObjectId, ServerName, TenantId};

fn main() {
    let given = std::env::args().nth(1).map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let root = given.unwrap_or_else(|| temporary.path().to_owned());
    println!("{:<34} {:>10} {:>10} {:>10} {:>9}", "", "records/s", "µs wall", "µs CPU", "bytes");
    for (name, tasks, calls) in [("1 task", 1, 100_000), ("32 tasks", 32, 6_000), ("256 tasks", 256, 800)] {
        measure(&root.join(format!("batched-{tasks}")), name, Durability::Batched, tasks, calls, None);
    }
    // A door under load writes steadily, not at once: here fdatasync weighs most.
    measure(&root.join("paced"), "1 task, at most 60,000/s", Durability::Batched, 1, 60_000, Some(30));
    for (name, tasks, calls) in [("1 task, durable", 1, 300), ("32 tasks, durable", 32, 300)] {
        measure(&root.join(format!("record-{tasks}")), name, Durability::Record, tasks, calls, None);
    }
    parts(&root.join("parts"));
}

fn config(root: &Path) -> AuditConfig {
    AuditConfig::new(root.join("log"), root.join("keys/audit.key"), root.join("second"))
}

fn measure(root: &Path, name: &str, durability: Durability, tasks: u64, calls: u64, pace: Option<u64>) {
    let first = AuditConfig { durability, ..config(root) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let (wall, cpu) = local.block_on(&runtime, async {
        let log = AuditLog::open(first, SystemTime::now().into()).unwrap();
        let subject = caller(&log);
        let (began, cpu) = (Instant::now(), cpu_time());
        let running: Vec<_> = (0..tasks)
            .map(|task| tokio::task::spawn_local(many(log.clone(), subject.clone(), task, calls, pace)))
            .collect();
        for task in running {
            task.await.unwrap();
        }
        let spent = (began.elapsed(), cpu_time() - cpu);
        log.close(SystemTime::now().into()).await.unwrap();
        spent
    });
    let records = (2 * tasks * calls) as f64;
    let bytes: u64 = std::fs::read_dir(root.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".jsonl"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    println!(
        "{name:<34} {:>10.0} {:>10.2} {:>10.2} {:>9.0}",
        records / wall.as_secs_f64(),
        wall.as_secs_f64() * 1e6 / records,
        cpu.as_secs_f64() * 1e6 / records,
        bytes as f64 / records
    );
    let began = Instant::now();
    drop(AuditLog::open(AuditConfig { durability, ..config(root) }, SystemTime::now().into()).unwrap());
    let opened = began.elapsed();
    let began = Instant::now();
    let report = verify(&VerifyInputs {
        dir: root.join("log"),
        checkpoints: Some(root.join("second/checkpoints.jsonl")),
        ..VerifyInputs::default()
    })
    .unwrap();
    assert!(report.is_intact(), "{report}");
    let per = began.elapsed().as_secs_f64() * 1e6 / report.records as f64;
    println!("    reopened in {:.1} ms, verified at {per:.2} µs a record", opened.as_secs_f64() * 1e3);
}

async fn many(log: AuditLog, subject: Subject, task: u64, calls: u64, pace: Option<u64>) {
    let server = ServerName::parse("crm").unwrap();
    let policies = [Arc::from("readers.cedar#1")];
    let steps = [
        Step { name: "identify", micros: 12 },
        Step { name: "hear", micros: 3 },
        Step { name: "authorize", micros: 7 },
        Step { name: "inspect", micros: 1 },
    ];
    let session = subject.session("session");
    let began = Instant::now();
    for at in 0..calls {
        // So many calls a millisecond.
        if let Some(pace) = pace.filter(|pace| at % pace == 0) {
            let due = began + Duration::from_millis(at / pace);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let now = SystemTime::now().into();
        let call = CallId((u128::from(task) << 64 | u128::from(at)).to_be_bytes());
        let arguments = subject.digest(Part::Arguments, br#"{"path":"/srv/docs/report.txt","head":20}"#);
        let intent = Intent {
            call,
            trace: Some([0xab; 16]),
            subject: &subject,
            client: "11111111-2222-3333-4444-555555555555",
            server: &server,
            method: "tools/call",
            target: Target::Tool("read_file"),
            policies: &policies,
            arguments: Some(arguments),
            session: Some(session),
            findings: &[],
            steps: &steps,
        };
        log.intent(&intent, now).await.unwrap();
        let outcome = Outcome {
            call,
            trace: Some([0xab; 16]),
            server: &server,
            ending: Ending::Ok,
            reason: None,
            frames: 1,
            bytes: 245,
            digest: Some(subject.digest(Part::Answer, &[7; 32])),
            findings: &[],
            took_micros: 812,
            steps: &[],
        };
        log.outcome(&outcome, now).await.unwrap();
    }
}

/// What the parts cost that callers pay before a record.
fn parts(root: &Path) {
    let log = AuditLog::open(config(root), SystemTime::now().into()).unwrap();
    let subject = caller(&log);
    let time = |name: &str, run: &dyn Fn()| {
        let began = Instant::now();
        for _ in 0..100_000 {
            run();
        }
        println!("{name:<34} {:>10} {:>10.3}", "", began.elapsed().as_secs_f64() * 1e6 / 1e5);
    };
    time("digest of 42 bytes", &|| {
        std::hint::black_box(subject.digest(Part::Arguments, &[9; 42]));
    });
    time("pseudonym of a session", &|| {
        std::hint::black_box(subject.session("0123456789"));
    });
    time("subject (known person)", &|| {
        std::hint::black_box(caller(&log));
    });
}

fn caller(log: &AuditLog) -> Subject {
    let tenant = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
    let object = ObjectId::parse("0b1ec7ed-0000-4000-8000-000000000001").unwrap();
    let facts = SubjectFacts {
        tenant: &tenant,
        object: &object,
        name: Some("Alice Example"),
        source: Some("198.51.100.77".parse().unwrap()),
        application: false,
    };
    log.subject(&facts).unwrap()
}

/// CPU time of this process, user and system: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
