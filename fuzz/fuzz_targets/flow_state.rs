#![no_main]

#[path = "../targets/flow_state.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
