use std::collections::VecDeque;
use std::fmt;

use bytes::{Buf, Bytes};
use evenkeel_error::{Error, Recovery};

use crate::rope::Rope;

/// The largest line accepted unless set otherwise: 32 MiB, as an event.
pub const DEFAULT_LINE_LIMIT: usize = 32 * 1024 * 1024;

/// Lines of a body that is JSON Lines: chunks in, lines out; linear in bytes however they are
/// split.
///
/// A line over the limit is an error and is skipped; the lines behind it are read. Lines that are
/// empty are no lines. Memory: the current line, at most the limit, and the chunks fed but not yet
/// read.
pub struct JsonLines {
    chunks: VecDeque<Bytes>,
    partial: Rope,
    line: Bytes,
    limit: usize,
    /// Bytes taken out of `chunks` so far.
    consumed: u64,
    began: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// Up to the end of a line that is too large.
    Skipping,
    /// No more chunks come.
    Finished,
}

/// One line, without its end.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// What stands in it; not empty.
    pub bytes: &'a [u8],
    /// Where it began, in bytes from the start of the body.
    pub offset: u64,
}

impl Default for JsonLines {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonLines {
    /// Lines with the default limit.
    #[must_use]
    pub fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            partial: Rope::default(),
            line: Bytes::new(),
            limit: DEFAULT_LINE_LIMIT,
            consumed: 0,
            began: 0,
            state: State::Reading,
        }
    }

    /// The most bytes that one line may have. Default [`DEFAULT_LINE_LIMIT`].
    #[must_use]
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Takes the next chunk, of any size and split anywhere.
    pub fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The body has ended: what no line end follows is a line, too.
    pub fn finish(&mut self) {
        if self.state == State::Skipping {
            self.chunks.clear();
        }
        self.state = State::Finished;
    }

    /// The next line, if the bytes so far hold one.
    ///
    /// # Errors
    /// `protocol`, for a line over the limit; the next call goes on behind it. Asking the server
    /// again cannot help: the line would be as large.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, Error>> {
        loop {
            let (line, offset) = match self.advance()? {
                Ok(read) => read,
                Err(error) => return Some(Err(error)),
            };
            if !line.trim_ascii().is_empty() {
                self.line = line;
                let bytes = &*self.line;
                return Some(Ok(Line { bytes, offset }));
            }
        }
    }

    fn advance(&mut self) -> Option<Result<(Bytes, u64), Error>> {
        while let Some(chunk) = self.chunks.front_mut() {
            let end = memchr::memchr(b'\n', chunk);
            let here = end.unwrap_or(chunk.len());
            if self.state != State::Skipping && self.partial.len() + here > self.limit {
                let (limit, offset) = (self.limit, self.began);
                self.partial = Rope::default();
                self.state = State::Skipping;
                let error = Error::protocol(format!(
                    "the line at byte {offset} is larger than the limit of {limit} bytes"
                ));
                return Some(Err(error.with_recovery(Recovery::Never)));
            }
            let line = chunk.split_to(here);
            if end.is_some() {
                chunk.advance(1);
            }
            let is_done = chunk.is_empty();
            if is_done {
                self.chunks.pop_front();
            }
            self.consumed += here as u64 + u64::from(end.is_some());
            let skipped = self.state == State::Skipping;
            if end.is_none() {
                if !skipped {
                    self.partial.push(line);
                }
                continue;
            }
            let offset = std::mem::replace(&mut self.began, self.consumed);
            if skipped {
                self.state = State::Reading;
                continue;
            }
            let line = if self.partial.len() > 0 {
                self.partial.complete(&line)
            } else {
                line
            };
            return Some(Ok((line, offset)));
        }
        let is_last = self.state == State::Finished && self.partial.len() > 0;
        is_last.then(|| Ok((self.partial.complete(&[]), self.began)))
    }
}

/// Sizes only: what is buffered may be a reply.
impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines")
            .field("state", &self.state)
            .field("consumed", &self.consumed)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("bytes", &self.bytes.len())
            .field("offset", &self.offset)
            .finish()
    }
}
