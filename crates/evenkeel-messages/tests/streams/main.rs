//! Whole streams, from bytes to verdict: cut anywhere, split anywhere, and every stream on which
//! other clients are known to fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what helps a test fails as a test does"
)]

mod bad_input;
mod chunking;
mod content;
mod example;
mod forwarding;
mod peers;
mod round_trip;
mod secrecy;
mod support;
mod truncation;
