//! The hot paths as cases whose instructions are counted.
//!
//! `evenkeel-instructions` alone lists the cases and how often each is to run; with a case and a number it runs that
//! case so often. `cargo xtask bench --instructions` does so twice under callgrind: what the second run took more is
//! the price of the runs it made more, without the price of starting a process.

mod backoff;
mod breaker;
mod client;
mod stream;

use std::process::ExitCode;

/// One thing to count.
struct Case {
    /// Bench and what it does: `backoff/jittered_delay`.
    name: &'static str,
    /// How often to run it: enough that one run's share of a rare detour shows, few enough for a second or so.
    runs: u32,
    /// Runs it so often.
    run: fn(u32),
}

/// Every case of every bench.
const BENCHES: &[&[Case]] = &[backoff::CASES, breaker::CASES, client::CASES, stream::CASES];

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the command line"
)]
fn main() -> ExitCode {
    let mut cases = BENCHES.iter().copied().flatten();
    let mut arguments = std::env::args().skip(1);
    let (wanted, runs) = (arguments.next(), arguments.next());
    let Some(wanted) = wanted else {
        cases.for_each(|case| println!("{} {}", case.name, case.runs));
        return ExitCode::SUCCESS;
    };
    let case = cases.find(|case| case.name == wanted);
    let Some((case, runs)) = case.zip(runs.and_then(|runs| runs.parse().ok())) else {
        eprintln!("usage: evenkeel-instructions [case runs]; without arguments it lists the cases");
        return ExitCode::from(2);
    };
    (case.run)(runs);
    ExitCode::SUCCESS
}
