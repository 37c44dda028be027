//! Every fault at the level of the socket, seen by a client that shares no code with ours.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test panics to fail, and so do the functions it is made of"
)]

#[path = "wire/breadth.rs"]
mod breadth;
#[path = "wire/checklist.rs"]
mod checklist;
#[path = "wire/client.rs"]
mod client;
#[path = "wire/faults.rs"]
mod faults;
#[path = "wire/havoc.rs"]
mod havoc;
#[path = "wire/http2.rs"]
mod http2;
#[path = "wire/life.rs"]
mod life;
#[path = "wire/manners.rs"]
mod manners;
#[path = "wire/orders.rs"]
mod orders;
