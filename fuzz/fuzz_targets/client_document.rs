#![no_main]

#[path = "../targets/client_document.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
