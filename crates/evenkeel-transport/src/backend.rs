use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use evenkeel_error::Error;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use crate::{BaseUrl, Request, Response};

mod claude_api;
mod claude_platform_on_aws;

pub use claude_api::ClaudeApi;
pub use claude_platform_on_aws::ClaudePlatformOnAws;

/// Where Claude is served from: how its URL, its authentication, its bodies and its framing differ
/// from the Claude API's.
///
/// The rest of evenkeel speaks the Claude API's wire and nothing else. A back end translates at three
/// places, in this order:
///
/// 1. [`request`](Self::request), once a call: the URL and the body in this back end's words.
/// 2. [`authorize`](Self::authorize), once an attempt, on the finished request: a header, or a
///    signature over all of it.
/// 3. [`response`](Self::response), once a response head: a body in another framing becomes one in the
///    Claude API's.
///
/// None of them waits: a credential that must be fetched is fetched before, by whoever owns it.
pub trait Backend: fmt::Debug + Send + Sync {
    /// A short stable name, in `snake_case`, for metrics.
    fn label(&self) -> &'static str;

    /// Where requests go.
    fn base_url(&self) -> &BaseUrl;

    /// The request that carries out `operation`, without authentication. It is cloned for every
    /// attempt.
    ///
    /// # Errors
    ///
    /// `invalid_config` when this back end cannot do what is asked.
    fn request(&self, operation: Operation<'_>) -> Result<Request, Error>;

    /// Whether requests differ in their heads. The default is that they may.
    fn heads(&self) -> Heads {
        Heads::PerRequest
    }

    /// Writes the authentication of one attempt, its values marked as sensitive. `at` is the wall
    /// time, for signatures that hold it.
    ///
    /// # Errors
    ///
    /// `invalid_config`, without any of the secret, when this back end has no use for one of its
    /// kind, or no header can hold it.
    fn authorize(
        &self,
        request: &mut Request,
        secret: Secret<'_>,
        at: SystemTime,
    ) -> Result<(), Error>;

    /// Headers that this back end writes itself, beside those that [nobody may set](crate::ExtraHeaders::add):
    /// whoever else would set one is told so at once. Default: none.
    fn reserved_headers(&self) -> &[HeaderName] {
        &[]
    }

    /// The response in the Claude API's framing. The default is for back ends that have that anyway.
    fn response(&self, response: Response) -> Response {
        response
    }
}

/// How the heads of requests with the same method, path and headers differ, where each has a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heads {
    /// Each may be another: of another model, body or form of the reply, or at another moment. The
    /// default.
    #[default]
    PerRequest,
    /// In nothing: URL, headers and what [`authorize`](Backend::authorize) writes for the same secret
    /// are the same every time, so that a client may write them once and send them again.
    Same,
}

/// What is to be done, in the Claude API's words.
#[derive(Clone)]
#[non_exhaustive]
pub struct Operation<'a> {
    /// The method.
    pub method: Method,
    /// Path and query, encoded, as [`BaseUrl::join`] takes them.
    pub path: Cow<'a, str>,
    /// What the caller adds; nothing reserved.
    pub headers: HeaderMap,
    /// The body as the Claude API takes it; empty for none.
    pub body: Bytes,
    /// The model, where one is asked: some back ends have it in the URL.
    pub model: Option<&'a str>,
    /// How the reply is asked for: some back ends have that in the URL.
    pub reply: ReplyForm,
    /// See [`Request::head_limit`].
    pub head_limit: Duration,
}

/// How a reply is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyForm {
    /// In one piece. The default.
    #[default]
    Whole,
    /// As a stream of events.
    Stream,
}

impl<'a> Operation<'a> {
    /// An operation without headers, body and model, whose reply comes in one piece.
    #[must_use]
    pub fn new(method: Method, path: impl Into<Cow<'a, str>>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            model: None,
            reply: ReplyForm::Whole,
            head_limit: Request::HEAD_LIMIT,
        }
    }
}

/// Neither the query, nor header values, nor the body.
impl fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("method", &self.method)
            .field("path", &self.path.split('?').next())
            .field("model", &self.model)
            .field("reply", &self.reply)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a request is authenticated with, lent for as long as it is written.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Secret<'a> {
    /// An API key.
    ApiKey(&'a str),
    /// A token.
    Bearer(&'a str),
}

/// The kind, never the secret.
impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "Secret(api key)",
            Self::Bearer(_) => "Secret(bearer token)",
        })
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

impl Secret<'_> {
    /// Writes it as the Claude API takes it: a key as `x-api-key`, a token as `authorization: Bearer`,
    /// both marked as sensitive. The value and its clones are one piece of memory, which is wiped when
    /// the last of them is dropped.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it is empty or not visible ASCII without spaces; it is not repeated.
    pub fn write(self, headers: &mut HeaderMap) -> Result<(), Error> {
        let (field, name, secret) = match self {
            Self::ApiKey(key) => ("api_key", API_KEY, key),
            Self::Bearer(token) => ("auth_token", AUTHORIZATION, token),
        };
        if secret.is_empty() {
            return Err(Error::invalid_config(field, "must not be empty"));
        }
        // A space or a line end inside is a slip of copy and paste that no server would accept.
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid_config(
                field,
                "must be visible ASCII without spaces or line ends; check how it was copied",
            ));
        }
        let text = Zeroizing::new(match self {
            Self::ApiKey(key) => key.to_owned(),
            // Of its full length from the beginning: a text that grows leaves copies behind.
            Self::Bearer(token) => ["Bearer ", token].concat(),
        });
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        let mut value = value.map_err(|error| {
            Error::invalid_config(field, "cannot be sent as a header").with_source(error)
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
