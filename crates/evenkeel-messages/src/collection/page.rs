use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::Extra;
use crate::extra::Fields;

/// One page of a list.
///
/// Models and batches are paged by ids, files by a token; [`next`](Self::next) knows both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// Whether more follows, where the server says so.
    pub has_more: Option<bool>,
    /// The id of the first thing on it.
    pub first_id: Option<String>,
    /// The id of the last thing on it.
    pub last_id: Option<String>,
    /// The token of the next page.
    pub next_page: Option<String>,
    /// Fields that are not modelled, byte for byte.
    pub extra: Extra,
}

/// How to ask for the page that follows: a parameter of the query, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPage<'a> {
    /// `after_id=…`.
    AfterId(&'a str),
    /// `page=…`.
    Page(&'a str),
}

impl<T> Page<T> {
    /// How to ask for the page that follows; `None` for the last one, and for one that does not
    /// say.
    #[must_use]
    pub fn next(&self) -> Option<NextPage<'_>> {
        if let Some(token) = &self.next_page {
            return Some(NextPage::Page(token));
        }
        let last = self.last_id.as_deref()?;
        (self.has_more == Some(true)).then_some(NextPage::AfterId(last))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let Ok(mut fields) = Fields::split(raw.get()) else {
            return Err(D::Error::custom("expected an object"));
        };
        let data = fields
            .raw("data")
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        fields.remove("data");
        Ok(Self {
            data: data.ok_or_else(|| D::Error::custom("data: expected an array"))?,
            has_more: fields.take("has_more"),
            first_id: fields.take("first_id"),
            last_id: fields.take("last_id"),
            next_page: fields.take("next_page"),
            extra: fields.into_extra(),
        })
    }
}
