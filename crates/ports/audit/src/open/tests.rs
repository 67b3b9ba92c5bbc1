use std::path::Path;
use std::sync::Arc;

use doorward_types::{ObjectId, ServerName, TenantId, Timestamp};

use crate::*;

fn config(root: &Path) -> AuditConfig {
    let mut config = AuditConfig::new(root.join("log"), root.join("keys/audit.key"), root.join("second"));
    config.timer = Timer::Handed;
    config
}

#[test]
fn smoke() {
    let root = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let now = Timestamp::from_secs(1_795_176_000);
    runtime.block_on(async {
        for _ in 0..2 {
            let log = AuditLog::open(config(root.path()), now).unwrap();
            let tenant = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
            let object = ObjectId::parse("72f988bf-86f1-41af-91ab-2d7cd011db48").unwrap();
            let subject = log
                .subject(&SubjectFacts {
                    tenant: &tenant,
                    object: &object,
                    name: Some("Alice"),
                    source: None,
                    application: false,
                })
                .unwrap();
            let server = ServerName::parse("crm").unwrap();
            let policies = [Arc::from("readers.cedar#1")];
            log.intent(
                &Intent {
                    call: CallId([7; 16]),
                    trace: Some([8; 16]),
                    subject: &subject,
                    client: "11111111-2222-3333-4444-555555555555",
                    server: &server,
                    method: "tools/call",
                    target: Target::Tool("search"),
                    policies: &policies,
                    arguments: Some(subject.digest(Part::Arguments, b"{}")),
                    session: Some(subject.session("s")),
                    steps: &[Step { name: "identify", micros: 12 }],
                },
                now,
            )
            .await
            .unwrap();
            log.close(now).await.unwrap();
        }
    });
    println!("{}", std::fs::read_to_string(root.path().join("log/audit-000001.jsonl")).unwrap());
    println!("{}", std::fs::read_to_string(root.path().join("second/checkpoints.jsonl")).unwrap());
}
