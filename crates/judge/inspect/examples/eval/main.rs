//! dev
#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a measurement, run by hand"
)]
mod corpus;
use corpus::{Row, load, parse};
use doorward_inspect::{Place, Report, text, tool};
use std::path::Path;
fn judge(row: &Row) -> Report {
    if row.text.starts_with('{') && row.text.contains("\"name\"") {
        let t = parse(&row.text);
        tool(t.root(), &[])
    } else {
        text(Place::Content, &row.text, &[])
    }
}
fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.get(1).is_some();
    let rows = load(&root, &args[0]);
    let t = cpu();
    let mut bytes = 0;
    let mut flagged = 0;
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        bytes += row.text.len();
        let r = judge(row);
        flagged += usize::from(r.is_flagged);
        if verbose
            && r.is_flagged != row.is_attack
            && seen.insert(row.group.clone() + if row.is_attack { "" } else { &row.id })
        {
            println!("{} {:.2} {}", row.id, r.score, row.span);
            for f in &r.findings {
                println!(
                    "    {} {} {:?} {} | {}",
                    f.rule.id,
                    f.severity.name(),
                    f.origin,
                    f.pointer,
                    f.quote
                );
            }
        }
    }
    let el = cpu() - t;
    println!(
        "{}: flagged {flagged} of {} = {:.2}%  {:.1} us/KiB",
        args[0],
        rows.len(),
        100.0 * flagged as f64 / rows.len() as f64,
        el * 1e6 / (bytes as f64 / 1024.0)
    );
}

fn cpu() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1e9
}
