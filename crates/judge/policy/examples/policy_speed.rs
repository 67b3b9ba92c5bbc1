//! Prints what a decision costs under 10, 100, 1,000 and 10,000 policies: `cargo run --release -p doorward-policy --example policy_speed`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement, run by hand; it prints its figures and stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use doorward_policy::{
    Ask, Item, Policies, PolicyText, Principal, PrincipalFacts, PrincipalKind, ServerShape, ToolShape,
};
use doorward_types::{ClientId, ObjectId, ServerName, TenantId};
use doorward_wire::{Limits, Tree};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"type":"integer"},"user_id":{"type":"string"},"note":{"type":"string"}},"required":["n","user_id"]}"#;

fn main() {
    println!(
        "{:>8} {:>7} {:>11} {:>12} {:>12} {:>12} {:>12} {:>12} {:>16}",
        "policies",
        "groups",
        "compile ms",
        "principal ns",
        "first ns",
        "reads args",
        "16 KiB args",
        "kept",
        "bytes a caller"
    );
    for (policies, groups) in [(10, 5), (100, 5), (1_000, 5), (10_000, 5), (10_000, 200)] {
        measure(policies, groups);
    }
}

fn measure(policy_count: usize, group_count: usize) {
    let schema = tree(SCHEMA);
    let servers: Vec<ServerName> =
        (0..20).map(|n| ServerName::parse(&format!("server-{n}")).unwrap()).collect();
    let shapes: Vec<ServerShape<'_>> = servers.iter().map(|name| shape(name, &schema)).collect();
    let files = [("speed.cedar".to_owned(), policies(policy_count))];
    let start = Instant::now();
    let text = PolicyText::parse(&files).unwrap();
    let set = Policies::compile(&text, &shapes).unwrap();
    let compile = start.elapsed().as_millis();

    let (tenant, client) = (TenantId::parse(TENANT).unwrap(), ClientId::parse(TENANT).unwrap());
    let object = ObjectId::parse(&guid(1)).unwrap();
    let groups: BTreeSet<ObjectId> =
        (0..group_count).map(|n| ObjectId::parse(&guid(n * 7)).unwrap()).collect();
    let roles = [Arc::from("Reader")];
    let facts = PrincipalFacts {
        tenant: &tenant,
        object: &object,
        client: &client,
        kind: PrincipalKind::User,
        scopes: &[],
        roles: &roles,
        groups: &groups,
    };
    let small = tree(&format!(r#"{{"n":7,"user_id":"{object}","note":"{}"}}"#, "x".repeat(60)));
    let large = tree(&format!(r#"{{"n":7,"user_id":"{object}","note":"{}"}}"#, "x".repeat(16_384)));
    let reading =
        |tree| Ask::CallTool { server: &servers[0], tool: "tool-0", arguments: Some(Tree::root(tree)) };
    let keeping = Ask::CallTool { server: &servers[1], tool: "tool-1", arguments: Some(small.root()) };
    let who = set.principal(&facts);
    assert!(set.decide(&who, &reading(&small)).is_ok());
    assert!(set.decide(&who, &keeping).is_ok());
    black_box(set.sees(&who, &servers[2], Item::Tool("tool-2")));

    let time = |ask: &Ask<'_>| nanoseconds(20_000, || drop(black_box(set.decide(&who, black_box(ask)))));
    println!(
        "{policy_count:>8} {group_count:>7} {compile:>11} {:>12} {:>12} {:>12} {:>12} {:>12} {:>16}",
        nanoseconds(500, || drop(black_box::<Principal>(set.principal(&facts)))),
        nanoseconds(500, || drop(black_box(set.decide(&set.principal(&facts), &reading(&small))))),
        time(&reading(&small)),
        time(&reading(&large)),
        time(&keeping),
        bytes_a_caller(|| {
            let who = set.principal(&facts);
            assert!(set.decide(&who, &reading(&small)).is_ok() && set.decide(&who, &keeping).is_ok());
            who
        }),
    );
}

/// The best of ten rounds: what the machine can do when nothing else runs.
fn nanoseconds(times: u32, mut run: impl FnMut()) -> u128 {
    let round = || {
        let start = Instant::now();
        (0..times).for_each(|_| run());
        start.elapsed().as_nanos() / u128::from(times)
    };
    std::iter::repeat_with(round).take(10).min().unwrap()
}

/// What the process grows by for each of 5,000 callers who asked two questions.
fn bytes_a_caller(caller: impl Fn() -> Principal) -> u64 {
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let before = resident();
    let callers: Vec<Principal> = std::iter::repeat_with(caller).take(5_000).collect();
    let grown = resident().saturating_sub(before) / 5_000;
    drop(black_box(callers));
    grown
}

/// Three policies that decide, one of which reads arguments, among others for other groups, tools and roles.
fn policies(count: usize) -> String {
    let mut text = String::from(
        r#"
        @id("own-data")
        permit(principal in Role::"Reader", action == Action::"server-0/tool-0", resource)
        when { context.arguments.user_id == principal.oid && context.arguments.n < 1000 };
        @id("readers")
        permit(principal in Role::"Reader", action == Action::"server-1/tool-1", resource);
        @id("no-blocked")
        forbid(principal in Role::"Blocked", action, resource);
        "#,
    );
    for n in 3..count {
        let (group, server, tool) = (guid(n), n % 18 + 2, n % 10);
        text.push_str(&match n % 4 {
            0 => format!("permit(principal in Group::\"{group}\", action == Action::\"server-{server}/tool-{tool}\", resource);\n"),
            1 => format!("permit(principal in Group::\"{group}\", action in Action::\"tools/call\", resource in Server::\"server-{server}\");\n"),
            2 => format!("permit(principal in Role::\"Role-{n}\", action == Action::\"server-{server}/tool-{tool}\", resource) when {{ context.arguments.n < {n} }};\n"),
            _ => format!("forbid(principal == User::\"{TENANT}/{group}\", action in Action::\"tools/call\", resource) unless {{ principal.scopes.contains(\"tools.read\") }};\n"),
        });
    }
    text
}

fn guid(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012x}")
}

fn shape<'a>(name: &'a ServerName, schema: &'a Tree) -> ServerShape<'a> {
    let tools =
        (0..10).map(|n| ToolShape { name: format!("tool-{n}").into(), input_schema: Some(schema.root()) });
    ServerShape { name, tools: tools.collect(), prompts: Vec::new(), complete: true }
}

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::from(text.to_owned()), &Limits::default()).unwrap()
}
