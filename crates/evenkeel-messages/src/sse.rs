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

use crate::rope::Rope;
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

impl Frame<'_> {
    /// Of a reply that came in one piece.
    pub(crate) const EMPTY: Self = Self {
        name: None,
        data: "",
        offset: 0,
    };

    /// The event as it stands in a stream, empty line included; comments and fields that the
    /// standard ignores are gone.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        write(self.name, self.data)
    }
}

/// An event as it stands in a stream.
pub(crate) fn write(name: Option<&str>, data: &str) -> Bytes {
    let mut bytes = String::with_capacity(data.len() + 40);
    if let Some(name) = name {
        bytes.push_str("event: ");
        bytes.push_str(name);
        bytes.push('\n');
    }
    for line in data.split('\n') {
        bytes.push_str("data: ");
        bytes.push_str(line);
        bytes.push('\n');
    }
    bytes.push('\n');
    bytes.into()
}

/// So much of an event that cannot be read is kept, to find out why.
const SAMPLE: usize = 256;

pub(crate) fn sample_of(data: &[u8]) -> &[u8] {
    data.get(..SAMPLE).unwrap_or(data)
}

/// Bytes that are no event stream.
pub(crate) struct Broken {
    pub(crate) message: String,
    pub(crate) sample: Bytes,
}

impl Broken {
    pub(crate) fn into_error(self) -> Error {
        let error = Error::protocol(self.message);
        if self.sample.is_empty() {
            error
        } else {
            error.with_body(&self.sample)
        }
    }
}

/// An event that is not UTF-8; `at` in its data, or in its name.
pub(crate) struct NotText {
    at: Option<usize>,
}

/// Chunks in, frames out; linear in bytes however they are split.
///
/// A frame that lies in one chunk is not copied. Memory: the current event, at most the limit, and
/// the chunks fed but not yet read; so read all frames after each chunk.
pub struct SseDecoder {
    chunks: VecDeque<Bytes>,
    /// The part of a line that earlier chunks held.
    partial: Rope,
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
            partial: Rope::default(),
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
        let offset = match self.next_offset()? {
            Ok(offset) => offset,
            Err(broken) => return Some(Err(broken.into_error())),
        };
        if let Err(not_text) = self.current(offset) {
            return Some(Err(self.refuse(offset, not_text).into_error()));
        }
        self.current(offset).ok().map(Ok)
    }

    /// Reads up to the end of the next event, and says where it began.
    pub(crate) fn next_offset(&mut self) -> Option<Result<u64, Broken>> {
        match self.advance() {
            Ok(offset) => offset.map(Ok),
            Err(message) => {
                self.fail();
                let sample = Bytes::new();
                Some(Err(Broken { message, sample }))
            }
        }
    }

    /// Ends the stream for an event that is not UTF-8.
    pub(crate) fn refuse(&mut self, offset: u64, NotText { at }: NotText) -> Broken {
        let message = match at {
            Some(at) => {
                let name = String::from_utf8_lossy(&self.frame_name);
                let name = if name.is_empty() { "unnamed" } else { &name };
                format!(
                    "malformed {name} event at byte {offset} of the stream: byte {at} of its data is not UTF-8"
                )
            }
            None => {
                format!("malformed event at byte {offset} of the stream: its name is not UTF-8")
            }
        };
        let sample = Bytes::copy_from_slice(sample_of(self.frame.as_slice()));
        self.fail();
        Broken { message, sample }
    }

    /// The event that was read last.
    pub(crate) fn current(&self, offset: u64) -> Result<Frame<'_>, NotText> {
        let Ok(name) = str::from_utf8(&self.frame_name) else {
            return Err(NotText { at: None });
        };
        match str::from_utf8(self.frame.as_slice()) {
            Ok(data) => Ok(Frame {
                name: (!name.is_empty()).then_some(name),
                data,
                offset,
            }),
            Err(error) => Err(NotText {
                at: Some(error.valid_up_to()),
            }),
        }
    }

    /// Lets go of the event that was read last.
    pub(crate) fn release(&mut self) {
        self.frame = Data::None;
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
                self.field(line);
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
                self.consumed += chunk.len() as u64;
                if let Some(chunk) = self.chunks.pop_front() {
                    self.partial.push(chunk);
                }
                continue;
            };
            let mut line = chunk.split_to(end);
            self.after_cr = chunk.first() == Some(&b'\r');
            chunk.advance(1);
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
            self.consumed += end as u64 + 1;
            if self.partial.len() > 0 {
                line = self.partial.complete(&line);
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

    fn field(&mut self, mut line: Bytes) {
        let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
        let is_data = match line.get(..colon) {
            Some(b"data") => true,
            Some(b"event") => false,
            _ => return,
        };
        // The value stays where it is, in its chunk.
        line.advance((colon + 1).min(line.len()));
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        if is_data {
            self.data.push_line(line);
        } else {
            self.name = line;
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
        self.partial = Rope::default();
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
