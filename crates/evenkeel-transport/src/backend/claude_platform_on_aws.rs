use std::time::SystemTime;

use evenkeel_error::Error;
use http::{HeaderName, HeaderValue};

use super::{Backend, ClaudeApi, Heads, Operation, Secret};
use crate::{BaseUrl, Cleartext, Request};

/// Which workspace is asked: the back end's, for a key is made for one.
const WORKSPACE: HeaderName = HeaderName::from_static("anthropic-workspace-id");
static RESERVED: [HeaderName; 1] = [WORKSPACE];

/// Claude Platform on AWS: the Claude API's own wire at an address in an AWS region, billed by AWS,
/// with a capacity of its own.
///
/// It is authenticated with an API key that was made for the workspace. AWS's own signatures
/// (`SigV4`, service `aws-external-anthropic`) are not made here; a [`Backend`] of your own can.
///
/// ```
/// use evenkeel_transport::{Backend, ClaudePlatformOnAws};
///
/// let aws = ClaudePlatformOnAws::new("us-west-2", "wrkspc_01")?;
/// assert_eq!(aws.base_url().origin(), "https://aws-external-anthropic.us-west-2.api.aws");
/// # Ok::<(), evenkeel_error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClaudePlatformOnAws {
    api: ClaudeApi,
    workspace: HeaderValue,
}

impl ClaudePlatformOnAws {
    /// In this region, for this workspace (`wrkspc_…`), which every request must name (AWS's user
    /// guide to Claude Platform on AWS, "Making requests").
    ///
    /// # Errors
    ///
    /// `invalid_config` when the region is not letters, digits and hyphens, or the workspace is empty
    /// or not one line of visible ASCII.
    pub fn new(region: &str, workspace: &str) -> Result<Self, Error> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(legal) {
            return Err(Error::invalid_config(
                "region",
                "must be an AWS region such as us-west-2",
            ));
        }
        let url = format!("https://aws-external-anthropic.{region}.api.aws");
        Self::at(BaseUrl::parse(&url, Cleartext::LoopbackOnly)?, workspace)
    }

    /// At another address: a private endpoint, a gateway.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) for the workspace.
    pub fn at(base_url: BaseUrl, workspace: &str) -> Result<Self, Error> {
        let legal =
            |id: &HeaderValue| !id.is_empty() && id.as_bytes().iter().all(u8::is_ascii_graphic);
        let workspace = HeaderValue::from_str(workspace)
            .ok()
            .filter(legal)
            .ok_or_else(|| {
                Error::invalid_config("workspace", "must be a workspace's id, wrkspc_…")
            })?;
        Ok(Self {
            api: ClaudeApi::new(base_url),
            workspace,
        })
    }

    /// Sends another `anthropic-version` than [`ClaudeApi::VERSION`].
    ///
    /// # Errors
    ///
    /// As [`ClaudeApi::version`].
    pub fn version(mut self, version: &str) -> Result<Self, Error> {
        self.api = self.api.version(version)?;
        Ok(self)
    }
}

impl Backend for ClaudePlatformOnAws {
    fn label(&self) -> &'static str {
        "claude_platform_on_aws"
    }

    fn base_url(&self) -> &BaseUrl {
        self.api.base_url()
    }

    fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
        if operation.headers.contains_key(WORKSPACE) {
            return Err(Error::invalid_config(
                &format!("header {WORKSPACE}"),
                "may not be set here: the back end names its own workspace; another workspace needs a \
                 back end and a client of its own",
            ));
        }
        let mut request = self.api.request(operation)?;
        request.headers.insert(WORKSPACE, self.workspace.clone());
        Ok(request)
    }

    fn heads(&self) -> Heads {
        self.api.heads()
    }

    fn authorize(
        &self,
        request: &mut Request,
        secret: Secret<'_>,
        at: SystemTime,
    ) -> Result<(), Error> {
        self.api.authorize(request, secret, at)
    }

    fn reserved_headers(&self) -> &[HeaderName] {
        &RESERVED
    }
}
