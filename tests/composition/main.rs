//! The layers together, on a scripted transport and on the simulator in this process, under virtual
//! time: what each failure is answered with, in how many requests, after which waits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the parts that tests share fail as tests do"
)]

mod after_content;
mod after_the_end;
mod backends;
mod batches;
mod before_content;
mod cancel;
mod catalogue;
mod credentials;
mod events;
mod fallback;
mod files;
mod hints;
mod latch;
mod limits;
mod models;
mod options;
mod propagators;
mod records;
mod repeats;
mod resources;
mod restart;
mod results;
mod together;
mod tools;
mod tower;
mod typed;
