use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{Extra, RawJson};

/// A tool that the model may call.
///
/// ```
/// use evenkeel_messages::{RawJson, Tool};
///
/// let schema = RawJson::from_text(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#)?;
/// let tool = Tool::new("weather", schema).description("The weather in a city, now.");
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Tool(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Custom {
        name: String,
        description: Option<String>,
        input_schema: RawJson,
        extra: Extra,
    },
    Raw(RawJson),
}

impl Tool {
    /// A tool of the caller's. `name`: 1 to 64 of `a–z A–Z 0–9 _ -`; `input_schema`: a JSON Schema
    /// of type object. The server checks both.
    pub fn new(name: impl Into<String>, input_schema: RawJson) -> Self {
        let (name, description, extra) = (name.into(), None, Extra::default());
        Self(Form::Custom {
            name,
            description,
            input_schema,
            extra,
        })
    }

    /// Any other tool from its JSON: the server's own tools, client tools with a fixed schema.
    #[must_use]
    pub fn from_raw(raw: RawJson) -> Self {
        Self(Form::Raw(raw))
    }

    /// What it does and when to use it. Without effect on a tool from raw JSON.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        if let Form::Custom { description, .. } = &mut self.0 {
            *description = Some(text.into());
        }
        self
    }

    /// Any other field, such as `strict`. Without effect on a tool from raw JSON.
    #[must_use]
    pub fn extra(mut self, name: &str, value: RawJson) -> Self {
        if let Form::Custom { extra, .. } = &mut self.0 {
            extra.set(name, value);
        }
        self
    }
}

impl Serialize for Tool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Raw(raw) => raw.serialize(serializer),
            Form::Custom {
                name,
                description,
                input_schema,
                extra,
            } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("name", name)?;
                if let Some(description) = description {
                    map.serialize_entry("description", description)?;
                }
                map.serialize_entry("input_schema", input_schema)?;
                extra.write(&mut map)?;
                map.end()
            }
        }
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Custom { name, .. } => f.debug_tuple("Tool").field(name).finish(),
            Form::Raw(raw) => f.debug_tuple("Tool").field(raw).finish(),
        }
    }
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// One at least; not every model can be forced.
    Any,
    /// This one; not every model can be forced.
    Tool {
        /// The tool.
        name: String,
    },
    /// None.
    None,
}
