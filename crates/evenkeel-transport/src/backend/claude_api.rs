use std::time::SystemTime;

use evenkeel_error::Error;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::{Backend, Heads, Operation, Secret};
use crate::{BaseUrl, Cleartext, Request};

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The Claude API, at its public address or behind a gateway that speaks the same.
#[derive(Clone, Debug)]
pub struct ClaudeApi {
    base_url: BaseUrl,
    version: HeaderValue,
}

impl ClaudeApi {
    /// The public address.
    pub const URL: &'static str = "https://api.anthropic.com";

    /// The `anthropic-version` that is sent unless told otherwise: the newest that there is (the
    /// API's documentation, versioning page).
    pub const VERSION: &'static str = "2026-10-21";

    /// At this address, with the default version.
    #[must_use]
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            version: HeaderValue::from_static(Self::VERSION),
        }
    }

    /// At the public address, with the default version.
    ///
    /// # Errors
    ///
    /// None: the address is a legal one.
    pub fn public() -> Result<Self, Error> {
        BaseUrl::parse(Self::URL, Cleartext::LoopbackOnly).map(Self::new)
    }

    /// Sends another `anthropic-version`.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it is empty or not one line of visible ASCII.
    pub fn version(mut self, version: &str) -> Result<Self, Error> {
        let legal = |version: &HeaderValue| {
            !version.is_empty() && version.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        self.version = HeaderValue::from_str(version)
            .ok()
            .filter(legal)
            .ok_or_else(|| Error::invalid_config("version", "must be a date such as 2026-10-21"))?;
        Ok(self)
    }
}

impl Backend for ClaudeApi {
    fn label(&self) -> &'static str {
        "claude_api"
    }

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
        let mut request = Request::new(operation.method, self.base_url.join(&operation.path)?);
        request.headers = operation.headers;
        request
            .headers
            .insert(ANTHROPIC_VERSION, self.version.clone());
        if !operation.body.is_empty() && !request.headers.contains_key(CONTENT_TYPE) {
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(CONTENT_TYPE, json);
        }
        request.body = operation.body;
        request.head_limit = operation.head_limit;
        Ok(request)
    }

    fn heads(&self) -> Heads {
        Heads::Same
    }

    fn authorize(
        &self,
        request: &mut Request,
        secret: Secret<'_>,
        _: SystemTime,
    ) -> Result<(), Error> {
        secret.write(&mut request.headers)
    }
}
