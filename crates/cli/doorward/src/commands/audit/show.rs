//! `doorward audit show`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorward_audit::{AuditKeys, Reader, Record, Who};
use doorward_wire::{Kind, Value};
use serde_json::json;

use crate::commands::audit::failed;
use crate::commands::audit::place::{Found, Place};
use crate::failure::Failure;
use crate::out::{DIM, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, clean};

/// Of a call's id at least so many digits.
const SHORTEST: usize = 8;
/// Calls named when a beginning fits more than one.
const MOST_NAMED: usize = 5;

/// Print everything that is recorded about one call.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The call's id, as `audit tail` shows it, or at least the first 8 digits of it.
    #[arg(value_name = "CALL_ID")]
    call: String,
    /// Unseal who called; needs the keys that lie beside the signing key.
    #[arg(long)]
    who: bool,
    /// The signing key, where --dir names the log and --who is asked.
    #[arg(long, value_name = "FILE", requires = "who")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Show {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let call = self.call.to_ascii_lowercase();
        let (beginning, end) =
            call.split_once('\u{2026}').or_else(|| call.split_once("..")).unwrap_or((&call, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if beginning.len() < SHORTEST || !are_digits(beginning) || !are_digits(end) {
            return Err(Failure::usage(format!("`{}` is not the id of a call", clean(&self.call))).help(
                "give it as `doorward audit tail` shows it, or at least the first 8 of its 32 digits",
            ));
        }
        let found = self.place.find()?;
        let keys = if self.who { Some(self.keys(&found)?) } else { None };
        let records = records_of(found.begin()?, [beginning, end])?;
        one_call(&records)?;
        for record in &records {
            let who = keys.as_ref().and_then(|keys| unseal(keys, record));
            match (out.json, &who) {
                (false, _) => print(out, record, self.who, who.as_ref()),
                (true, None) => out.line(record.line()),
                (true, Some(who)) => {
                    out.line(format_args!("{{\"record\":{},\"who\":{}}}", record.line(), who_json(who)))
                }
            }
        }
        let is = |kind: &str| records.iter().any(|record| record.kind() == kind);
        if !out.json && is("intent") && !is("outcome") && !is("refused") {
            out.line(format_args!(
                "{} the call was begun, and nothing is recorded of its end: it still runs, or the door was killed",
                paint(WARN, "outcome unknown:")
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn keys(&self, found: &Found) -> Result<AuditKeys, Failure> {
        let configured = found.config.as_ref().map(|config| config.audit.key_file.clone());
        let path = self.key_file.clone().or(configured).ok_or_else(|| {
            Failure::usage("it is not said where the keys are")
                .help("name the signing key with --key-file FILE")
        })?;
        AuditKeys::open(&path).map_err(|error| Failure::new(error.to_string()))
    }
}

fn records_of(mut reader: Reader, [beginning, end]: [&str; 2]) -> Result<Vec<Record>, Failure> {
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().map_err(failed)? {
        if record.text("call").is_some_and(|call| call.starts_with(beginning) && call.ends_with(end)) {
            records.push(record);
        }
    }
    Ok(records)
}

/// All records must be of one call, and there must be one.
fn one_call(records: &[Record]) -> Result<(), Failure> {
    let mut calls: Vec<String> =
        records.iter().filter_map(|record| record.text("call")).map(|call| clean(&call)).collect();
    calls.sort();
    calls.dedup();
    match calls.len() {
        0 => Err(Failure::new("no record is about this call")
            .help("`doorward audit tail` shows calls; older records may lie in another folder")),
        1 => Ok(()),
        _ => {
            calls.truncate(MOST_NAMED);
            Err(Failure::usage("more than one call begins so")
                .help(format!("give more digits: {}", calls.join(", "))))
        }
    }
}

fn unseal(keys: &AuditKeys, record: &Record) -> Option<Who> {
    let person = record.text("person").or_else(|| record.text("application"))?;
    keys.unseal(&person, &record.text("who")?)
}

fn print(out: &Out, record: &Record, asked: bool, who: Option<&Who>) {
    let mut table = Table::indented(2);
    let mut row = |name: &str, value: &str| table.row([Cell::new(DIM, name), cell(value)]);
    for (name, value) in record.root().members() {
        if !matches!(&*name, "seq" | "time" | "kind" | "prev" | "who") {
            row(&name, &in_words(value));
        }
    }
    match who {
        Some(who) => {
            row("tid", &who.tenant);
            row("oid", &who.object);
            who.name.iter().for_each(|name| row("name", name));
            who.source.iter().for_each(|source| row("source", source));
        }
        None if asked && record.text("who").is_some() => row("who", "erased, or sealed under another key"),
        None => {}
    }
    let title = format!("{}  record {}", clean(&record.kind()), record.seq());
    out.line(format_args!("{}  {}\n{table}\n", paint(STRONG, title), paint(NAME, clean(&record.time()))));
}

/// A value as a person reads it: texts without quotes, lists with commas.
fn in_words(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Array => value.items().map(in_words).collect::<Vec<_>>().join(", "),
        Kind::Object => {
            let members = value.members().map(|(name, value)| format!("{name} {}", in_words(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        _ => value.as_str().map_or_else(|| value.raw().to_owned(), |text| text.into_owned()),
    }
}

fn who_json(who: &Who) -> serde_json::Value {
    json!({ "tid": who.tenant, "oid": who.object, "name": who.name, "source": who.source })
}
