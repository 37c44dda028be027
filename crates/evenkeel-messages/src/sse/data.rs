use std::fmt;

use bytes::Bytes;

/// The data of one event. One line, the usual case, is a slice of its chunk.
#[derive(Default)]
pub(super) enum Data {
    #[default]
    None,
    Line(Bytes),
    Lines(Vec<u8>),
}

impl Data {
    pub(super) fn push_line(&mut self, line: Bytes) {
        match self {
            Self::None => *self = Self::Line(line),
            Self::Line(first) => {
                let mut lines = Vec::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(first);
                lines.push(b'\n');
                lines.extend_from_slice(&line);
                *self = Self::Lines(lines);
            }
            Self::Lines(lines) => {
                lines.push(b'\n');
                lines.extend_from_slice(&line);
            }
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Line(line) => line,
            Self::Lines(lines) => lines,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }
}

/// The length only: the data may be a reply.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.len())
    }
}
