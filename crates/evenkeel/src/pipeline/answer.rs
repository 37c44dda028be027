use bytes::Bytes;
use evenkeel_error::{Error as Failure, Facts};
use evenkeel_transport::Response;
use http::HeaderMap;

use super::reading::Broken;
use super::{After, Call, Received, Stopwatch};
use crate::Error;
use crate::reply::Meta;

/// An answer in one piece.
pub(crate) struct Answer {
    pub(crate) facts: Facts,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    watch: Stopwatch,
    #[cfg(feature = "breaker")]
    permits: Option<crate::circuit::Permits>,
}

impl Received for Answer {
    async fn receive(
        call: &mut Call,
        response: Response,
        watch: Stopwatch,
    ) -> Result<Self, Broken> {
        let Response {
            facts,
            headers,
            mut body,
            ..
        } = response;
        Ok(Self {
            body: call.read_body(&mut body, &facts).await?,
            facts,
            headers,
            watch,
            #[cfg(feature = "breaker")]
            permits: None,
        })
    }

    #[cfg(feature = "breaker")]
    fn holding(mut self, permits: crate::circuit::Permits) -> Self {
        self.permits = Some(permits);
        self
    }
}

impl Call {
    /// Makes attempts until one brings an answer that `read` can read.
    pub(crate) async fn fetch<T>(
        mut self: Box<Self>,
        read: impl Fn(&Answer) -> Result<T, Failure>,
    ) -> Result<(T, Meta), Error> {
        let mut answer: Answer = self.open().await?;
        loop {
            match read(&answer) {
                Ok(value) => {
                    let meta = self.complete(answer.watch, &answer.facts, None);
                    return Ok((value, meta));
                }
                Err(failure) => {
                    let failure = failure.with_facts(answer.facts.clone());
                    #[cfg(feature = "breaker")]
                    if let Some(permits) = answer.permits.take() {
                        self.record_failure(permits, &failure);
                    }
                    self.book_failure(answer.watch, &failure);
                    let waited = self.after(failure, After::Nothing).await?;
                    answer = self.open_after(waited).await?;
                }
            }
        }
    }
}
