//! What the API's documentation says about errors, as data: nothing here decides anything.

mod codes;
mod error_types;
mod kinds;
mod messages;
mod statuses;

pub(super) use codes::{CODES, Code};
pub(super) use error_types::{TYPES, Type};
pub(super) use kinds::{CHALLENGED, UNTRUSTED, advice, limit_advice, recovery};
pub(super) use messages::{FRAGMENTS, PREFIXES, Prefix};
pub(super) use statuses::{by_class, by_row};

#[cfg(test)]
mod tests;
