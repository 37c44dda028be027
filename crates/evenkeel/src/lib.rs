#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answered;
mod attempt;
mod batches;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod bounded;
mod builder;
mod cadence;
#[cfg(feature = "breaker")]
mod circuit;
mod client;
mod clock;
mod creation;
mod credential;
mod dice;
mod download;
mod dry_run;
#[cfg(feature = "reqwest")]
mod environment;
mod failure;
mod fallback;
mod files;
mod gate;
mod identity;
mod latch;
mod ledger;
mod limits;
mod listing;
mod live;
mod models;
mod multipart;
#[cfg(test)]
mod nowhere;
mod options;
mod patience;
mod pipeline;
mod poller;
mod raw;
mod renewal;
mod repeat;
mod reply;
mod reply_event;
mod resource;
#[cfg(feature = "retry")]
mod restart;
mod result_stream;
#[cfg(feature = "schema")]
mod schema;
mod shared;
mod stream;
mod sync;
mod timers;
mod tools;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;
#[cfg(feature = "schema")]
mod typed;
mod upload;
#[cfg(feature = "breaker")]
mod wake;

pub use answered::Answered;
pub use attempt::{Attempt, Outcome};
pub use batches::Batches;
pub use builder::ClientBuilder;
pub use client::Client;
pub use credential::Credential;
pub use download::Download;
pub use dry_run::DryRun;
pub use evenkeel_error::{Category, Delivery, ErrorKind, Recovery};
pub use evenkeel_event::{Stopped, Trigger};
pub use evenkeel_messages::{Message, MessageRequest};
pub use failure::{Error, Report};
pub use fallback::Fallback;
pub use files::Files;
pub use ledger::Ledger;
pub use listing::Listing;
pub use models::Models;
pub use options::{Ambiguous, Fetch};
pub use patience::Patience;
pub use poller::BatchPoller;
pub use raw::{Raw, RawReply};
pub use renewal::{CredentialProvider, Token};
pub use reply::{Billing, FellBack, Meta, Reply};
pub use reply_event::ReplyEvent;
pub use resource::Messages;
#[cfg(feature = "retry")]
#[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
pub use restart::Restart;
pub use result_stream::ResultStream;
#[cfg(feature = "schema")]
pub use schema::json_schema;
pub use stream::MessageStream;
pub use tools::{Approval, FunctionTool, IntoToolResult, Json, RunEnding, ToolRun, ToolRunner};
#[cfg(feature = "schema")]
#[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
pub use typed::{Mismatch, Typed, TypedError};
pub use upload::Upload;

/// What the types have to derive whose schemas are made here.
#[cfg(feature = "schema")]
#[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
pub use schemars;

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
