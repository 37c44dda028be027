use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use evenkeel_error::Error as Failure;
use futures_core::Stream;
use http::HeaderMap;

use crate::limits::Size;
use crate::pipeline::{Call, Opened};
use crate::reply::Meta;
use crate::{Answered, Error};

/// The content of a file as it arrives, from its first byte on. Made by
/// [`Files::download`](crate::Files::download).
///
/// It ends without an error only where the content is whole: as HTTP frames it, and of the length that
/// the head announced, if it did. A fault after the first byte ends it with an error; what was handed
/// out cannot be taken back, so nothing is asked for again.
///
/// Fused after an error. Cancellation: dropping it closes its connection at once.
#[must_use = "a download does nothing unless it is read"]
pub struct Download {
    headers: HeaderMap,
    length: Option<u64>,
    state: State,
    meta: Option<Meta>,
    /// The most that is collected.
    most: usize,
}

enum State {
    Idle(Box<Reader>),
    Reading(Reading),
    Ended,
}

/// Gives the reader back, with what it read.
type Reading = Pin<Box<dyn Future<Output = (Box<Reader>, Result<Option<Bytes>, Error>)> + Send>>;

struct Reader {
    call: Box<Call>,
    opened: Opened,
}

impl Reader {
    async fn read(mut self: Box<Self>) -> (Box<Self>, Result<Option<Bytes>, Error>) {
        let piece = match self.call.next_piece(&mut self.opened).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(failure)) => Err(self.call.end_released(failure)),
            Err(error) => Err(error),
        };
        (self, piece)
    }
}

impl Download {
    pub(crate) fn new(call: Box<Call>, opened: Opened) -> Self {
        Self {
            headers: opened.headers.clone(),
            length: opened.length(),
            most: call.reply_size(),
            state: State::Idle(Box::new(Reader { call, opened })),
            meta: None,
        }
    }

    /// The next bytes; `None` once all have come, and after an error.
    ///
    /// # Errors
    ///
    /// The call's failure, once.
    ///
    /// Cancellation: dropping the future loses nothing, the bytes come with the next call.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_bytes(cx)).await
    }

    /// All of it in memory, up to the limit of a reply
    /// ([`reply_size`](crate::ClientBuilder::reply_size), 64 MiB).
    ///
    /// # Errors
    ///
    /// The call's failure; `protocol` for what is larger. What [`next`](Self::next) has handed out
    /// already is not in it.
    pub async fn collect(mut self) -> Result<Answered<Bytes>, Error> {
        let mut whole = BytesMut::new();
        while let Some(bytes) = self.next().await {
            let bytes = bytes?;
            if whole.len().saturating_add(bytes.len()) > self.most {
                let most = Size(self.most);
                let failure = Failure::protocol(format!("the file is larger than {most}"));
                return Err(self.refuse(failure));
            }
            whole.extend_from_slice(&bytes);
        }
        match self.meta {
            Some(meta) => Ok(Answered::new((whole.freeze(), meta))),
            // The error was handed out before.
            None => Err(Failure::interrupted().into()),
        }
    }

    /// Ends the call by a limit of ours.
    fn refuse(&mut self, failure: Failure) -> Error {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Idle(mut reader) => reader.call.refuse(&mut reader.opened, failure),
            State::Reading(_) | State::Ended => failure.into(),
        }
    }

    /// The length that the head announced.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// How it was got; `None` before its end.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(reader) => State::Reading(Box::pin(reader.read())),
                State::Reading(mut reading) => {
                    let Poll::Ready((mut reader, piece)) = reading.as_mut().poll(cx) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(match piece {
                        Ok(Some(bytes)) => {
                            self.state = State::Idle(reader);
                            Some(Ok(bytes))
                        }
                        Ok(None) => {
                            self.meta = Some(reader.call.read_through(&reader.opened));
                            None
                        }
                        Err(error) => Some(Err(error)),
                    });
                }
            };
        }
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(cx)
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
