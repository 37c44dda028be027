//! The two outputs of the command.

use std::io::{ErrorKind, Write as _};

use crate::exit::Mistake;

/// Prints a part of the result.
///
/// A reader that has left, as `head` does, wants no more: that is no mistake. A disk that is full
/// is one, and what was to be written is the user's.
pub(crate) fn out(text: &str) -> Result<(), Mistake> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Mistake::system(
            "standard output cannot be written, free some space",
            &error,
        )),
        _ => Ok(()),
    }
}

/// Prints a line of the result.
pub(crate) fn line(text: &str) -> Result<(), Mistake> {
    out(&format!("{text}\n"))
}

/// Tells the user something about the command; if nobody listens, nothing is lost.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "evenkeel: {text}");
}

/// Text from elsewhere as one line that cannot steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
