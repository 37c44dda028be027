//! The in-process simulator as a transport of evenkeel's clients.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_transport::{
    Body, BoxFuture, Delivery, Error, Facts, Phase, Request, Response, Transport,
};
use futures_core::Stream;

use crate::clock;
use crate::in_process::{InProcess, InProcessBody, Severed};

/// What a connection would do to a request, this does under tokio's clock: a refused connection was
/// not sent, a refused stream is handed back, a connection that ends before the head leaves the
/// outcome unknown, and one that ends in the body interrupts it. Of a request's URI only path and
/// query matter.
impl Transport for InProcess {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let limit = request.head_limit;
            let exchange = self.send(exchange(request));
            let Some(head) = clock::within(limit, exchange).await else {
                return Err(Error::timed_out(Phase::Head, limit));
            };
            let (head, body) = head.map_err(before_the_head)?.into_parts();
            let facts = Facts::read(head.status.as_u16(), &head.headers, self.wall());
            let body = Chunks {
                body: Some(body),
                facts: facts.clone(),
            };
            Ok(Response::new(facts, head.headers, Body::from_stream(body)))
        })
    }
}

fn exchange(request: Request) -> hyper::Request<Bytes> {
    let mut exchange = hyper::Request::new(request.body);
    *exchange.method_mut() = request.method;
    *exchange.uri_mut() = request.uri;
    *exchange.headers_mut() = request.headers;
    exchange
}

fn before_the_head(severed: Severed) -> Error {
    let error = match severed {
        Severed::Refused => Error::connection(Delivery::NotSent),
        Severed::Returned => Error::returned_unsent(),
        Severed::Closed | Severed::Reset => Error::connection(Delivery::Unknown),
    };
    error.with_source(severed)
}

/// A body whose failures are in the taxonomy, and the last thing it says.
struct Chunks {
    body: Option<InProcessBody>,
    facts: Facts,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let chunk = ready!(body.poll_chunk(cx));
        if !matches!(chunk, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(chunk.map(|chunk| {
            chunk.map_err(|severed| {
                Error::interrupted()
                    .with_facts(self.facts.clone())
                    .with_source(severed)
            })
        }))
    }
}

#[cfg(test)]
mod tests;
