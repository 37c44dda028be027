//! The command as its users have it: a process with arguments, an environment, two outputs and an
//! exit code.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test panics to fail, and so do the functions it is made of"
)]

mod command {
    mod api;
    mod ask;
    mod demo;
    mod explain;
    mod help;
    mod interrupt;
    mod json;
    mod mistakes;
    mod output;
    mod process;
    mod progress;
    mod scratch;
    mod secrecy;
    mod simulate;
    mod terminal;
}
