use std::ops::Deref;

use evenkeel_error::Error as Failure;
use serde::de::DeserializeOwned;

use crate::pipeline::Answer;
use crate::reply::Meta;

/// An answer in one piece, and how it was got. Dereferences to the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// How it was got.
    pub meta: Meta,
}

impl<T> Answered<T> {
    pub(crate) fn new((value, meta): (T, Meta)) -> Self {
        Self { value, meta }
    }
}

impl<T> Deref for Answered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Reads an answer in JSON. The failure says where it is wrong, and nothing of what it holds.
pub(crate) fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    read(&answer.body)
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::protocol(format!(
            "the answer is not of the form that was asked for, at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}
