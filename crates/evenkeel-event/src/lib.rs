#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod event;
mod observer;
mod stopped;
mod wait;

pub use event::{CallId, Circuit, Event, Scope, What};
pub use observer::Observer;
pub use stopped::Stopped;
pub use wait::WaitReason;
