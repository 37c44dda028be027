//! An answer that is read piece by piece, by whoever asked for it.

use bytes::Bytes;
use evenkeel_error::{Error as Failure, Facts, Phase, Recovery};
use evenkeel_event::Stopped;
use evenkeel_transport::{Body, Response};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use super::reading::{Broken, Ended};
use super::{After, Call, Received, Stopwatch};
use crate::Error;
use crate::clock::Clock;
use crate::live::Limit;
use crate::reply::Meta;

/// A head that is a success, and a body of which the first piece has come.
pub(crate) struct Opened {
    pub(crate) facts: Facts,
    pub(crate) headers: HeaderMap,
    body: Body,
    first: Option<Bytes>,
    state: Reading,
    /// How many bytes the head announced, where they are counted as they come here.
    length: Option<u64>,
    taken: u64,
    watch: Stopwatch,
    #[cfg(feature = "breaker")]
    permits: Option<crate::circuit::Permits>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    Ended,
}

/// Whether a body that broke off had brought anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    Nothing,
    Something,
}

impl Received for Opened {
    async fn receive(
        call: &mut Call,
        response: Response,
        watch: Stopwatch,
    ) -> Result<Self, Broken> {
        let Response {
            facts,
            headers,
            body,
            ..
        } = response;
        let mut opened = Self {
            length: announced(&headers),
            facts,
            headers,
            body,
            first: None,
            state: Reading::Open,
            taken: 0,
            watch,
            #[cfg(feature = "breaker")]
            permits: None,
        };
        // What is cut before its first byte is tried again like anything else that brought nothing.
        opened.first = call.piece(&mut opened, call.limit()).await?;
        Ok(opened)
    }

    #[cfg(feature = "breaker")]
    fn holding(mut self, permits: crate::circuit::Permits) -> Self {
        self.permits = Some(permits);
        self
    }
}

/// What the head says of the length, where no decoding changes it on the way here.
fn announced(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Opened {
    /// How many bytes the head announced, where they are counted as they come here.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Counts what came against what was announced.
    fn weigh(&mut self, piece: Option<&Bytes>) -> Result<(), Failure> {
        let size = piece.map_or(0, Bytes::len) as u64;
        self.taken = self.taken.saturating_add(size);
        let taken = self.taken;
        match self.length {
            Some(length) if piece.is_none() && taken < length => {
                let message = format!("the body ended after {taken} of {length} bytes");
                Err(Failure::interrupted().with_message(message))
            }
            Some(length) if taken > length => {
                let message = format!("the body goes on after its {length} bytes");
                Err(Failure::protocol(message))
            }
            _ => Ok(()),
        }
    }
}

impl Call {
    /// The next piece of the body; `None` at its end, which is where the head said that it is. A
    /// failure inside is booked, and may be tried again by [`open_again`](Self::open_again).
    ///
    /// Only silence and the deadline end it from here: patience stands still while bytes come.
    pub(crate) async fn next_piece(
        &mut self,
        opened: &mut Opened,
    ) -> Result<Result<Option<Bytes>, Failure>, Error> {
        let limit = self.body_limit();
        let piece = match opened.first.take() {
            Some(first) => self.passed(opened, limit).map_or(Ok(Some(first)), Err),
            None => self.piece(opened, limit).await,
        };
        match piece {
            Ok(piece) => Ok(Ok(piece)),
            Err(Broken::Failed(failure)) => Ok(Err(self.broke(opened, failure))),
            Err(Broken::Ended(ended)) => {
                let stopped = ended.stopped();
                let failure = ended.into_failure(self.now().since(opened.watch.started));
                self.book_failure(opened.watch, &failure);
                self.last.get_or_insert(failure);
                Err(self.out_of_time(stopped))
            }
        }
    }

    async fn piece(&self, opened: &mut Opened, limit: Limit) -> Result<Option<Bytes>, Broken> {
        if opened.state == Reading::Ended {
            return Ok(None);
        }
        let silence = self.shared.tuning.timers.byte_silence;
        let left = limit.map(|(moment, _)| self.now().until(moment));
        let patient = left.map_or(silence, |left| left.min(silence));
        let failed = |failure: Failure, opened: &Opened| {
            Broken::Failed(failure.with_facts(opened.facts.clone()))
        };
        let late = left.is_some_and(|left| left.is_zero());
        let piece = match Clock::within(Some(patient), opened.body.chunk()).await {
            // A body that is always ready cannot outlive the limit; all of it was there in time where
            // nothing but its end comes later.
            Some(piece) if piece.is_none() || !late => piece.transpose().map_err(Broken::Failed)?,
            _ => {
                return Err(self.passed(opened, limit).unwrap_or_else(|| {
                    failed(Failure::timed_out(Phase::ByteSilence, silence), opened)
                }));
            }
        };
        if let Err(failure) = opened.weigh(piece.as_ref()) {
            return Err(failed(failure, opened));
        }
        if piece.is_none() {
            opened.state = Reading::Ended;
        }
        Ok(piece)
    }

    /// The end of the call, where its limit has come.
    fn passed(&self, opened: &Opened, limit: Limit) -> Option<Broken> {
        let (_, stopped) = limit.filter(|(moment, _)| self.now() >= *moment)?;
        let ended = Ended::new(stopped, Phase::ByteSilence, opened.facts.clone());
        Some(Broken::Ended(ended))
    }

    /// Books the end of a body that broke off, or is not what was asked for.
    pub(crate) fn broke(&mut self, opened: &mut Opened, failure: Failure) -> Failure {
        let failure = failure.with_facts(opened.facts.clone());
        #[cfg(feature = "breaker")]
        if let Some(permits) = opened.permits.take() {
            self.record_failure(permits, &failure);
        }
        self.book_failure(opened.watch, &failure);
        failure
    }

    /// Ends the call by a limit of ours, of which the server knows nothing.
    pub(crate) fn refuse(&mut self, opened: &mut Opened, failure: Failure) -> Error {
        #[cfg(feature = "breaker")]
        drop(opened.permits.take());
        let failure = failure
            .with_facts(opened.facts.clone())
            .with_recovery(Recovery::Never);
        self.book_failure(opened.watch, &failure);
        self.give_up(failure, Stopped::NotRecoverable)
    }

    /// The most bytes of a body that are kept at once.
    pub(crate) fn reply_size(&self) -> usize {
        self.shared.tuning.sizes.reply_body
    }

    /// Asks again for what broke off.
    pub(crate) async fn open_again(
        &mut self,
        failure: Failure,
        brought: Brought,
    ) -> Result<Opened, Error> {
        #[cfg(feature = "retry")]
        if brought == Brought::Something {
            let now = self.now();
            self.retrying.progressed(now);
        }
        #[cfg(not(feature = "retry"))]
        let _ = brought;
        let waited = self.after(failure, After::Nothing).await?;
        self.open_after(waited).await
    }

    /// Books the end of a call whose body was read to its end.
    pub(crate) fn read_through(&mut self, opened: &Opened) -> Meta {
        self.complete(opened.watch, &opened.facts, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_only_where_nothing_is_decoded_on_the_way() {
        let headers = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
            announced(&pairs.collect())
        };
        assert_eq!(headers(&[("content-length", "12")]), Some(12));
        assert_eq!(headers(&[("content-length", "many")]), None);
        assert_eq!(headers(&[]), None);
        let gzip = [("content-length", "12"), ("content-encoding", "gzip")];
        assert_eq!(headers(&gzip), None);
    }
}
