//! How a command ends.

use std::fmt;
use std::process::ExitCode;

/// What a command that did not fail has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it was done, and all of it is well.
    Passed,
    /// What was done is well; the note says what was left out and how to get it.
    PassedBut(String),
    /// Nothing was done; the note says why and how to get it.
    Skipped(String),
}

/// Why a command failed, as one line: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// The command ran and found something wrong.
    Failed(String),
}

impl Failure {
    /// 2 for a bad command line, as everywhere; 1 for the rest.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(line) | Self::Failed(line)) = self;
        formatter.write_str(line)
    }
}

/// For commands that take no arguments.
pub(crate) fn takes_none(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(argument) => Err(Failure::Usage(format!(
            "takes no arguments, but was given `{argument}`"
        ))),
    }
}
