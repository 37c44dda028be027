//! How the examples end: with the exit codes of the command `evenkeel`, so that a script or a service
//! manager knows what to try again later (69, 75) and what a person must mend first (77, 78).
#![allow(clippy::print_stderr, reason = "the last words of a program")]

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use evenkeel::{Category, Error, ErrorKind};

/// The program was called in another way than it says.
#[derive(Clone, Copy, Debug)]
pub struct Usage(
    /// How it is called, in one line.
    pub &'static str,
);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "usage: {}", self.0)
    }
}

impl StdError for Usage {}

/// The code for how it went, once standard error has the whole story of what failed.
#[must_use]
pub fn code(outcome: Result<(), Box<dyn StdError>>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(call) = error.downcast_ref::<Error>() {
        eprintln!("{}", call.report());
        let something_came = call.partial().is_some_and(|partial| !partial.is_empty());
        return of(call.kind(), something_came).into();
    }
    if let Some(failure) = error.downcast_ref::<evenkeel::error::Error>() {
        eprintln!("{}", failure.report());
        return of(failure.kind(), false).into();
    }
    eprintln!("{error}");
    if error.is::<Usage>() {
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}

fn of(kind: ErrorKind, something_came: bool) -> u8 {
    match (kind, kind.category()) {
        (ErrorKind::Protocol, _) => 76,
        (ErrorKind::Interrupted, _) if something_came => 76,
        (_, Category::InvalidRequest) => 65,
        (_, Category::Server) => 69,
        (_, Category::RateLimit) => 75,
        (_, Category::Authentication) => 77,
        (_, Category::Local) => 78,
    }
}
