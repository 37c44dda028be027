use bytes::Bytes;

/// Chunks as large as this are kept as they are; smaller ones are gathered, since each would pin
/// more than it holds.
const LARGE: usize = 16 * 1024;

/// Gathered bytes are set aside in blocks of this size, so that a long line is never copied to
/// make room.
const BLOCK: usize = 64 * 1024;

/// The beginning of a line that lies in several chunks. Each byte is copied at most twice,
/// whatever the chunks are; memory is the line, twice while it is put together.
#[derive(Default)]
pub(crate) struct Rope {
    blocks: Vec<Bytes>,
    tail: Vec<u8>,
    len: usize,
}

impl Rope {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        if chunk.len() >= LARGE {
            self.set_aside();
            self.blocks.push(chunk);
            return;
        }
        self.tail.extend_from_slice(&chunk);
        if self.tail.len() >= BLOCK {
            self.set_aside();
        }
    }

    fn set_aside(&mut self) {
        if !self.tail.is_empty() {
            self.blocks.push(std::mem::take(&mut self.tail).into());
        }
    }

    /// The whole line, `rest` included; empty afterwards.
    pub(crate) fn complete(&mut self, rest: &[u8]) -> Bytes {
        let Self { blocks, tail, len } = std::mem::take(self);
        if blocks.is_empty() {
            let mut line = tail;
            line.reserve_exact(rest.len());
            line.extend_from_slice(rest);
            return line.into();
        }
        let mut line = Vec::with_capacity(len + rest.len());
        for block in blocks {
            line.extend_from_slice(&block);
        }
        line.extend_from_slice(&tail);
        line.extend_from_slice(rest);
        line.into()
    }
}
