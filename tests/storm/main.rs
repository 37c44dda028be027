//! Many calls in bad weather, under virtual time: how many requests the server sees, when, and what
//! every caller is left with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the parts that tests share fail as tests do"
)]

mod chaos;
mod fleet;
mod outage;
mod overload;
mod told_to_wait;

use std::time::Duration;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// The most moments in any second, wherever it begins.
pub(crate) fn busiest_second(mut times: Vec<Duration>) -> usize {
    times.sort_unstable();
    let within = |start: usize| {
        let end = times[start] + SECOND;
        times[start..]
            .iter()
            .take_while(|time| **time < end)
            .count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}
