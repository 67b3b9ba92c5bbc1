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
#![allow(warnings)]
mod corpus;
mod grammar;
mod train;
use corpus::{Row, calibrates, load, parse};
use doorward_inspect::training::*;
use doorward_inspect::{Place, Report, text, tool};
use grammar::*;
use std::path::Path;
use train::*;
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
fn is_tool(row: &Row) -> bool {
    row.text.starts_with('{') && row.text.contains("\"name\"")
}
fn judge(row: &Row) -> Report {
    if is_tool(row) {
        let t = parse(&row.text);
        tool(t.root(), &[])
    } else {
        text(Place::Content, &row.text, &[])
    }
}
fn sents(row: &Row) -> Vec<Seen> {
    if is_tool(row) {
        sentences_of_tool(parse(&row.text).root())
    } else {
        sentences_of(Place::Content, &row.text)
    }
}
fn feats(s: Vec<Seen>) -> Vec<Vec<u16>> {
    s.into_iter().map(|s| s.features).collect()
}
fn hash(s: &str) -> u64 {
    s.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)) >> 40
}
fn best<'a>(w: &Weights, s: &'a [Seen]) -> (f32, &'a str) {
    s.iter()
        .map(|s| (w.logit(&s.features), s.text.as_str()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((-9.0, ""))
}
fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args[0] == "cv" {
        return cv(&root, &args);
    }
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
fn cv(root: &Path, args: &[String]) {
    let ben = load(root, "tools-benign");
    let atk = load(root, "tools-poisoned");
    let docs = load(root, "results-benign");
    let bs: Vec<Vec<Seen>> = ben.iter().map(sents).collect();
    let as_: Vec<Vec<Seen>> = atk.iter().map(sents).collect();
    // attack bags from spans only
    let asp: Vec<Vec<Vec<u16>>> =
        atk.iter().map(|r| feats(sentences_of(Place::Description, &r.span))).collect();
    let ds: Vec<Vec<Vec<u16>>> =
        docs.iter().map(|r| feats(sentences_of(Place::Description, &r.text))).collect();
    let mut dice = Dice::new(1);
    let g = Grammar::load(root, "attacks");
    let h = Grammar::load(root, "honest");
    let mut gen_: Vec<(usize, Bag)> = vec![];
    for n in 0..g.len() * 40 {
        let (_, t) = g.sentence(n, &mut dice);
        if n < g.len() && args.get(1).is_some_and(|a| a == "show") {
            println!("{t}")
        }
        let p = if n % 3 == 0 { Place::Parameter } else { Place::Description };
        gen_.push((n % g.len(), Bag { sentences: feats(sentences_of(p, &t)), is_attack: true, weight: 1.0 }));
    }
    for n in 0..h.len() * 12 {
        let (_, t) = h.sentence(n, &mut dice);
        gen_.push((
            n % h.len(),
            Bag { sentences: feats(sentences_of(Place::Description, &t)), is_attack: false, weight: 1.0 },
        ));
    }
    let with_mst = args.iter().any(|a| a == "mst");
    let k = 4;
    let mut bsc = vec![(0.0, String::new()); ben.len()];
    let mut asc = vec![(0.0, String::new()); atk.len()];
    let mut dsc = vec![0.0; docs.len()];
    for f in 0..k {
        let mut bags: Vec<Bag> = gen_.iter().map(|(_, b)| b.clone()).collect();
        for (r, s) in ben.iter().zip(&bs) {
            if hash(&r.group) % k != f {
                bags.push(Bag {
                    sentences: s.iter().map(|s| s.features.clone()).collect(),
                    is_attack: false,
                    weight: 1.0,
                });
            }
        }
        for (r, s) in docs.iter().zip(&ds) {
            if hash(&r.id) % k != f {
                bags.push(Bag { sentences: s.clone(), is_attack: false, weight: 0.3 });
            }
        }
        if with_mst {
            for (r, s) in atk.iter().zip(&asp) {
                if hash(&r.group) % k != f {
                    for _ in 0..4 {
                        bags.push(Bag { sentences: s.clone(), is_attack: true, weight: 1.0 });
                    }
                }
            }
        }
        let w = train(&bags);
        for (i, r) in ben.iter().enumerate() {
            if hash(&r.group) % k == f {
                let b = best(&w, &bs[i]);
                bsc[i] = (b.0, b.1.to_owned());
            }
        }
        for (i, r) in atk.iter().enumerate() {
            if hash(&r.group) % k == f {
                let b = best(&w, &as_[i]);
                asc[i] = (b.0, b.1.to_owned());
            }
        }
        for (i, r) in docs.iter().enumerate() {
            if hash(&r.id) % k == f {
                dsc[i] = ds[i].iter().map(|s| w.logit(s)).fold(-9.0, f32::max);
            }
        }
    }
    let mut sorted: Vec<usize> = (0..ben.len()).collect();
    sorted.sort_by(|a, b| bsc[*b].0.total_cmp(&bsc[*a].0));
    for rate in [0.001, 0.003, 0.01, 0.02] {
        let t = bsc[sorted[(ben.len() as f64 * rate) as usize]].0;
        println!(
            "fpr {rate}: threshold {t:.2} recall {:.1}%  docs flagged {:.2}%",
            100.0 * asc.iter().filter(|s| s.0 > t).count() as f64 / atk.len() as f64,
            100.0 * dsc.iter().filter(|s| **s > t).count() as f64 / docs.len() as f64
        );
    }
    if args.iter().any(|a| a == "v") {
        for i in sorted.iter().take(40) {
            println!(
                "  {:.2} {} {}",
                bsc[*i].0,
                ben[*i].id,
                bsc[*i].1.replace('\n', " ").chars().take(260).collect::<String>()
            );
        }
        let t = bsc[sorted[(ben.len() as f64 * 0.01) as usize]].0;
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..atk.len() {
            if asc[i].0 <= t && seen.insert(&atk[i].span) {
                println!(
                    "miss {:.2} {} | {}",
                    asc[i].0,
                    atk[i].span,
                    asc[i].1.chars().take(80).collect::<String>()
                );
            }
        }
    }
}
