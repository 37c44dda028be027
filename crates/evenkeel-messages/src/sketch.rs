//! `Debug` without content: what is printed by default is no prompt and no reply.

use std::fmt;

use crate::{Extra, RawJson};

/// How a field looks in `Debug`: names, numbers and sizes, never content.
pub(crate) trait Sketch {
    fn sketch(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// Text fields that name a thing and quote nobody.
const NAMES: [&str; 14] = [
    "id",
    "name",
    "tool_use_id",
    "tool_name",
    "tool_id",
    "toolset_name",
    "file_id",
    "custom_id",
    "skill_id",
    "server_name",
    "mcp_server_name",
    "model",
    "media_type",
    "version",
];

/// Names, numbers and sizes are all that these types show.
macro_rules! sketch_as_debug {
    ($($type:ty),*) => {
        $(impl $crate::sketch::Sketch for $type {
            fn sketch(&self, _: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        })*
    };
}

impl Sketch for String {
    fn sketch(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if NAMES.contains(&field) {
            fmt::Debug::fmt(self, f)
        } else {
            write!(f, "{} bytes", self.len())
        }
    }
}

impl<T> Sketch for Vec<T> {
    fn sketch(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} items", self.len())
    }
}

impl<T: Sketch> Sketch for Box<T> {
    fn sketch(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().sketch(field, f)
    }
}

sketch_as_debug!(bool, u32, u64, i64, RawJson, Extra);

/// A field on its way into `Debug`.
pub(crate) struct Sketched<'a, T>(pub(crate) &'a str, pub(crate) &'a T);

impl<T: Sketch> fmt::Debug for Sketched<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.sketch(self.0, f)
    }
}
