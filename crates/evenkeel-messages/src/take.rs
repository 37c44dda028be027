//! Fields out of objects without a copy of what is only looked through: a large result is scanned
//! once for each level that it is deep, and copied once.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use crate::extra::Key;
use crate::{JsonObject, RawJson};

/// A value of a field, read out of the text that holds it.
pub(crate) trait Take<'a>: Sized {
    /// `None` if it has another shape.
    fn take_from(raw: &'a RawValue) -> Option<Self>;

    /// The elements of an array; `None` if one of them has another shape.
    fn take_all(raw: &'a RawValue) -> Option<Vec<Self>> {
        each(raw, Self::take_from)
    }
}

/// The elements of an array, each read as it is come upon; `None` if one of them cannot be.
pub(crate) fn each<'a, E, T, F>(raw: &'a RawValue, read: F) -> Option<Vec<T>>
where
    E: Deserialize<'a>,
    F: Fn(E) -> Option<T>,
{
    let mut array = serde_json::Deserializer::from_str(raw.get());
    let read = Each(read, PhantomData);
    array.deserialize_seq(read).ok()
}

struct Each<E, F>(F, PhantomData<E>);

impl<'a, E, T, F> Visitor<'a> for Each<E, F>
where
    E: Deserialize<'a>,
    F: Fn(E) -> Option<T>,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(raw) = array.next_element()? {
            let element = (self.0)(raw).ok_or_else(|| A::Error::custom("another shape"))?;
            if elements.is_empty() {
                // Most replies have one block, and a block is large.
                elements.reserve_exact(1);
            }
            elements.push(element);
        }
        Ok(elements)
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

take_by_serde!(bool, u32, i64);

impl<'a> Take<'a> for Key<'a> {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        if let Some(rest) = text.strip_prefix('"')
            && memchr::memchr(b'\\', rest.as_bytes()).is_none()
        {
            // It is JSON: without an escape, what stands between the quotes is what it says.
            return rest.strip_suffix('"').map(Cow::Borrowed).map(Self);
        }
        serde_json::from_str(text).ok()
    }
}

impl<'a> Take<'a> for String {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        Key::take_from(raw).map(|Key(text)| text.into_owned())
    }
}

impl<'a> Take<'a> for u64 {
    fn take_from(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        // It is JSON: digits alone are a number, and so few of them fit.
        if text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let digit = |byte: u8| Self::from(byte - b'0');
            return Some(text.bytes().fold(0, |sum, byte| sum * 10 + digit(byte)));
        }
        serde_json::from_str(text).ok()
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_is_what_the_parser_says_that_it_is(
            text in proptest::string::string_regex("[a-z\"\\\\\n\u{1}ü🗼]{0,12}").unwrap(),
            number in any::<i128>(),
            short in 0..1_000_u64,
        ) {
            let numbers = [number.to_string(), short.to_string(), format!("{short}.0"), u64::MAX.to_string()];
            let quoted = serde_json::to_string(&text).unwrap();
            let other = ["null", "true", "{}", "[]", "1e3", "-1"].map(String::from);
            for json in numbers.into_iter().chain([quoted]).chain(other) {
                let raw: &RawValue = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(u64::take_from(raw), serde_json::from_str(&json).ok());
                prop_assert_eq!(String::take_from(raw), serde_json::from_str(&json).ok());
            }
        }
    }
}
