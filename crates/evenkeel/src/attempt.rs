use std::time::Duration;

use evenkeel_error::{Error, ErrorKind, Facts};
use evenkeel_messages::Usage;

use crate::Billing;

/// One request that was sent, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number within the call, from 1.
    pub number: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status; `None` when no response head came.
    pub status: Option<u16>,
    /// The server's request id.
    pub request_id: Option<String>,
    /// The wait before it.
    pub waited: Duration,
    /// From its start to its end.
    pub elapsed: Duration,
    /// What the server said that it used; `None` where it said nothing, which is not the same as
    /// nothing used.
    pub usage: Option<Usage>,
    /// Whether it may have been billed although it brought nothing.
    pub billing: Billing,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a whole reply.
    Complete,
    /// With a failure of this kind.
    Failed(ErrorKind),
}

impl Outcome {
    /// `complete`, or the label of the kind.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed(kind) => kind.label(),
        }
    }
}

impl Attempt {
    pub(crate) fn complete(
        number: u32,
        facts: &Facts,
        waited: Duration,
        elapsed: Duration,
        usage: Option<&Usage>,
    ) -> Self {
        Self {
            number,
            outcome: Outcome::Complete,
            status: Some(facts.status()),
            request_id: facts.request_id().map(str::to_owned),
            waited,
            elapsed,
            usage: usage.filter(|usage| says_anything(usage)).cloned(),
            billing: Billing::Once,
        }
    }

    pub(crate) fn failed(number: u32, error: &Error, waited: Duration, elapsed: Duration) -> Self {
        Self {
            number,
            outcome: Outcome::Failed(error.kind()),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            waited,
            elapsed,
            usage: None,
            billing: Billing::Once,
        }
    }

    /// Nothing reported is no usage.
    pub(crate) fn with_usage(mut self, usage: Usage, billing: Billing) -> Self {
        self.usage = Some(usage).filter(says_anything);
        self.billing = billing;
        self
    }
}

fn says_anything(usage: &Usage) -> bool {
    // Whoever counts anything counts these two.
    let is_usual = usage.input_tokens.is_some() || usage.output_tokens.is_some();
    is_usual || *usage != Usage::default()
}
