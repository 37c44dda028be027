//! Tools that run here, and the loop between them and the model: `conversation.rs` is the machine,
//! the others are its shell.

mod allowance;
mod approval;
mod conversation;
mod crew;
mod ending;
mod function;
mod output;
mod runner;

pub use approval::Approval;
pub use ending::{RunEnding, ToolRun};
pub use function::FunctionTool;
pub use output::{IntoToolResult, Json};
pub use runner::ToolRunner;
