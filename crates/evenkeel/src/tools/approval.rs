use evenkeel_messages::ToolUse;
use evenkeel_transport::BoxFuture;

/// Whether a call may run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Approval {
    /// It may.
    Approve,
    /// It may not, and the model is told so, and why. The other calls of the reply are not touched.
    Refuse(String),
    /// Neither it nor any other call of the reply runs, and the run ends with
    /// [`RunEnding::Stopped`](crate::RunEnding::Stopped). The calls stay as they are: another run
    /// asks again.
    Stop,
}

impl Approval {
    /// A refusal for this reason.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

/// Asks somebody about a call.
pub(super) type Ask = Box<dyn Fn(ToolUse) -> BoxFuture<'static, Approval> + Send + Sync>;
