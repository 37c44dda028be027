use std::fmt;

use crate::sse::Tail;

/// A body that is one JSON object: gathered until its last brace. Each byte is looked at once.
#[derive(Default)]
pub(super) struct Whole {
    bytes: Vec<u8>,
    depth: usize,
    place: Place,
    ended: bool,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Outside,
    Text,
    Escape,
}

impl Whole {
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        if self.ended {
            return;
        }
        for (at, byte) in chunk.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::Outside, b'"') | (Place::Escape, _) => Place::Text,
                (Place::Text, b'"') => Place::Outside,
                (Place::Text, b'\\') => Place::Escape,
                (place, _) => place,
            };
            if let Place::Outside = self.place {
                match byte {
                    b'{' => self.depth += 1,
                    b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => continue,
                }
                if self.depth == 0 {
                    self.bytes
                        .extend_from_slice(chunk.get(..=at).unwrap_or(chunk));
                    self.ended = true;
                    return;
                }
            }
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// The object, once, when it is whole.
    pub(super) fn complete(&mut self) -> Option<Vec<u8>> {
        (self.ended && !self.bytes.is_empty()).then(|| std::mem::take(&mut self.bytes))
    }

    pub(super) fn finish(&self) -> Tail {
        if self.ended {
            Tail::Clean
        } else {
            Tail::Unterminated {
                bytes: self.bytes.len() as u64,
            }
        }
    }
}

/// The length only: it is a reply.
impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Whole({} bytes)", self.bytes.len())
    }
}
