use evenkeel_error::Facts;
use http::HeaderMap;

use crate::Body;

/// A response head, and the body that is still to come.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// What status and headers say, read once.
    pub facts: Facts,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The body. Dropping it closes the attempt.
    pub body: Body,
}

impl Response {
    /// A response of these parts.
    #[must_use]
    pub fn new(facts: Facts, headers: HeaderMap, body: Body) -> Self {
        Self {
            facts,
            headers,
            body,
        }
    }
}
