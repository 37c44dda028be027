use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_error::{Error as Failure, Recovery};
use evenkeel_messages::{BatchItem, BatchResults};
use futures_core::Stream;

use crate::limits::MOST_RESULTS;
use crate::pipeline::{Brought, Call, Opened};
use crate::reply::Meta;
use crate::{Batches, Error};

/// The results of a batch, each request's once, as they arrive. Made by [`Batches::results`].
///
/// A stream that is cut goes on by itself: the results are asked for again, and those that were handed
/// out are passed over. They come in any order and the API sends no part of them, so a cut costs
/// reading again what was read; patience begins anew with whatever a try brought.
///
/// An item is what became of one request: an `Ok` is not a success. A type of result that this version
/// does not know is handed out as it came. A line that cannot be read, or is larger than the limit
/// ([`event_size`](crate::ClientBuilder::event_size)), keeps no other from being read: at the end the
/// results are asked for once more for its sake, and if that does not help, the stream ends with
/// `protocol`. So without an error at its end everything was handed out.
///
/// An error is the last item. Cancellation: dropping the stream closes its connection at once.
#[must_use = "results are asked for only as they are read"]
pub struct ResultStream {
    ready: VecDeque<BatchItem>,
    state: State,
    meta: Option<Meta>,
}

enum State {
    Reading(Reading),
    Idle(Box<Reader>),
    Ended,
}

/// Gives the reader back, with what it read.
type Reading = Pin<Box<dyn Future<Output = (Box<Reader>, Result<Step, Error>)> + Send>>;

/// What a read brought.
enum Step {
    Items(VecDeque<BatchItem>),
    End(Meta),
}

impl ResultStream {
    pub(crate) fn new(calls: Batches, id: &str, expected: Option<u64>) -> Self {
        Self {
            ready: VecDeque::new(),
            state: State::Idle(Box::new(Reader {
                calls,
                id: id.to_owned(),
                expected,
                call: None,
                attempt: None,
                seen: Seen::default(),
            })),
            meta: None,
        }
    }

    /// The next item; `None` once every result was handed out, and after an error.
    ///
    /// # Errors
    ///
    /// The call's failure, once: `not_found` while the batch has not ended, `protocol` for results
    /// that cannot be read or are fewer than the batch's counts say.
    ///
    /// Cancellation: dropping the future loses nothing, the item comes with the next call.
    pub async fn next(&mut self) -> Option<Result<BatchItem, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    /// How the results were got; `None` before their end.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<BatchItem, Error>>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(reader) => State::Reading(Box::pin(reader.read())),
                State::Reading(mut reading) => {
                    let Poll::Ready((reader, step)) = reading.as_mut().poll(cx) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    match step {
                        Ok(Step::Items(items)) => {
                            self.ready = items;
                            State::Idle(reader)
                        }
                        Ok(Step::End(meta)) => {
                            self.meta = Some(meta);
                            State::Ended
                        }
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            };
        }
    }
}

/// What lasts from cut to cut.
struct Reader {
    calls: Batches,
    id: String,
    /// How many results there are, where that is known.
    expected: Option<u64>,
    call: Option<Box<Call>>,
    attempt: Option<Attempt>,
    seen: Seen,
}

/// What lasts until the next cut.
struct Attempt {
    opened: Opened,
    results: BatchResults,
    brought: Brought,
    body: Body,
    /// The first line that could not be read.
    unread: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Open,
    Ended,
}

impl Reader {
    /// Reads until there are items, or the end.
    async fn read(mut self: Box<Self>) -> (Box<Self>, Result<Step, Error>) {
        let step = self.step().await;
        (self, step)
    }

    async fn step(&mut self) -> Result<Step, Error> {
        let call = match &mut self.call {
            Some(call) => call,
            None => self.call.insert(self.calls.reading(&self.id)?),
        };
        let line_limit = self.calls.shared().tuning.sizes.event;
        let mut attempt = match self.attempt.take() {
            Some(attempt) => attempt,
            None => Attempt::new(call.open().await?, line_limit),
        };
        loop {
            let pulled = attempt.pull(call).await?;
            let items = attempt.items(&mut self.seen);
            if !items.is_empty() {
                attempt.brought = Brought::Something;
                self.attempt = Some(attempt);
                return Ok(Step::Items(items));
            }
            let failure = match pulled {
                Err(failure) => failure,
                Ok(()) if attempt.body == Body::Open => continue,
                Ok(()) => match attempt.verdict(self.seen.len(), self.expected) {
                    Ok(()) => return Ok(Step::End(call.read_through(&attempt.opened))),
                    Err(failure) => call.broke(&mut attempt.opened, failure),
                },
            };
            let brought = attempt.brought;
            // Its connection goes before another is made.
            drop(attempt);
            attempt = Attempt::new(call.open_again(failure, brought).await?, line_limit);
        }
    }
}

impl Attempt {
    fn new(opened: Opened, line_limit: usize) -> Self {
        Self {
            results: BatchResults::new(opened.facts.clone()).line_limit(line_limit),
            opened,
            brought: Brought::Nothing,
            body: Body::Open,
            unread: None,
        }
    }

    /// Feeds the next piece of the body.
    async fn pull(&mut self, call: &mut Call) -> Result<Result<(), Failure>, Error> {
        if self.body == Body::Ended {
            return Ok(Ok(()));
        }
        Ok(match call.next_piece(&mut self.opened).await? {
            Ok(Some(piece)) => {
                self.results.feed(piece);
                Ok(())
            }
            Ok(None) => {
                self.results.finish();
                self.body = Body::Ended;
                Ok(())
            }
            Err(failure) => Err(failure),
        })
    }

    /// The items that are whole, and new.
    fn items(&mut self, seen: &mut Seen) -> VecDeque<BatchItem> {
        let mut items = VecDeque::new();
        while let Some(item) = self.results.next_item_if(|id| seen.is_new(id)) {
            match item {
                Ok(item) if seen.len() >= MOST_RESULTS => {
                    drop(item);
                    let failure = Failure::protocol("there are more results than a batch may have");
                    self.unread = Some(failure.with_recovery(Recovery::Never));
                    self.body = Body::Ended;
                    break;
                }
                Ok(item) => {
                    seen.take_in(&item.custom_id);
                    items.push_back(item);
                }
                Err(failure) => {
                    let failure = match self.body {
                        Body::Open => failure,
                        // No line end follows it: it is half a line.
                        Body::Ended => Failure::interrupted(),
                    };
                    self.unread.get_or_insert(failure);
                }
            }
        }
        items
    }

    /// Whether the body, which has ended, was all of it.
    fn verdict(&mut self, seen: u64, expected: Option<u64>) -> Result<(), Failure> {
        if let Some(failure) = self.unread.take() {
            return Err(failure);
        }
        match expected {
            Some(expected) if seen < expected => Err(Failure::protocol(format!(
                "there are {seen} results of {expected} requests"
            ))),
            _ => Ok(()),
        }
    }
}

/// The ids that were handed out: 128 bits of a keyed hash each, which nobody can make meet.
#[derive(Default)]
struct Seen {
    keys: (RandomState, RandomState),
    ids: HashSet<(u64, u64)>,
}

impl Seen {
    fn hash(&self, id: &str) -> (u64, u64) {
        (self.keys.0.hash_one(id), self.keys.1.hash_one(id))
    }

    fn is_new(&self, id: &str) -> bool {
        !self.ids.contains(&self.hash(id))
    }

    fn take_in(&mut self, id: &str) {
        let hash = self.hash(id);
        self.ids.insert(hash);
    }

    fn len(&self) -> u64 {
        self.ids.len() as u64
    }
}

impl Stream for ResultStream {
    type Item = Result<BatchItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl fmt::Debug for ResultStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultStream")
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
