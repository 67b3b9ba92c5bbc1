//! The figures.

use std::time::Instant;

use doorward_inspect::training::{Weights, text_by, tool_by};
use doorward_inspect::{Names, Place, Report, text, tool};

use crate::corpus::{Row, calibrates, parse};
use crate::figures::{Share, number};
use crate::mutate::{COVERS, DISGUISES, replace};
use crate::sets::{FOLDS, Kind, Sets, names, part, siblings};

/// Scores of rows, each by a model that did not see it.
struct Scored<'a> {
    rows: Vec<(&'a Row, f32, bool)>,
}

impl<'a> Scored<'a> {
    fn new(rows: &'a [Row], kind: Kind, models: &[Weights]) -> Self {
        let rows = rows.iter().map(|row| {
            let report = judge(row, kind, &models[part(&row.group)]);
            (row, report.score, report.is_flagged)
        });
        Self { rows: rows.collect() }
    }

    fn flagged(&self) -> Share {
        Share::count(self.rows.iter().map(|(_, _, flagged)| *flagged))
    }

    /// Share of those rows that `of` names above a threshold.
    fn above(&self, threshold: f32, of: impl Fn(&Row) -> bool) -> Share {
        Share::count(self.rows.iter().filter(|(row, _, _)| of(row)).map(|(_, score, _)| *score > threshold))
    }

    /// The threshold at which at most this share of the calibration part is above.
    fn threshold(&self, share: f64) -> f32 {
        let mut scores: Vec<f32> = self
            .rows
            .iter()
            .filter(|(row, _, _)| calibrates(&row.group))
            .map(|(_, score, _)| *score)
            .collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let allowed = (number(scores.len()) * share) as usize;
        scores.get(allowed).copied().unwrap_or(1.0)
    }
}

fn judge(row: &Row, kind: Kind, weights: &Weights) -> Report {
    match kind {
        Kind::Definition => tool_by(weights, parse(&row.text).root(), &names(row)),
        Kind::Content => text_by(weights, Place::Content, &row.text),
    }
}

/// Prints all figures.
pub(crate) fn run(sets: &Sets, shift: [f32; 2], verbose: bool, brief: bool) {
    let models = |kind: Kind, planted| -> Vec<Weights> {
        (0..FOLDS)
            .map(|fold| {
                sets.train(kind, Some(fold), planted).tuned(shift[kind as usize], crate::APART).stored()
            })
            .collect()
    };
    let foreign = models(Kind::Definition, false);
    let own = models(Kind::Definition, true);
    let content = models(Kind::Content, false);

    println!("\nDefinitions. Each row is judged by a model that saw no row of its author or template.");
    for (name, models) in
        [("trained without any of this source", &foreign), ("trained on other templates too", &own)]
    {
        let honest = Scored::new(&sets.honest, Kind::Definition, models);
        let poisoned = Scored::new(&sets.poisoned, Kind::Definition, models);
        let by_hand = Scored::new(&sets.own, Kind::Definition, models);
        println!("  poisoned definitions, {name}:");
        for share in [0.01, 0.001] {
            let threshold = honest.threshold(share);
            let alarms = honest.above(threshold, |row| !calibrates(&row.group));
            let found = poisoned.above(threshold, |_| true);
            let hand = by_hand.above(threshold, |_| true);
            println!("    at {:4.1} % false alarms: recall {}", 100.0 * share, found.show(false));
            println!("       of those written by hand {}", hand.show(false));
            println!("       alarms in the other half {}", alarms.show(true));
        }
        // The mean over thresholds is steadier than any one of them, which hangs on a single honest row.
        let shares = [0.001, 0.002, 0.003, 0.005, 0.007, 0.01];
        let mean = |scored: &Scored<'_>| {
            shares.iter().map(|share| scored.above(honest.threshold(*share), |_| true).percent()).sum::<f64>()
                / 6.0
        };
        println!("    mean over 0.1 to 1 %: {:.1}, by hand {:.1}", mean(&poisoned), mean(&by_hand));
        println!(
            "    as shipped: recall {}; honest flagged {}",
            poisoned.flagged().show(false),
            honest.flagged().show(true)
        );
        if verbose {
            list(&honest, true);
            list(&poisoned, false);
            list(&by_hand, false);
        }
    }
    if !brief {
        disguises(sets, &own);
    }
    results(sets, &content, verbose);
    blind(sets, &own, &content, verbose);
    lists(sets, &own, verbose);
    if !brief {
        cost(sets);
    }
}

fn disguises(sets: &Sets, models: &[Weights]) {
    println!("\nDisguises of the planted text, as shipped:");
    let plain = |row: &Row, text: &str| {
        tool_by(&models[part(&row.group)], parse(text).root(), &names(row)).is_flagged
    };
    // A row whose planted text is in disguise already says nothing about another disguise.
    let rows: Vec<&Row> = sets.poisoned.iter().filter(|row| row.span.is_ascii()).collect();
    let base = Share::count(rows.iter().map(|row| plain(row, &row.text)));
    println!("  {:24} {}", "as it is", base.show(false));
    for (name, disguise) in DISGUISES.iter().chain(&COVERS) {
        let found = rows
            .iter()
            .filter_map(|row| Some(plain(row, &replace(&row.text, &row.span, &disguise(&row.span))?)));
        let found = Share::count(found);
        println!("  {name:24} {}  {:+.1} points", found.show(false), found.percent() - base.percent());
    }
}

fn results(sets: &Sets, models: &[Weights], verbose: bool) {
    println!("\nContent: documents and results. Trained without any row of the attack sources.");
    let documents = Scored::new(&sets.documents, Kind::Content, models);
    let injected = Scored::new(&sets.injected, Kind::Content, models);
    let indirect = Scored::new(&sets.indirect, Kind::Content, models);
    let prompts = Scored::new(&sets.prompts, Kind::Content, models);
    for share in [0.01, 0.001] {
        let threshold = documents.threshold(share);
        let alarms = documents.above(threshold, |row| !calibrates(&row.group));
        println!("  at {:4.1} % false alarms (other half {}):", 100.0 * share, alarms.show(true));
        println!(
            "    injected with a marker {}",
            injected.above(threshold, |row| row.category.contains("enhanced")).show(false)
        );
        println!(
            "    injected, bare         {}",
            injected.above(threshold, |row| row.category.contains("base")).show(false)
        );
        println!("    indirect, other source {}", indirect.above(threshold, |_| true).show(false));
    }
    println!("  as shipped: documents flagged {}", documents.flagged().show(true));
    println!(
        "    of which advisories     {}",
        Share::count(
            documents
                .rows
                .iter()
                .filter(|(row, _, _)| row.category == "security_advisory")
                .map(|(_, _, flagged)| *flagged)
        )
        .show(true)
    );
    println!("    honest prompts flagged  {}", prompts.flagged().show(true));
    println!(
        "    injected found {}; indirect found {}",
        injected.flagged().show(false),
        indirect.flagged().show(false)
    );
    if verbose {
        list(&documents, true);
        list(&injected, false);
        list(&indirect, false);
    }
}

/// Texts and definitions written by somebody who saw neither rules nor corpora, judged by models that saw none of them.
fn blind(sets: &Sets, definitions: &[Weights], content: &[Weights], verbose: bool) {
    println!("\nWritten blind, and trained on by nothing that is measured here:");
    for (rows, kind, models, honest) in [
        (&sets.blind, Kind::Content, content, &sets.documents),
        (&sets.blind_tools, Kind::Definition, definitions, &sets.honest),
    ] {
        let scored = Scored::new(rows, kind, models);
        let of = |attack: bool| Scored {
            rows: scored.rows.iter().filter(|(row, _, _)| row.is_attack == attack).copied().collect(),
        };
        let (attacks, harmless) = (of(true), of(false));
        let threshold = Scored::new(honest, kind, models).threshold(0.01);
        let what = if kind == Kind::Content { "results" } else { "definitions" };
        let (found, alarms) = (attacks.flagged(), harmless.flagged());
        println!(
            "  {what}, as shipped: found {}; honest that come close, flagged {}",
            found.show(false),
            alarms.show(true)
        );
        println!(
            "    at 1 % of the other honest: {}; of these {}",
            attacks.above(threshold, |_| true).show(false),
            harmless.above(threshold, |_| true).show(true)
        );
        let mut kinds: Vec<&str> = attacks.rows.iter().map(|(row, _, _)| head(&row.category)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for name in kinds.iter().filter(|_| kind == Kind::Content) {
            println!(
                "    {name:24} {}",
                attacks.above(threshold, |row| head(&row.category) == *name).show(false)
            );
        }
        if verbose {
            list(&harmless, true);
            list(&attacks, false);
        }
    }
}

/// Attacks that show beside a sibling alone.
fn lists(sets: &Sets, models: &[Weights], verbose: bool) {
    println!("\nLists of tools, written blind: each tool judged beside its siblings.");
    let judged: Vec<(&Row, f32, bool)> = sets
        .lists
        .iter()
        .map(|row| {
            let tree = parse(&row.text);
            let tools = tree.root().items().zip(siblings(row));
            let reports = tools.map(|(tool, names)| tool_by(&models[0], tool, &names));
            let worst = reports.fold((0.0_f32, false), |(score, flagged), report| {
                (score.max(report.score), flagged || report.is_flagged)
            });
            (row, worst.0, worst.1)
        })
        .collect();
    let scored = |attack: bool| Scored {
        rows: judged.iter().filter(|(row, _, _)| row.is_attack == attack).copied().collect(),
    };
    let (attacks, honest) = (scored(true), scored(false));
    for kind in ["shadowing", "overlap", "transfer", "composed"] {
        let found = attacks.rows.iter().filter(|(row, _, _)| row.category == kind);
        println!("  {kind:12} {}", Share::count(found.map(|(_, _, flagged)| *flagged)).show(false));
    }
    println!("  all          {}", attacks.flagged().show(false));
    println!("  honest lists {}", honest.flagged().show(true));
    if verbose {
        list(&honest, true);
        list(&attacks, false);
    }
}

fn head(category: &str) -> &str {
    category.split(':').next().unwrap_or(category)
}

fn list(scored: &Scored<'_>, honest: bool) {
    for (row, score, flagged) in &scored.rows {
        if *flagged == honest {
            let text = if honest || row.span.is_empty() { &row.text } else { &row.span };
            println!(
                "      {score:.3} {} {}",
                row.id,
                text.chars().take(200).collect::<String>().replace('\n', " ")
            );
        }
    }
}

/// One line a row, with the score and the rules: what a change that only makes reading faster must leave as it is.
pub(crate) fn verdicts(sets: &Sets) {
    let print = |row: &Row, report: &Report| {
        let rules: Vec<String> = report
            .findings
            .iter()
            .map(|finding| {
                format!("{} {} {}-{}", finding.rule.id, finding.pointer, finding.span.start, finding.span.end)
            })
            .collect();
        println!("{} {:08x} {}", row.id, report.score.to_bits(), rules.join("; "));
    };
    for row in sets.honest.iter().chain(&sets.poisoned).chain(&sets.own) {
        print(row, &tool(parse(&row.text).root(), &names(row)));
    }
    let texts = [&sets.documents, &sets.injected, &sets.indirect, &sets.prompts];
    for row in texts.into_iter().flatten() {
        print(row, &text(Place::Content, &row.text, &Names::default()));
    }
    for (row, (_, disguise)) in sets.poisoned.iter().zip(DISGUISES.iter().chain(&COVERS).cycle()) {
        print(row, &text(Place::Description, &disguise(&row.span), &Names::default()));
    }
}

/// Time on one core, and that it grows with the text alone.
pub(crate) fn cost(sets: &Sets) {
    println!("\nCost on one core, as shipped:");
    // The best of five: a machine that does other things as well makes every measurement longer, never shorter.
    let once = |row: &Row, judge: &dyn Fn(&Row)| {
        let start = Instant::now();
        judge(row);
        start.elapsed().as_secs_f64() * 1e6
    };
    let time = |rows: &[Row], judge: &dyn Fn(&Row)| {
        let best = |row: &Row| (0..5).map(|_| once(row, judge)).fold(f64::INFINITY, f64::min);
        let mut each: Vec<f64> =
            rows.iter().map(|row| best(row) / (number(row.text.len()) / 1024.0)).collect();
        each.sort_by(f64::total_cmp);
        (each[each.len() / 2], each[each.len() * 99 / 100])
    };
    let (half, most) = time(&sets.honest, &|row| {
        tool(parse(&row.text).root(), &Names::default());
    });
    println!("  definitions, parsing included: p50 {half:.0} µs/KiB, p99 {most:.0}");
    let (half, most) = time(&sets.documents, &|row| {
        text(Place::Content, &row.text, &Names::default());
    });
    println!("  documents: p50 {half:.0} µs/KiB, p99 {most:.0}");
    let some: Vec<&Row> =
        sets.honest.iter().filter(|row| row.text.contains("inputSchema")).take(755).collect();
    let names: Vec<String> = some.iter().map(|row| row.id.replace('-', "_")).collect();
    let scan = || {
        let start = on_the_core();
        let names = Names::new(names.iter().map(String::as_str));
        for row in &some {
            tool(parse(&row.text).root(), &names);
        }
        (on_the_core() - start) / 1e6
    };
    let bytes: usize = some.iter().map(|row| row.text.len()).sum();
    let best = (0..5).map(|_| scan()).fold(f64::INFINITY, f64::min);
    println!("  a list of {} tools, {} KiB, parsed and judged: {best:.0} ms", some.len(), bytes >> 10);
    for (name, unit) in HOSTILE {
        let measure = |bytes: usize| {
            let text_of = unit.repeat(bytes / unit.len());
            let times = (2 << 20) / bytes;
            let start = on_the_core();
            for _ in 0..times {
                text(Place::Content, &text_of, &Names::default());
            }
            (on_the_core() - start) / 1e3 / (number(times * bytes) / 1024.0)
        };
        println!(
            "  hostile, {name:20} {:6.0} µs/KiB at 32 KiB, {:6.0} at 1 MiB",
            measure(32 << 10),
            measure(1 << 20)
        );
    }
}

/// How long this thread was on a core, in nanoseconds: what other programs take does not count. Zero where the system does
/// not say.
fn on_the_core() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or_default()
}

/// Texts that make a careless reader slow.
const HOSTILE: [(&str, &str); 12] = [
    ("unfinished tags", "<a b=\""),
    ("unfinished comments", "<!--"),
    ("entities", "&#105;"),
    ("base64 of itself", "aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM="),
    ("percent escapes", "%69%67"),
    ("backslashes", "\\\\u0069"),
    ("set apart", "i g n o r e  "),
    ("zero-width", "i\u{200b}g"),
    ("look-alikes", "аеорсi "),
    ("override", "\u{202e}abc"),
    ("ideas", "ignore read send secret all file user not before must "),
    ("one word", "a"),
];
