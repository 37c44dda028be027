//! What the other endpoints send and take: token counts, models, batches, files, pages of them.

mod batch;
mod file;
mod follow_up;
mod lines;
mod model;
mod page;
mod results;

pub use batch::{Batch, BatchCounts, BatchRequest, BatchStatus, CreateBatch};
pub use file::{Deleted, File};
pub use follow_up::FollowUp;
pub use lines::{DEFAULT_LINE_LIMIT, JsonLines, Line};
pub use model::{
    Capabilities, ContextCapability, EffortCapability, Lifecycle, Model, ServerToolsCapability,
    Support, ThinkingCapability, ThinkingForms,
};
pub use page::{NextPage, Page};
pub use results::{BatchItem, BatchOutcome, BatchResults};

object! {
    /// How many input tokens a request has: what `POST /v1/messages/count_tokens` answers.
    TokenCount {
        /// Input tokens; an estimate, close by.
        input_tokens: u64,
    } {
        /// With context management: what there was before.
        context_management: CountedContext,
    } [] ()
}

object! {
    /// What there was before context management.
    CountedContext {} {} [
        /// Input tokens before anything was removed.
        original_input_tokens: u64,
    ] ()
}

#[cfg(test)]
mod tests;
