//! One source for all programs: the name of the program says which target it runs.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run(env!("CARGO_BIN_NAME"), input);
});
