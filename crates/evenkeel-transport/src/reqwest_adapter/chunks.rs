use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_error::{Error, Facts};
use futures_core::Stream;
use http_body::Body as _;

use super::fault;
use super::upload::Watch;

/// Frames of reqwest's body as chunks, its errors as ours. Fused: after an error or the end there is
/// nothing more.
pub(crate) struct Chunks {
    body: Option<reqwest::Body>,
    facts: Facts,
    /// The upload goes on for as long as there is an answer to come.
    upload: Watch,
}

impl Chunks {
    pub(super) fn new(body: reqwest::Body, facts: Facts, upload: Watch) -> Self {
        let mut chunks = Self {
            body: Some(body),
            facts,
            upload,
        };
        // Whether it ends here a layer that decompresses does not say.
        let is_empty = |body: &reqwest::Body| body.size_hint().exact() == Some(0);
        if chunks.body.as_ref().is_some_and(is_empty) {
            chunks.end();
        }
        chunks
    }

    fn end(&mut self) {
        self.body = None;
        self.upload = Watch::Nothing;
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            match ready!(Pin::new(body).poll_frame(cx)) {
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => {
                    self.end();
                    return Poll::Ready(Some(Err(fault::after_the_head(error, &self.facts))));
                }
                Some(Ok(frame)) => {
                    // Trailers carry nothing that we read.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}
