//! The client over real sockets against the simulator: every fault of the catalogue, classified,
//! with the number of requests that the server saw. Time is divided on both sides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the parts that tests share fail as tests do"
)]

mod answered_early;
mod blocking;
mod cancel;
mod catalogue;
mod certificates;
mod compression;
mod crowded;
mod dropped_calls;
mod handshakes;
mod head_clock;
mod http2;
#[cfg(feature = "native-tls")]
mod native_tls;
mod network;
mod overheard;
mod pool;
mod proxies;
mod sockets;
mod uploads;
mod world;
