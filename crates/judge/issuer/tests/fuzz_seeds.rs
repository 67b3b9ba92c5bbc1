//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/client_document.rs"]
mod client_document;
#[path = "../../../../fuzz/targets/client_proof.rs"]
mod client_proof;
#[path = "../../../../fuzz/targets/params.rs"]
mod params;
#[path = "../../../../fuzz/targets/redirect.rs"]
mod redirect;
#[path = "../../../../fuzz/targets/registration.rs"]
mod registration;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn params_seeds() {
    replay("params", 200, params::run);
}

// control: IDC-07: what is registered has one host for everybody, and what matches differs in a loopback port at most
#[test]
fn redirect_seeds() {
    replay("redirect", 200, redirect::run);
}

// control: IDC-08: a document makes a client of its own address alone, without a secret
#[test]
fn client_document_seeds() {
    replay("client_document", 200, client_document::run);
}

#[test]
fn registration_seeds() {
    replay("registration", 200, registration::run);
}

// control: D-17, IDC-11: nobody passes unsigned, and what passes fits a second reading of every claim
#[test]
fn client_proof_seeds() {
    replay("client_proof", 200, client_proof::run);
}
