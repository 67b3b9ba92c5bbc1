#![no_main]

#[path = "../targets/policy_text.rs"]
mod target;
#[path = "../targets/policy_world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
