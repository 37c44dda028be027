use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use evenkeel::{Category, ErrorKind};

use crate::terminal;

/// How the command ends, as `sysexits.h` and the shells number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Complete,
    Usage,
    InvalidRequest,
    Server,
    RateLimit,
    Truncated,
    Authentication,
    Configuration,
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Usage => 2,
            Self::InvalidRequest => 65,
            Self::Server => 69,
            Self::RateLimit => 75,
            Self::Truncated => 76,
            Self::Authentication => 77,
            Self::Configuration => 78,
            Self::Interrupted => 130,
        }
    }

    /// The exit of a failure, truncation aside, which depends on what had arrived.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match (kind, kind.category()) {
            (ErrorKind::Protocol, _) => Self::Truncated,
            (_, Category::RateLimit) => Self::RateLimit,
            (_, Category::Authentication) => Self::Authentication,
            (_, Category::InvalidRequest) => Self::InvalidRequest,
            (_, Category::Server) => Self::Server,
            (_, Category::Local) => Self::Configuration,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A mistake in how the command was called, or in what it was given: nothing was sent.
#[derive(Debug)]
pub(crate) struct Mistake {
    exit: Exit,
    line: String,
}

impl Mistake {
    /// The command's words or files.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            line: line.into(),
        }
    }

    /// Keys, addresses and settings.
    pub(crate) fn configuration(line: impl Into<String>) -> Self {
        Self {
            exit: Exit::Configuration,
            line: line.into(),
        }
    }

    /// This machine: ports, files, threads.
    pub(crate) fn system(what: &str, error: &dyn StdError) -> Self {
        Self {
            exit: Exit::Configuration,
            line: format!("{what}: {error}"),
        }
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line is a line, whatever a path or a message had in it.
        let parts: Vec<&str> = self.line.lines().map(str::trim).collect();
        f.write_str(&terminal::plain(&parts.join(" ")))
    }
}

/// What the client refuses to send.
impl Mistake {
    pub(crate) fn from_failure(error: &evenkeel::error::Error) -> Self {
        Self::configuration(
            error
                .message()
                .unwrap_or("the configuration cannot be used"),
        )
    }
}

impl From<evenkeel::Error> for Mistake {
    fn from(error: evenkeel::Error) -> Self {
        Self::from_failure(error.failure())
    }
}
