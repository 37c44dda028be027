//! Server-sent events: the framing alone, by the rules of the WHATWG HTML standard (§9.2).
//!
//! Lines end in LF, CRLF or CR; a byte order mark at the start is skipped; comments and fields
//! other than `event` and `data` are ignored; several `data` lines are joined by LF; an event that
//! no empty line ends is not dispatched. Chunks may be split anywhere, also inside a character or
//! between CR and LF. Invalid UTF-8 in an event is an error and never replaced.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Buf, Bytes};
use evenkeel_error::Error;

mod broken;
mod data;
mod field;
mod frame;

use crate::rope::Rope;
use broken::Broken;
pub(crate) use broken::sample_of;
use data::Data;
use field::Field;
pub use frame::Frame;
pub(crate) use frame::write;

/// The largest event accepted unless set otherwise: 32 MiB, the most that a request may have, and
/// a reply echoes at most what was sent.
pub const DEFAULT_EVENT_LIMIT: usize = 32 * 1024 * 1024;

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
    /// How much of the first chunk is read.
    read: usize,
    /// The part of a line that earlier chunks held.
    partial: Rope,
    name: Vec<u8>,
    data: Data,
    frame: Data,
    frame_name: Vec<u8>,
    limit: usize,
    /// Bytes read so far.
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
            read: 0,
            partial: Rope::default(),
            name: Vec::new(),
            data: Data::None,
            frame: Data::None,
            frame_name: Vec::new(),
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
        let (name, data) = (self.frame_name.as_slice(), self.frame.as_slice());
        match Frame::read(name, data, offset) {
            Ok(frame) => Some(Ok(frame)),
            Err(broken) => {
                self.state = State::Failed;
                Some(Err(broken.into_error()))
            }
        }
    }

    /// Reads up to the end of the next event, and says where it began.
    pub(crate) fn next_offset(&mut self) -> Option<Result<u64, Broken>> {
        if self.state == State::Failed {
            self.clear();
            return None;
        }
        match self.advance() {
            Ok(offset) => offset.map(Ok),
            Err(broken) => {
                self.state = State::Failed;
                self.clear();
                Some(Err(broken))
            }
        }
    }

    /// The event that was read last, or why it is none.
    pub(crate) fn current(&self, offset: u64) -> Result<Frame<'_>, Broken> {
        Frame::read(&self.frame_name, self.frame.as_slice(), offset)
    }

    /// Lets go of the event that was read last.
    pub(crate) fn release(&mut self) {
        self.frame = Data::None;
    }

    /// Says how the stream ended; call it at its end. Frames already complete stay readable.
    pub fn finish(&self) -> Tail {
        let waiting = self.chunks.iter().map(Bytes::len).sum::<usize>() - self.read;
        let bytes = self.consumed.saturating_sub(self.began) + waiting as u64;
        if bytes == 0 {
            Tail::Clean
        } else {
            Tail::Unterminated { bytes }
        }
    }

    /// Reads lines up to the end of the next event; its offset, or `None` for more bytes.
    fn advance(&mut self) -> Result<Option<u64>, Broken> {
        while let Some(line) = self.next_line()? {
            let is_empty = match line {
                Line::Within(from, to) => {
                    // Where lines are whole in their chunk, only what is kept is taken hold of.
                    let chunk = self.chunks.front();
                    let line = chunk.and_then(|chunk| chunk.get(from..to));
                    let line = line.unwrap_or_default();
                    let skipped = mark(&mut self.state, line);
                    let line = line.get(skipped..).unwrap_or_default();
                    match Field::of(line) {
                        Field::Data(at) => {
                            if let Some(chunk) = chunk {
                                self.data.push_line(chunk.slice(from + skipped + at..to));
                            }
                        }
                        Field::Name(name) => replace(&mut self.name, name),
                        Field::Ignored => {}
                    }
                    line.is_empty()
                }
                Line::Joined(mut line) => {
                    line.advance(mark(&mut self.state, &line));
                    match Field::of(&line) {
                        Field::Data(at) => {
                            line.advance(at);
                            self.data.push_line(line);
                            false
                        }
                        Field::Name(name) => {
                            replace(&mut self.name, name);
                            false
                        }
                        Field::Ignored => line.is_empty(),
                    }
                }
            };
            if is_empty {
                let offset = std::mem::replace(&mut self.began, self.consumed);
                if self.dispatch() {
                    return Ok(Some(offset));
                }
            }
        }
        Ok(None)
    }

    /// The next whole line, without its end.
    fn next_line(&mut self) -> Result<Option<Line>, Broken> {
        while let Some(chunk) = self.chunks.front() {
            if self.after_cr && self.read < chunk.len() {
                self.after_cr = false;
                if chunk.get(self.read) == Some(&b'\n') {
                    self.read += 1;
                    self.consumed += 1;
                    if self.began + 1 == self.consumed {
                        self.began = self.consumed;
                    }
                }
            }
            let rest = chunk.get(self.read..).unwrap_or_default();
            if rest.is_empty() {
                self.chunks.pop_front();
                self.read = 0;
                continue;
            }
            let end = match rest.first() {
                Some(b'\n') => Some(0),
                _ => memchr::memchr2(b'\n', b'\r', rest),
            };
            let held = self.partial.len() + self.data.len() + self.name.len();
            if held + end.unwrap_or(rest.len()) > self.limit {
                return Err(Broken::large(self.limit));
            }
            let Some(end) = end else {
                self.consumed += rest.len() as u64;
                let from = std::mem::take(&mut self.read);
                if let Some(mut chunk) = self.chunks.pop_front() {
                    chunk.advance(from);
                    self.partial.push(chunk);
                }
                continue;
            };
            self.after_cr = rest.get(end) == Some(&b'\r');
            self.consumed += end as u64 + 1;
            let from = self.read;
            self.read += end + 1;
            if self.partial.len() > 0 {
                let line = rest.get(..end).unwrap_or_default();
                return Ok(Some(Line::Joined(self.partial.complete(line))));
            }
            return Ok(Some(Line::Within(from, from + end)));
        }
        Ok(None)
    }

    /// At an empty line: whether there is an event to hand out.
    fn dispatch(&mut self) -> bool {
        match std::mem::take(&mut self.data) {
            Data::None => {
                self.name.clear();
                false
            }
            data => {
                self.frame = data;
                std::mem::swap(&mut self.frame_name, &mut self.name);
                replace(&mut self.name, b"");
                true
            }
        }
    }

    /// Lets go of what a stream that failed had brought.
    fn clear(&mut self) {
        self.chunks = VecDeque::new();
        self.read = 0;
        self.partial = Rope::default();
        self.data = Data::None;
    }
}

/// A whole line.
enum Line {
    /// From and to where in the first chunk.
    Within(usize, usize),
    /// Put together from several chunks.
    Joined(Bytes),
}

/// The length of the byte order mark, if the first line begins with one.
fn mark(state: &mut State, line: &[u8]) -> usize {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if *state != State::FirstLine {
        return 0;
    }
    *state = State::Reading;
    if line.starts_with(MARK) {
        MARK.len()
    } else {
        0
    }
}

/// A name so long that the room for it is not kept.
const LONG_NAME: usize = 256;

/// Names are copied: most are short, and the room for one is there from the event before.
fn replace(name: &mut Vec<u8>, new: &[u8]) {
    if name.capacity() > LONG_NAME {
        *name = Vec::new();
    }
    name.clear();
    name.extend_from_slice(new);
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

#[cfg(test)]
mod tests;
