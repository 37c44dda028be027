use std::ops::Deref;
use std::time::Duration;

use evenkeel_error::Facts;
use evenkeel_event::Trigger;
use evenkeel_messages::Message;

use crate::{Attempt, Ledger};

/// A complete message, and how it was got. Dereferences to the message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The message.
    pub message: Message,
    /// How it was got.
    pub meta: Meta,
}

/// How a reply was got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Meta {
    /// Status, request id, rate limits: what the head of the reply said.
    pub facts: Facts,
    /// Every request that was sent, in order; the last is complete.
    pub attempts: Vec<Attempt>,
    /// From the start of the call to the end of the reply.
    pub elapsed: Duration,
    /// Whether an earlier attempt may have been carried out, and billed, although its reply was lost.
    pub billing: Billing,
    /// The fallbacks that the call went to, in order; the last of them gave the reply, unless that
    /// is the refusal of a model before it.
    pub fallbacks: Vec<FellBack>,
}

impl Meta {
    /// What all attempts together are known to have used.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.attempts)
    }
}

/// A step from one model to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FellBack {
    /// The model that brought no reply.
    pub from: String,
    /// The model that was asked then.
    pub to: String,
    /// Why.
    pub trigger: Trigger,
}

/// Whether a call may have been paid for more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Billing {
    /// No attempt but the last can have produced anything.
    Once,
    /// An attempt whose answer was lost or cut may have been billed as well.
    PossiblyBilled,
}

impl Deref for Reply {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

/// The message without how it was got, as [`MessageRequest::reply`] takes it back into a conversation.
///
/// [`MessageRequest::reply`]: crate::MessageRequest::reply
impl From<Reply> for Message {
    fn from(reply: Reply) -> Self {
        reply.message
    }
}
