#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
mod body;
mod request;
mod response;
mod transport;

#[cfg(feature = "reqwest")]
mod clock;
#[cfg(feature = "reqwest")]
mod reqwest_adapter;

/// What an implementation of [`Transport`] says with: the failure, what is known of a response head, and
/// the facts about where it failed.
pub use evenkeel_error::{Delivery, Error, Facts, Phase};

pub use base_url::{BaseUrl, Cleartext};
pub use body::Body;
pub use request::Request;
pub use response::Response;
pub use transport::{BoxFuture, Transport};

#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use reqwest_adapter::{ReqwestTransport, ReqwestTransportBuilder};
