use std::error::Error as StdError;
use std::fmt;

use super::Error;
use super::scrub::scrub;

/// The most causes that are printed; a longer chain is a loop.
const MOST_CAUSES: usize = 16;
/// The longest cause that is printed, in bytes.
const LONGEST_CAUSE: usize = 1024;

/// Prints a failure for a person, on several lines. Made by [`Error::report`].
///
/// First the line of `Display`, then code, message (unless that line has it), causes, advice and the kept part of the body,
/// as far as they are known. The server's words may quote the request; keys, tokens and addresses
/// are taken out of everything.
pub struct Report<'a> {
    error: &'a Error,
}

impl<'a> Report<'a> {
    pub(super) fn new(error: &'a Error) -> Self {
        Self { error }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error;
        write!(f, "{error}")?;
        field(f, "code", error.code())?;
        // Our own words are in the first line already.
        let message = error.message().filter(|_| error.own_words().is_none());
        field(f, "message", message)?;
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        for cause in causes.take(MOST_CAUSES) {
            field(
                f,
                "caused by",
                Some(&scrub(&cause.to_string(), LONGEST_CAUSE)),
            )?;
        }
        field(f, "what to do", Some(error.advice()))?;
        // A body that is only its message, as plain text is, is not worth printing twice.
        field(
            f,
            "body",
            error.body().filter(|_| error.body() != error.message()),
        )
    }
}

/// One field; further lines of its value are indented.
fn field(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&str>) -> fmt::Result {
    let mut lines = value.unwrap_or_default().lines().map(str::trim_end);
    let Some(first) = lines.next() else {
        return Ok(());
    };
    write!(f, "\n  {name}: {first}")?;
    lines
        .filter(|line| !line.is_empty())
        .try_for_each(|line| write!(f, "\n    {line}"))
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
