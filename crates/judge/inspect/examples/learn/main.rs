//! Trains the model of `inspect` and measures what it finds: `cargo xtask train`, `cargo xtask eval`.
#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "run by hand; it prints its figures and stops at the first surprise"
)]

mod calls;
mod corpus;
mod eval;
mod figures;
mod grammar;
mod mutate;
mod sets;
mod train;

use std::path::Path;

use sets::{Kind, Sets};

/// How far the odds are shifted, so that a half is where honest texts end: for definitions, and for content.
const SHIFT: [f32; 2] = [1.4, 1.2];
/// How far they are then drawn apart, so that what is plain is beyond doubt.
pub(crate) const APART: f32 = 1.4;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [task, folder, rest @ ..] = args.as_slice()
        && task == "look"
    {
        return look(Path::new(folder), rest.iter().any(|word| word == "--all"));
    }
    if args.iter().any(|word| word == "--calls") {
        return calls::run(&root, args.iter().any(|word| word == "--list"));
    }
    let sets = Sets::load(&root);
    match args.first().map(String::as_str) {
        Some("train") => {
            let bytes: Vec<u8> = [Kind::Definition, Kind::Content]
                .into_iter()
                .flat_map(|kind| {
                    let learned = sets.train(kind, None, true).tuned(SHIFT[kind as usize], APART);
                    learned.stored().bytes().to_vec()
                })
                .collect();
            let path = root.join("crates/judge/inspect/src/model.bin");
            std::fs::write(&path, &bytes).unwrap();
            println!("{} bytes written to {}", bytes.len(), path.display());
        }
        Some("eval") if args.iter().any(|word| word == "--cost") => eval::cost(&sets),
        Some("eval") => {
            let has = |word: &str| args.iter().any(|other| other == word);
            eval::run(&sets, SHIFT, has("--list"), has("--brief"));
            calls::run(&root, has("--list"));
        }
        Some("verdicts") => eval::verdicts(&sets),
        _ => panic!("train, verdicts, look FOLDER_OR_FILE, or eval [--list] [--brief] [--cost] [--calls]"),
    }
}

/// Judges every text file of a folder as content, or every row of a file as a definition, and lists what is flagged, or all: for what
/// is known to be honest and was not trained on.
fn look(folder: &Path, with_all: bool) {
    if folder.is_file() {
        let rows = std::fs::read_to_string(folder).unwrap();
        let flagged = rows.lines().filter(|line| {
            let tree = corpus::parse(line);
            let definition = tree.root().get("json").unwrap_or(tree.root());
            let report = doorward_inspect::tool(definition, &doorward_inspect::Names::default());
            if report.is_flagged {
                println!(
                    "{:.2} {}",
                    report.score,
                    report.findings.first().map_or("", |finding| &finding.quote)
                );
            }
            report.is_flagged
        });
        return println!("{} of {} flagged", flagged.count(), rows.lines().count());
    }
    let (mut folders, mut all, mut flagged) = (vec![folder.to_owned()], 0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_text = path
                .extension()
                .is_some_and(|end| ["md", "txt", "rs", "py", "js", "rst"].iter().any(|e| end == *e));
            let Some(text) = is_text.then(|| std::fs::read_to_string(&path).ok()).flatten() else { continue };
            let report = doorward_inspect::text(
                doorward_inspect::Place::Content,
                &text,
                &doorward_inspect::Names::default(),
            );
            all += 1;
            flagged += usize::from(report.is_flagged);
            if report.is_flagged || with_all {
                let worst = report.findings.first().map_or("", |finding| finding.quote.as_str());
                let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.id).collect();
                println!("{:.2} {} {worst} {}", report.score, path.display(), rules.join(" "));
            }
        }
    }
    println!("{flagged} of {all} flagged");
}
