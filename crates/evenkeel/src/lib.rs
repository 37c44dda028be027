#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod bounded;
mod builder;
#[cfg(feature = "breaker")]
mod circuit;
mod client;
mod clock;
mod credential;
#[cfg(any(feature = "retry", feature = "breaker"))]
mod dice;
#[cfg(feature = "reqwest")]
mod environment;
mod failure;
mod gate;
mod live;
mod patience;
mod pipeline;
mod reply;
mod resource;
mod shared;
mod stream;
mod timers;

pub use attempt::{Attempt, Outcome};
pub use builder::ClientBuilder;
pub use client::Client;
pub use credential::Credential;
pub use evenkeel_error::{Category, Delivery, ErrorKind, Recovery};
pub use evenkeel_event::Stopped;
pub use evenkeel_messages::{Message, MessageRequest};
pub use failure::{Error, Report};
pub use patience::Patience;
pub use pipeline::Fetch;
pub use reply::{Billing, Meta, Reply};
pub use resource::Messages;
pub use stream::MessageStream;

/// The layers, each also a crate of its own.
#[cfg(feature = "retry")]
#[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
#[doc(inline)]
pub use evenkeel_backoff as backoff;
#[cfg(feature = "breaker")]
#[cfg_attr(docsrs, doc(cfg(feature = "breaker")))]
#[doc(inline)]
pub use evenkeel_breaker as breaker;
#[doc(inline)]
pub use evenkeel_error as error;
#[doc(inline)]
pub use evenkeel_event as event;
#[doc(inline)]
pub use evenkeel_messages as messages;
#[doc(inline)]
pub use evenkeel_transport as transport;
