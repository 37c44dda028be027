use evenkeel_error::{Delivery, Error};
use evenkeel_transport::{BoxFuture, Request, Response, Transport};

/// A transport that reaches nothing.
pub(crate) struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let nowhere = Error::connection(Delivery::NotSent);
        Box::pin(std::future::ready(Err(nowhere)))
    }
}
