//! Where a source is between two polls: out of every lock while its own code runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::{BodyState, BoxError, Chunks};

/// The source of a body, and what is known of it. Code of the source runs when it is polled and when
/// it is dropped, and the lock is held for neither.
pub(super) struct Shelf {
    held: Mutex<Held>,
}

struct Held {
    source: Source,
    /// What the poll of an earlier reader brought when there was a later one already.
    ahead: Option<Item>,
    /// Bytes taken in all.
    taken: u64,
    state: BodyState,
    /// Counts the readers: only the newest reads.
    generation: u64,
}

enum Source {
    Here(Chunks),
    /// A reader polls it; who came meanwhile waits for it.
    Out(Option<Waker>),
    Ended,
}

/// Whether a later reader reads the same source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Once,
    Repeatable,
}

/// What a source said.
pub(super) enum Item {
    Chunk(Bytes),
    End,
    Failed(BoxError),
    Panicked,
}

/// What a reader is told.
pub(super) enum Polled {
    Item(Item),
    /// It has ended before.
    Ended,
    /// There is a later reader.
    Superseded,
}

/// What `act` returns, unless it panics. The panic's own words are for the program's log, where its
/// hook has put them.
pub(super) fn contained<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}

impl Shelf {
    pub(super) fn of(chunks: Chunks) -> Self {
        Self::with(Source::Here(chunks))
    }

    pub(super) fn empty() -> Self {
        Self::with(Source::Ended)
    }

    fn with(source: Source) -> Self {
        Self {
            held: Mutex::new(Held {
                source,
                ahead: None,
                taken: 0,
                state: BodyState::Ready,
                generation: 0,
            }),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> BodyState {
        self.held().state
    }

    pub(super) fn taken(&self) -> u64 {
        self.held().taken
    }

    /// Puts a source in the place of the one that is there, for a new reader.
    pub(super) fn replace(&self, chunks: Chunks) -> u64 {
        let mut held = self.held();
        let replaced = std::mem::replace(&mut held.source, Source::Here(chunks));
        held.generation += 1;
        let generation = held.generation;
        drop(held);
        discard(replaced);
        generation
    }

    /// Hands the source to a new reader, unless some of it is gone.
    pub(super) fn pass_on(&self) -> Option<u64> {
        let mut held = self.held();
        if held.state == BodyState::Spent {
            return None;
        }
        held.generation += 1;
        Some(held.generation)
    }

    /// Ends what the reader of this generation reads.
    pub(super) fn close(&self, generation: u64) {
        let mut held = self.held();
        if held.generation == generation {
            let closed = std::mem::replace(&mut held.source, Source::Ended);
            drop(held);
            discard(closed);
        }
    }

    /// The reader of this generation is gone: what no later one can read is dropped.
    pub(super) fn leave(&self, generation: u64, kind: Kind) {
        let mut held = self.held();
        let is_wanted = kind == Kind::Once && held.state == BodyState::Ready;
        if held.generation == generation && !is_wanted {
            let left = std::mem::replace(&mut held.source, Source::Ended);
            drop(held);
            discard(left);
        }
    }

    /// The next item, for the reader of this generation.
    pub(super) fn poll_next(
        &self,
        generation: u64,
        kind: Kind,
        cx: &mut Context<'_>,
    ) -> Poll<Polled> {
        let mut held = self.held();
        if held.generation != generation {
            return Poll::Ready(Polled::Superseded);
        }
        if let Some(item) = held.ahead.take() {
            held.note(&item, kind);
            return Poll::Ready(Polled::Item(item));
        }
        let chunks = match std::mem::replace(&mut held.source, Source::Out(None)) {
            Source::Here(chunks) => chunks,
            Source::Out(earlier) => {
                held.source = Source::Out(Some(cx.waker().clone()));
                drop(held);
                drop(earlier);
                return Poll::Pending;
            }
            Source::Ended => {
                held.source = Source::Ended;
                return Poll::Ready(Polled::Ended);
            }
        };
        drop(held);
        let (item, rest) = ask(chunks, cx);
        self.put_back(generation, kind, item, rest)
    }

    /// What becomes of a source that has been asked, and of what it said: meanwhile there may be a
    /// later reader, and nothing is lost for it.
    fn put_back(
        &self,
        generation: u64,
        kind: Kind,
        item: Poll<Item>,
        rest: Source,
    ) -> Poll<Polled> {
        let mut held = self.held();
        if held.generation == generation {
            held.source = rest;
            let Poll::Ready(item) = item else {
                return Poll::Pending;
            };
            held.note(&item, kind);
            return Poll::Ready(Polled::Item(item));
        }
        match kind {
            Kind::Repeatable => {
                drop(held);
                discard(rest);
            }
            Kind::Once => {
                if let Poll::Ready(item) = item {
                    held.ahead = Some(item);
                }
                let waiting = std::mem::replace(&mut held.source, rest);
                drop(held);
                if let Source::Out(Some(waker)) = waiting {
                    waker.wake();
                }
            }
        }
        Poll::Ready(Polled::Superseded)
    }
}

impl Held {
    /// Counts an item that is handed out.
    fn note(&mut self, item: &Item, kind: Kind) {
        if kind == Kind::Once {
            self.state = BodyState::Spent;
        }
        if let Item::Chunk(chunk) = item {
            self.taken = self.taken.saturating_add(chunk.len() as u64);
        }
    }
}

/// Asks a source; it is dropped where there is nothing more to ask it.
fn ask(mut chunks: Chunks, cx: &mut Context<'_>) -> (Poll<Item>, Source) {
    let item = match contained(|| chunks.as_mut().poll_next(cx)) {
        Some(Poll::Pending) => return (Poll::Pending, Source::Here(chunks)),
        Some(Poll::Ready(Some(Ok(chunk)))) => {
            return (Poll::Ready(Item::Chunk(chunk)), Source::Here(chunks));
        }
        Some(Poll::Ready(Some(Err(error)))) => Item::Failed(error),
        Some(Poll::Ready(None)) => Item::End,
        None => Item::Panicked,
    };
    discard(Source::Here(chunks));
    (Poll::Ready(item), Source::Ended)
}

/// Drops a source, whatever it says to that: what it brought stands.
fn discard(source: Source) {
    let _ = contained(|| drop(source));
}
