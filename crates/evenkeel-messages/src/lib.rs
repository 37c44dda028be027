#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accumulator;
mod block;
mod decoder;
mod effort;
mod event;
mod extra;
mod param;
mod partial;
mod raw;
mod reply;
mod request;
mod role;
pub mod sse;
mod stall;
mod stop;
mod thinking;
mod tool;
mod usage;
mod verdict;

pub use accumulator::{Accumulator, ServerTools};
pub use block::{
    ContentBlock, RedactedThinkingBlock, ServerToolUse, TextBlock, ThinkingBlock, ToolUse,
    UnknownBlock,
};
pub use decoder::{DEFAULT_BODY_LIMIT, Decoder};
pub use effort::Effort;
pub use event::{Delta, MessageDelta, MessageHead, RawEvent, StreamEvent};
pub use extra::Extra;
pub use param::{Content, MessageParam};
pub use partial::{Partial, UnfinishedTool};
pub use raw::RawJson;
pub use reply::Message;
pub use request::{MessageRequest, Streaming};
pub use role::Role;
pub use sse::Tail;
pub use stall::{StallClock, StallLimits, StallVerdict};
pub use stop::StopReason;
pub use thinking::{Display, Thinking};
pub use tool::{Tool, ToolChoice};
pub use usage::Usage;
pub use verdict::{End, Incomplete, Verdict};
