use std::fmt;

use evenkeel_messages::{Content, ContentBlock};
use serde::Serialize;

/// What the function of a tool may return: a text, blocks of content, [`Json`], or a `Result` of one
/// of them with any error that can be displayed.
///
/// An error goes to the model, marked as one (`is_error`), in the words of its `Display` and no
/// others: what must not leave the program must not be in them.
pub trait IntoToolResult {
    /// The content of the result, or what the model is told of the failure.
    ///
    /// # Errors
    ///
    /// When the tool failed.
    fn into_tool_result(self) -> Result<Content, String>;
}

/// A result that is told as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(
    /// What has a JSON form.
    pub T,
);

impl<T: Serialize> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> Result<Content, String> {
        match serde_json::to_string(&self.0) {
            Ok(json) => Ok(Content::Text(json)),
            Err(_) => Err("The tool ran, but its result has no JSON form.".to_owned()),
        }
    }
}

impl<T: IntoToolResult, E: fmt::Display> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> Result<Content, String> {
        match self {
            Ok(output) => output.into_tool_result(),
            Err(error) => Err(error.to_string()),
        }
    }
}

macro_rules! content {
    ($($type:ty)*) => {
        $(impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<Content, String> {
                Ok(self.into())
            }
        })*
    };
}

content!(&'static str String Content ContentBlock Vec<ContentBlock>);
