//! A body in the pieces in which it is handed to the connection.

use std::num::NonZeroUsize;

use bytes::Bytes;

use crate::distortion::{name, text_of};
use crate::reply::Point;

/// One piece, or one for each event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pieces {
    Whole(Bytes),
    Stream(Vec<Bytes>),
}

impl Pieces {
    pub(crate) fn total(&self) -> u64 {
        self.all().iter().map(|piece| piece.len() as u64).sum()
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Where the event with the stop reason ends, if there is one.
    pub(crate) fn stop_reason(&self) -> Option<u64> {
        let Self::Stream(pieces) = self else {
            return None;
        };
        let place = pieces
            .iter()
            .position(|piece| name(piece) == b"message_delta");
        place.map(|place| self.place(Point::Events(place + 1)))
    }

    /// How many events a stream has.
    pub(crate) fn events(&self) -> usize {
        match self {
            Self::Whole(_) => 0,
            Self::Stream(pieces) => pieces.len(),
        }
    }

    /// A place in bytes, at most the end.
    pub(crate) fn place(&self, point: Point) -> u64 {
        match (point, self) {
            (Point::Bytes(bytes), _) => bytes.min(self.total()),
            (Point::Events(events), Self::Stream(pieces)) => pieces
                .iter()
                .take(events)
                .map(|piece| piece.len() as u64)
                .sum(),
            (Point::StopReason, Self::Stream(_)) => {
                self.stop_reason().unwrap_or_else(|| self.total())
            }
            (Point::Events(_), Self::Whole(_)) => self.total() / 2,
            (Point::StopReason, Self::Whole(_)) => self.total(),
        }
    }

    /// Puts a piece after every so many of a stream, but not at its end.
    pub(crate) fn insert_every(&mut self, every: NonZeroUsize, piece: &Bytes) {
        let Self::Stream(pieces) = self else {
            return;
        };
        let runs: Vec<_> = pieces.chunks(every.get()).map(<[Bytes]>::to_vec).collect();
        *pieces = runs.join(piece);
    }

    /// Where each piece ends, in bytes.
    pub(crate) fn ends(&self) -> impl Iterator<Item = u64> {
        self.all().iter().scan(0, |end, piece| {
            *end += piece.len() as u64;
            Some(*end)
        })
    }

    /// The length of the piece that begins at `place`; 0 if none does.
    pub(crate) fn length_at(&self, place: u64) -> u64 {
        let mut start = 0;
        for piece in self.all() {
            if start == place {
                return piece.len() as u64;
            }
            start += piece.len() as u64;
        }
        0
    }

    /// The text of the deltas that end before `place`.
    pub(crate) fn text_before(&self, place: u64) -> String {
        let mut end = 0;
        let whole = self.all().iter().take_while(|piece| {
            end += piece.len() as u64;
            end <= place
        });
        whole.filter_map(|piece| text_of(piece)).collect()
    }

    fn all(&self) -> &[Bytes] {
        match self {
            Self::Whole(piece) => std::slice::from_ref(piece),
            Self::Stream(pieces) => pieces,
        }
    }
}

impl IntoIterator for Pieces {
    type Item = Bytes;
    type IntoIter = std::vec::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Whole(piece) => vec![piece].into_iter(),
            Self::Stream(pieces) => pieces.into_iter(),
        }
    }
}
