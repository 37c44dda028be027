//! The two outputs of the command.

use std::fmt;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

use crate::exit::Mistake;
use crate::layout;

/// Where neither output is a terminal, or it does not say how wide it is.
const WIDTH: usize = 80;
/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 100;
/// In fewer columns no words fit beside an indentation.
const NARROWEST: usize = 30;

/// What begins each thing that the command says of itself.
const NAME: &str = "evenkeel: ";

/// Whether anybody reads the result: work for a reader that has left wastes time and money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listens,
    /// As `head` does: it has what it wanted, and that is no mistake.
    Left,
}

/// Prints a part of the result as it is. A disk that is full is a mistake: what was to be written
/// is the user's.
pub(crate) fn out(text: &str) -> Result<Reader, Mistake> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(Reader::Listens),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Left),
        Err(error) => Err(Mistake::system(
            "standard output cannot be written, free some space",
            &error,
        )),
    }
}

/// Prints a line of the result.
pub(crate) fn line(text: &str) -> Result<Reader, Mistake> {
    out(&format!("{text}\n"))
}

/// Prints what a model said: as it is into a file or a pipe; on a terminal without what could
/// steer that.
pub(crate) fn reply(text: &str) -> Result<Reader, Mistake> {
    if is_read_by_a_person() {
        out(&harmless(text))
    } else {
        out(text)
    }
}

/// Whether the result goes to a terminal, rather than to a file or another program.
pub(crate) fn is_read_by_a_person() -> bool {
    std::io::stdout().is_terminal()
}

/// Tells the user something about the command; if nobody listens, nothing is lost. On a terminal
/// it is wrapped, elsewhere it stays in one line that can be searched.
pub(crate) fn tell(text: impl fmt::Display) {
    let text = harmless(&format!("{NAME}{text}"));
    let mut stderr = std::io::stderr().lock();
    let text = if stderr.is_terminal() {
        layout::report(&text, width())
    } else {
        text
    };
    let _ = writeln!(stderr, "{text}");
}

/// How many columns text may use.
pub(crate) fn width() -> usize {
    let columns = terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
    columns.map_or(WIDTH, |columns| columns.clamp(NARROWEST, WIDEST))
}

/// Text from elsewhere, with whatever could steer a terminal made visible: control characters, and
/// those that turn the direction of what follows. Lines stay lines.
pub(crate) fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace("\r\n", "\n")
        .replace(steers, char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]))
}

/// Text from elsewhere as one harmless line.
pub(crate) fn plain(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}
