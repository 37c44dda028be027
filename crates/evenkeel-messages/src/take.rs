//! Fields out of objects without a copy of what is only looked through: a large result is scanned
//! once for each level that it is deep, and copied once.

use serde_json::value::RawValue;

use crate::extra::Key;
use crate::{JsonObject, RawJson};

/// A value of a field, read out of the text that holds it.
pub(crate) trait Take<'a>: Sized {
    /// `None` if it has another shape.
    fn take_from(raw: &'a RawValue) -> Option<Self>;

    /// The elements of an array; `None` if one of them has another shape.
    fn take_all(raw: &'a RawValue) -> Option<Vec<Self>> {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        let mut all = Vec::new();
        for item in items {
            all.push(Self::take_from(item)?);
        }
        Some(all)
    }
}

macro_rules! take_by_serde {
    ($($type:ty),*) => {
        $(impl<'a> $crate::take::Take<'a> for $type {
            fn take_from(raw: &'a serde_json::value::RawValue) -> Option<Self> {
                serde_json::from_str(raw.get()).ok()
            }
        })*
    };
}

take_by_serde!(String, Key<'a>, bool, u32, u64, i64);

impl<'a> Take<'a> for &'a RawValue {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        Some(raw)
    }
}

impl<'a> Take<'a> for RawJson {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        Some(Self::copy(raw))
    }
}

impl<'a> Take<'a> for JsonObject {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        raw.get()
            .starts_with('{')
            .then(|| RawJson::copy(raw))?
            .try_into()
            .ok()
    }
}

impl<'a, T: Take<'a>> Take<'a> for Box<T> {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        T::take_from(raw).map(Self::new)
    }
}

/// `null` is `None`.
impl<'a, T: Take<'a>> Take<'a> for Option<T> {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        if raw.get() == "null" {
            return Some(None);
        }
        T::take_from(raw).map(Some)
    }
}

impl<'a, T: Take<'a>> Take<'a> for Vec<T> {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        if !raw.get().starts_with('[') {
            return None;
        }
        T::take_all(raw)
    }
}
