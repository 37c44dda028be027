//! Server-sent events: the framing alone, by the rules of the WHATWG HTML standard (§9.2).
//!
//! Lines end in LF, CRLF or CR; a byte order mark at the start is skipped; comments and fields
//! other than `event` and `data` are ignored; several `data` lines are joined by LF; an event that
//! no empty line ends is not dispatched. Chunks may be split anywhere, also inside a character or
//! between CR and LF. Invalid UTF-8 in an event is an error and never replaced.

use std::collections::VecDeque;
use std::{fmt, str};

use bytes::{Buf, Bytes};
use evenkeel_error::Error;

mod data;

use data::Data;

/// The largest event accepted unless set otherwise: 32 MiB, the most that a request may have, and
/// a reply echoes at most what was sent.
pub const DEFAULT_EVENT_LIMIT: usize = 32 * 1024 * 1024;

/// One event, borrowed from the decoder.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The `event` field; `None` if there was none.
    pub name: Option<&'a str>,
    /// The `data` lines, joined by LF.
    pub data: &'a str,
    /// Where in the stream the event began, in bytes from the start.
    pub offset: u64,
}

/// How a stream ended, as framing sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Tail {
    /// After an empty line, or before the first byte.
    Clean,
    /// Within an event, which is not dispatched.
    Unterminated {
        /// How many of its bytes had arrived.
        bytes: u64,
    },
}

/// Chunks in, frames out; linear in bytes however they are split.
///
/// A frame that lies in one chunk is not copied. Memory: the current event, at most the limit, and
/// the chunks fed but not yet read; so read all frames after each chunk.
pub struct SseDecoder {
    chunks: VecDeque<Bytes>,
    /// The part of a line that earlier chunks held.
    partial: Vec<u8>,
    name: Bytes,
    data: Data,
    frame: Data,
    frame_name: Bytes,
    limit: usize,
    /// Bytes taken out of `chunks` so far.
    consumed: u64,
    /// Where the event being read began.
    began: u64,
    state: State,
    /// The last chunk ended in CR: an LF at the start of the next belongs to it.
    after_cr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the end of the first line, which may begin with a byte order mark.
    FirstLine,
    Reading,
    Failed,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl SseDecoder {
    /// A decoder with the default limit.
    #[must_use]
    pub fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            partial: Vec::new(),
            name: Bytes::new(),
            data: Data::None,
            frame: Data::None,
            frame_name: Bytes::new(),
            limit: DEFAULT_EVENT_LIMIT,
            consumed: 0,
            began: 0,
            state: State::FirstLine,
            after_cr: false,
        }
    }

    /// The most bytes that the fields of one event may have; a larger one ends the stream with an
    /// error as soon as the limit is passed. Default [`DEFAULT_EVENT_LIMIT`].
    #[must_use]
    pub fn event_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Takes the next chunk, of any size.
    pub fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() && self.state != State::Failed {
            self.chunks.push_back(chunk);
        }
    }

    /// The next event, if the bytes so far hold one. After an error there are no more.
    ///
    /// # Errors
    /// `protocol`: an event over the limit, or one that is not UTF-8.
    pub fn next_frame(&mut self) -> Option<Result<Frame<'_>, Error>> {
        let offset = match self.advance() {
            Ok(offset) => offset?,
            Err(message) => {
                self.fail();
                return Some(Err(Error::protocol(message)));
            }
        };
        let texts = (
            str::from_utf8(&self.frame_name),
            str::from_utf8(self.frame.as_slice()),
        );
        let (Ok(name), Ok(data)) = texts else {
            self.state = State::Failed;
            self.chunks.clear();
            let message = format!("the event at byte {offset} is not UTF-8");
            return Some(Err(Error::protocol(message)));
        };
        let name = (!name.is_empty()).then_some(name);
        Some(Ok(Frame { name, data, offset }))
    }

    /// Says how the stream ended; call it at its end. Frames already complete stay readable.
    pub fn finish(&self) -> Tail {
        let waiting: usize = self.chunks.iter().map(Bytes::len).sum();
        let bytes = self.consumed.saturating_sub(self.began) + waiting as u64;
        if bytes == 0 {
            Tail::Clean
        } else {
            Tail::Unterminated { bytes }
        }
    }

    /// Reads lines up to the end of the next event; its offset, or `None` for more bytes.
    fn advance(&mut self) -> Result<Option<u64>, String> {
        while let Some(line) = self.next_line()? {
            let line = self.without_mark(line);
            if line.is_empty() {
                let offset = std::mem::replace(&mut self.began, self.consumed);
                if self.dispatch() {
                    return Ok(Some(offset));
                }
            } else {
                self.field(&line);
            }
        }
        Ok(None)
    }

    /// The next whole line, without its end.
    fn next_line(&mut self) -> Result<Option<Bytes>, String> {
        while let Some(chunk) = self.chunks.front_mut() {
            if std::mem::take(&mut self.after_cr) && chunk.first() == Some(&b'\n') {
                chunk.advance(1);
                self.consumed += 1;
                if self.began + 1 == self.consumed {
                    self.began = self.consumed;
                }
            }
            let end = memchr::memchr2(b'\n', b'\r', chunk);
            let held = self.partial.len() + self.data.len() + self.name.len();
            if held + end.unwrap_or(chunk.len()) > self.limit {
                return Err(format!(
                    "an event is larger than the limit of {} bytes",
                    self.limit
                ));
            }
            let Some(end) = end else {
                self.partial.extend_from_slice(chunk);
                self.consumed += chunk.len() as u64;
                self.chunks.pop_front();
                continue;
            };
            let mut line = chunk.split_to(end);
            self.after_cr = chunk.first() == Some(&b'\r');
            chunk.advance(1);
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
            self.consumed += end as u64 + 1;
            if !self.partial.is_empty() {
                self.partial.extend_from_slice(&line);
                line = std::mem::take(&mut self.partial).into();
            }
            return Ok(Some(line));
        }
        Ok(None)
    }

    fn without_mark(&mut self, mut line: Bytes) -> Bytes {
        if self.state == State::FirstLine {
            self.state = State::Reading;
            if line.starts_with(b"\xEF\xBB\xBF") {
                line.advance(3);
            }
        }
        line
    }

    fn field(&mut self, line: &Bytes) {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let name = line.slice(..colon);
        let mut value = line.slice((colon + 1).min(line.len())..);
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        match name.as_ref() {
            b"event" => self.name = value,
            b"data" => self.data.push_line(value),
            _ => {}
        }
    }

    /// At an empty line: whether there is an event to hand out.
    fn dispatch(&mut self) -> bool {
        let name = std::mem::take(&mut self.name);
        match std::mem::take(&mut self.data) {
            Data::None => false,
            data => {
                self.frame = data;
                self.frame_name = name;
                true
            }
        }
    }

    fn fail(&mut self) {
        self.state = State::Failed;
        self.chunks = VecDeque::new();
        self.partial = Vec::new();
        self.data = Data::None;
    }
}

/// Sizes only: what is buffered may be a reply.
impl fmt::Debug for SseDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseDecoder")
            .field("state", &self.state)
            .field("consumed", &self.consumed)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("name", &self.name)
            .field("data_bytes", &self.data.len())
            .field("offset", &self.offset)
            .finish()
    }
}

#[cfg(test)]
mod tests;
