#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod base_url;
mod body;
mod extra_headers;
mod path;
mod request;
mod response;
mod stream_body;
mod transport;

#[cfg(feature = "reqwest")]
mod clock;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "reqwest")]
mod reqwest_adapter;

/// What an implementation of [`Transport`] says with: the failure, what is known of a response head, and
/// the facts about where it failed.
pub use evenkeel_error::{Delivery, Error, Facts, Phase};

pub use backend::{Backend, ClaudeApi, ClaudePlatformOnAws, Operation, ReplyForm, Secret};
pub use base_url::{BaseUrl, Cleartext};
pub use body::{Body, Filled};
pub use extra_headers::ExtraHeaders;
pub use path::Path;
pub use request::Request;
pub use response::{Form, Response};
pub use stream_body::{BodyFault, BodyReader, BodyState, StreamBodies, StreamBody};
pub use transport::{BoxFuture, Transport};

/// The version of reqwest that [`ReqwestTransport::from_reqwest`] takes.
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use reqwest;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use reqwest_adapter::{HttpVersions, ReqwestTransport, ReqwestTransportBuilder};
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "rustls-no-provider", feature = "native-tls")))
)]
pub use reqwest_adapter::{Roots, TlsBackend};
