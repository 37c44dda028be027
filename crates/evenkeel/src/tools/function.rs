use std::fmt;
use std::sync::Arc;

use evenkeel_error::InvalidConfig;
use evenkeel_messages::{Tool, ToolUse};
use evenkeel_transport::BoxFuture;

use super::crew::Outcome;
use crate::IntoToolResult;

/// A tool that runs here: what the model is told of it, and the async function that is called.
///
/// Cheap to clone; clones share the function. What calls share, the function captures.
///
/// The function runs inside the future of the run, so what computes for long belongs on a thread of
/// its own (`tokio::task::spawn_blocking`), and what may take for ever wants a limit of its own
/// (`tokio::time::timeout`): none is set here. It is dropped when the run is.
#[derive(Clone)]
#[must_use]
pub struct FunctionTool {
    definition: Result<Tool, InvalidConfig>,
    name: String,
    function: Arc<dyn Fn(ToolUse) -> BoxFuture<'static, Outcome> + Send + Sync>,
}

impl FunctionTool {
    /// A tool whose arguments are an `A`: its JSON Schema, with the comments on its fields, is what
    /// the model is told. Arguments that are no `A` do not reach the function; the model is told what
    /// is wrong with them.
    ///
    /// `name`: 1 to 64 of `a–z A–Z 0–9 _ -`. `description`: what it does and when to use it.
    #[cfg(feature = "schema")]
    #[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
    pub fn new<A, F, R>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        A: serde::de::DeserializeOwned + schemars::JsonSchema,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: Future<Output: IntoToolResult> + Send + 'static,
    {
        let name = name.into();
        let definition = crate::schema::of::<A>().map(|schema| {
            let tool = evenkeel_messages::CustomTool::new(name.clone(), schema);
            tool.description(description).into()
        });
        Self::with(definition, name, move |call| {
            let arguments = call.input.parse::<A>();
            let running = arguments.map(&function);
            Box::pin(async move {
                match running {
                    Ok(running) => running.await.into_tool_result(),
                    Err(error) => Err(format!(
                        "This call was not run: its input does not match the schema: {error}."
                    )),
                }
            })
        })
    }

    /// A tool with a definition of the caller's, which may also be one that the API defines and that
    /// runs at the caller, such as [`Tool::bash`]. The function gets the whole call.
    pub fn raw<F, R>(definition: impl Into<Tool>, function: F) -> Self
    where
        F: Fn(ToolUse) -> R + Send + Sync + 'static,
        R: Future<Output: IntoToolResult> + Send + 'static,
    {
        let definition = definition.into();
        let name = match &definition {
            Tool::Custom(tool) => tool.name.clone(),
            Tool::BuiltIn(tool) => tool.name.clone(),
            _ => String::new(),
        };
        Self::with(Ok(definition), name, move |call| {
            let running = function(call);
            Box::pin(async move { running.await.into_tool_result() })
        })
    }

    fn with<F>(definition: Result<Tool, InvalidConfig>, name: String, function: F) -> Self
    where
        F: Fn(ToolUse) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
    {
        let definition = if is_name(&name) {
            definition
        } else {
            let rule = "must have a name of 1 to 64 letters, digits, underscores and hyphens";
            Err(InvalidConfig::new("tool", rule))
        };
        Self {
            definition,
            name,
            function: Arc::new(function),
        }
    }

    /// The model's input always matches the schema. The schema is changed to what the API takes for
    /// that, as for [`json_schema`](crate::json_schema()); at most 20 tools of a request can be strict.
    #[cfg(feature = "schema")]
    #[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
    pub fn strict(mut self) -> Self {
        self.definition = self.definition.and_then(|definition| match definition {
            Tool::Custom(tool) => {
                let schema = crate::schema::constrained(&tool.input_schema)?;
                let mut tool = tool.strict();
                tool.input_schema = schema;
                Ok(tool.into())
            }
            other => Ok(other),
        });
        self
    }

    /// What a call names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the model is told, or what is wrong with it.
    pub(super) fn definition(&self) -> Result<&Tool, InvalidConfig> {
        self.definition.as_ref().map_err(|broken| *broken)
    }

    /// The call, which begins when it is polled.
    pub(super) fn call(&self, call: ToolUse) -> BoxFuture<'static, Outcome> {
        let function = Arc::clone(&self.function);
        Box::pin(async move { function(call).await })
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
