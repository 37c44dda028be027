#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use]
mod sketch;
#[macro_use]
mod take;
#[macro_use]
mod object;
#[macro_use]
mod tagged;
#[macro_use]
mod word;

mod accumulator;
mod block;
mod cache;
mod collection;
mod config;
mod decoder;
mod delta;
mod effort;
mod event;
mod extra;
mod param;
mod partial;
mod raw;
mod reply;
mod request;
mod resume;
mod role;
mod rope;
pub mod sse;
mod stall;
mod stop;
mod thinking;
mod tool;
mod unknown;
mod usage;
mod verdict;
mod version;

pub use accumulator::{Accumulator, ServerTools};
pub use block::*;
pub use cache::{CacheControl, CacheTtl};
pub use collection::*;
pub use config::*;
pub use decoder::{DEFAULT_BODY_LIMIT, Decoder};
pub use delta::{
    CitationsDelta, CompactionDelta, Delta, DeltaRef, InputJsonDelta, SignatureDelta, TextDelta,
    ThinkingDelta,
};
pub use effort::Effort;
pub use event::{EventRef, MessageDelta, MessageHead, RawEvent, StreamEvent};
pub use extra::Extra;
pub use param::{Content, MessageParam};
pub use partial::{Partial, UnfinishedTool, UnmergedDelta};
pub use raw::{JsonObject, RawJson};
pub use reply::{Message, ReplyDetails};
pub use request::{MessageRequest, Streaming};
pub use resume::{
    Continuation, ContinuationForm, NoResume, Released, Resume, ResumePolicy, may_restart, resume,
};
pub use role::Role;
pub use sse::Tail;
pub use stall::{StallClock, StallLimits, StallVerdict};
pub use stop::{RefusalCategory, StopDetails, StopReason};
pub use thinking::*;
pub use tool::*;
pub use unknown::UnknownObject;
pub use usage::*;
pub use verdict::{End, Incomplete, Position, Strictness, Verdict};
pub use version::ApiVersion;
