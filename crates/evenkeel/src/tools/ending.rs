use std::fmt;

use evenkeel_messages::MessageRequest;

use crate::{Ledger, Reply};

/// How a run of tools ended. A run that ended otherwise failed, with an [`Error`](crate::Error).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunEnding {
    /// The model ended its turn and said something.
    Answered,
    /// The model ended its turn and said nothing. Asking the same again brings the same: say
    /// something, such as "Please continue".
    Empty,
    /// The model refused. What it said before that is to be discarded and is not part of the
    /// conversation; the reply's `stop_details` say more.
    Refused,
    /// The reply reached `max_tokens`, perhaps inside a call. None of its calls ran, whole or not,
    /// and it is not part of the conversation: raise the limit with
    /// [`update`](crate::ToolRunner::update), and run again.
    MaxTokens,
    /// The model's context is full. None of the reply's calls ran, and it is not part of the
    /// conversation, which has to become shorter.
    ContextWindow,
    /// As many replies came as the run may ask for. Calls of the last did not run; another run runs
    /// them, and goes on.
    StepLimit,
    /// As many tokens were used as the run may use. Calls of the last reply did not run; another run
    /// runs them, and goes on.
    TokenLimit,
    /// Who approves calls said to stop. None of the reply's calls ran; another run asks again.
    Stopped,
    /// The model stopped for its tools, and called none that runs here.
    NothingCalled,
    /// The model stopped for a reason that this version does not know. None of the reply's calls
    /// ran.
    Unknown,
}

impl RunEnding {
    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Empty => "empty",
            Self::Refused => "refused",
            Self::MaxTokens => "max_tokens",
            Self::ContextWindow => "context_window",
            Self::StepLimit => "step_limit",
            Self::TokenLimit => "token_limit",
            Self::Stopped => "stopped",
            Self::NothingCalled => "nothing_called",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for RunEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "the model answered",
            Self::Empty => "the model ended its turn without a word",
            Self::Refused => "the model refused",
            Self::MaxTokens => "the reply was cut off at max_tokens",
            Self::ContextWindow => "the reply was cut off because the model's context is full",
            Self::StepLimit => "the run reached its limit of steps",
            Self::TokenLimit => "the run reached its limit of tokens",
            Self::Stopped => "the run was stopped before the calls of the last reply",
            Self::NothingCalled => "the model stopped for a tool and called none",
            Self::Unknown => "the model stopped for a reason that is not known here",
        })
    }
}

/// How a run of tools ended, and all that there is of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "how the run ended says whether there is an answer"]
pub struct ToolRun {
    /// How.
    pub ending: RunEnding,
    /// The last reply. Where it was cut off or refused it is here and not in the conversation.
    pub reply: Reply,
    /// The conversation so far, ready to be sent: calls that have no result are answered as not run.
    pub conversation: MessageRequest,
    /// How many replies came in this run.
    pub steps: u32,
    /// What this run is known to have used.
    pub ledger: Ledger,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_says_what_happened() {
        let endings = [
            RunEnding::Answered,
            RunEnding::Empty,
            RunEnding::Refused,
            RunEnding::MaxTokens,
            RunEnding::ContextWindow,
            RunEnding::StepLimit,
            RunEnding::TokenLimit,
            RunEnding::Stopped,
            RunEnding::NothingCalled,
            RunEnding::Unknown,
        ];
        let lines = endings.map(|ending| format!("{}: {ending}", ending.label()));
        insta::assert_snapshot!(lines.join("\n"), @r"
        answered: the model answered
        empty: the model ended its turn without a word
        refused: the model refused
        max_tokens: the reply was cut off at max_tokens
        context_window: the reply was cut off because the model's context is full
        step_limit: the run reached its limit of steps
        token_limit: the run reached its limit of tokens
        stopped: the run was stopped before the calls of the last reply
        nothing_called: the model stopped for a tool and called none
        unknown: the model stopped for a reason that is not known here
        ");
    }
}
