//! The table of docs/wrap.md is made from the crate's.

#![expect(clippy::disallowed_methods, reason = "the page stands in a file, and is written when asked to")]

use doorward_clients::{FAMILIES, Format, Os, UNSUPPORTED};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/wrap.md");
const START: &str = "<!-- made from the table of `doorward-clients` -->\n";
const END: &str = "<!-- end -->\n";

fn table() -> String {
    let mut table = String::from(
        "| client | name here | system | file | format | servers stand in | source |\n|---|---|---|---|---|---|---|\n",
    );
    for family in FAMILIES {
        for place in family.places {
            let system = |os: &Os| match os {
                Os::Linux => "Linux",
                Os::MacOs => "macOS",
                Os::Windows => "Windows",
            };
            let systems: Vec<_> = place.os.iter().map(system).collect();
            let systems = if systems.len() == 3 { "all".to_owned() } else { systems.join(", ") };
            let format = match place.format {
                Format::Json => "JSON",
                Format::Toml => "TOML",
                Format::Yaml => "YAML",
            };
            let members: Vec<_> = place.members.iter().map(|path| format!("`{}`", path.join("."))).collect();
            table.push_str(&format!(
                "| {} | `{}` | {systems} | `{}/{}` | {format} | {} | <{}> |\n",
                family.title,
                family.id,
                place.folder.shown(),
                place.path,
                members.join(", "),
                place.source
            ));
        }
    }
    table.push_str("\nNot found by themselves:\n\n");
    for client in UNSUPPORTED {
        table.push_str(&format!("- {}: {}.\n", client.title, client.why));
    }
    table
}

#[test]
fn the_page_holds_the_table() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let made = format!("{before}{START}\n{}\n{END}{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &made).unwrap();
    }
    assert!(
        std::fs::read_to_string(PAGE).unwrap() == made,
        "docs/wrap.md is stale: UPDATE_DOCS=1 cargo test -p doorward-clients --test page writes it"
    );
}

#[test]
fn every_place_has_a_source_and_a_path_of_its_own() {
    let mut ids = std::collections::BTreeSet::new();
    for family in FAMILIES {
        assert!(ids.insert(family.id), "{}", family.id);
        for place in family.places {
            assert!(place.source.starts_with("https://"), "{}", family.id);
            assert!(!place.path.starts_with('/') && !place.path.contains(".."), "{}", place.path);
            let name = place.path.rsplit('/').next().unwrap();
            assert_eq!(Format::of(name), place.format, "{name}: --file must take it for what it is");
        }
    }
}
