//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/document_mail.rs"]
mod mail;
#[path = "../../../../fuzz/targets/document_office.rs"]
mod office;
#[path = "../../../../fuzz/targets/document_pdf.rs"]
mod pdf;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/document_table.rs"]
mod table;

use replay::replay;

#[test]
fn mail_seeds() {
    replay("document_mail", 400, mail::run);
}

#[test]
fn office_seeds() {
    replay("document_office", 400, office::run);
}

#[test]
fn pdf_seeds() {
    replay("document_pdf", 400, pdf::run);
}

#[test]
fn table_seeds() {
    replay("document_table", 400, table::run);
}
