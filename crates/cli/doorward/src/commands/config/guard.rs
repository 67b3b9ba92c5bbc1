//! What a guard's file comes to.

use std::process::ExitCode;

use doorward_config::{GuardConfig, TokenCache};
use serde_json::json;

use crate::out::{BAD, DIM, GOOD, NAME, Out, paint};
use crate::table::{Cell, Table, cell, count};

pub(super) fn print(out: &Out, name: &str, config: &GuardConfig) -> ExitCode {
    let guard = &config.guard;
    let cache = match &guard.cache {
        TokenCache::Keychain => "keychain",
        TokenCache::Passphrase(_) => "passphrase-file",
        TokenCache::InsecureFile => "insecure-file",
    };
    if out.json {
        out.line(json!({
            "file": name, "valid": true, "lab": config.lab.is_some(),
            "guard": {
                "tenant": guard.tenant.as_str(), "client_id": guard.client_id.as_str(), "cache": cache,
                "allowed_people": guard.allowed_people.len(), "allowed_groups": guard.allowed_groups.len(),
            },
        }));
        return ExitCode::SUCCESS;
    }
    out.line(format_args!("{} {name} is valid\n", paint(GOOD, "ok")));
    let open = guard.allowed_people.is_empty() && guard.allowed_groups.is_empty();
    let who = if open {
        "everybody of the tenant".to_owned()
    } else {
        let groups = count(guard.allowed_groups.len(), "group");
        format!("people listed: {}; {groups}", guard.allowed_people.len())
    };
    let weak = guard.cache == TokenCache::InsecureFile;
    let mut table = Table::indented(2);
    let mut fact = |name: &str, value: Cell| table.row([Cell::new(DIM, name), value]);
    fact("tenant", Cell::new(NAME, &guard.tenant));
    fact("client", cell(&guard.client_id));
    fact("may use it", cell(who));
    fact("tokens", if weak { Cell::new(BAD, cache) } else { cell(cache) });
    if let Some(lab) = &config.lab {
        fact("LAB", Cell::new(BAD, &lab.authority));
    }
    out.line(table);
    ExitCode::SUCCESS
}
