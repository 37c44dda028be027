use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::RawJson;
use crate::take::Take;

/// The fields of an object that this crate does not model: in their order, byte for byte.
///
/// They are written back after the modelled ones, so an object that came from the API returns to
/// it as equal JSON. `Debug` shows the names only.
///
/// One word wide; without fields it allocates nothing.
#[derive(Clone, Default, PartialEq, Eq)]
#[allow(
    clippy::box_collection,
    reason = "every object has one, and nearly all are empty: one word instead of three"
)]
pub struct Extra(Option<Box<Vec<Field>>>);

type Field = (Box<str>, RawJson);

/// Few objects have more fields: room for them is made at once.
const USUAL: usize = 8;

/// From so many fields on, names are looked up in a set: a reply must not cost the square of its
/// size.
const MANY: usize = 32;

impl Extra {
    /// The field called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawJson> {
        self.fields()
            .iter()
            .rfind(|(key, _)| **key == *name)
            .map(|(_, value)| value)
    }

    /// Each field, in its order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.fields()
            .iter()
            .map(|(key, value)| (key.as_ref(), value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn fields(&self) -> &[Field] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Adds a field, or replaces the one of that name in its place.
    pub(crate) fn set(&mut self, name: impl Into<Box<str>>, value: RawJson) {
        let name = name.into();
        let fields = self.0.get_or_insert_default();
        match fields.iter_mut().rfind(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => fields.push((name, value)),
        }
    }

    /// Adds a field that came behind the others.
    pub(crate) fn push(&mut self, name: impl Into<Box<str>>, value: RawJson) {
        self.0.get_or_insert_default().push((name.into(), value));
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        if let Some(fields) = &mut self.0 {
            fields.retain(|(name, _)| keep(name));
            if fields.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Takes over every field of `newer`. Linear in both.
    pub(crate) fn overwrite(&mut self, newer: &Self) {
        if newer.len() < MANY {
            for (name, value) in newer.iter() {
                self.set(name, value.clone());
            }
            return;
        }
        let names: HashSet<&str> = newer.iter().map(|(name, _)| name).collect();
        let fields = self.0.get_or_insert_default();
        fields.retain(|(name, _)| !names.contains(&**name));
        fields.extend(newer.fields().iter().cloned());
    }

    /// The field called `name` as a `T`, if it is one.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.write_unless(map, &|_| false)
    }

    pub(crate) fn write_unless<M: SerializeMap>(
        &self,
        map: &mut M,
        // Not by its type: some eighty objects would each have a writer of their own.
        is_written: &dyn Fn(&str) -> bool,
    ) -> Result<(), M::Error> {
        for (name, value) in self.iter().filter(|(name, _)| !is_written(name)) {
            map.serialize_entry(name, value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        self.write(&mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match Fields::split(raw.get()) {
            Ok(fields) => Ok(fields.into_extra()),
            Err(_) => Err(serde::de::Error::custom("expected an object")),
        }
    }
}

/// An object split into its fields without looking into them: one scan, nothing copied.
///
/// Reading takes out what is modelled; what is left, or does not have the expected shape, becomes
/// [`Extra`]. So an unexpected shape costs a typed view, never the call or the bytes.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    pub(crate) fn split(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, name: Cow<'a, str>, value: &'a RawValue) {
        self.0.push((name, value));
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .rfind(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// The field called `name` as a `T`; if it is not one it stays.
    pub(crate) fn take<T: Take<'a>>(&mut self, name: &str) -> Option<T> {
        let value = T::take_from(self.raw(name)?)?;
        self.remove(name);
        Some(value)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| key != name);
    }

    /// Drops every field that is `null`, where that means absent.
    pub(crate) fn drop_nulls(&mut self) {
        self.0.retain(|(_, value)| value.get() != "null");
    }

    pub(crate) fn into_extra(self) -> Extra {
        if self.0.is_empty() {
            return Extra::default();
        }
        let fields = self.0.into_iter();
        let fields = fields.map(|(name, value)| (name.into(), RawJson::copy(value)));
        Extra(Some(Box::new(fields.collect())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Split;
        impl<'de> Visitor<'de> for Split {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(USUAL);
                while let Some(Key(name)) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Split)
    }
}

/// A string that is borrowed unless it holds escapes. Serde borrows a bare `Cow` only when told,
/// and inside an `Option` or as a key only through a type of its own.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);
