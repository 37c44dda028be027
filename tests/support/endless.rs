use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use evenkeel::error::{Error, Facts};
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use futures_core::Stream;
use http::HeaderMap;

/// A transport whose bodies never end and are ready whenever they are asked: what each piece is, by its
/// number.
#[derive(Clone, Copy, Debug)]
pub struct Endless(pub fn(u32) -> String);

impl Transport for Endless {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let headers = HeaderMap::new();
        let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let body = Body::from_stream(Pieces(0, self.0));
        Box::pin(std::future::ready(Ok(Response::new(facts, headers, body))))
    }
}

struct Pieces(u32, fn(u32) -> String);

impl Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0 += 1;
        Poll::Ready(Some(Ok(self.1(self.0).into())))
    }
}
