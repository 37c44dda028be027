//! The three shapes that everything on the wire has, each as a macro, so that every type keeps
//! what it does not model in the same way:
//!
//! - `object!`, here: named fields, some required; what is not modelled, or has an unexpected
//!   shape, stays in `extra`, byte for byte.
//! - `tagged!`: one of several objects, told apart by `type`; an unknown type, or a known one
//!   without its required fields, is kept whole.
//! - `word!`: one of several names; an unknown one is kept.

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::extra::{Fields, Key};

/// A JSON object with a Rust struct.
pub(crate) trait Object: Sized {
    /// The `type` on the wire; `None` where it has none, or several.
    const KIND: Option<&'static str>;

    /// Takes what is modelled out of `fields`, the type aside; `None` if a required field is not
    /// there in its shape.
    fn from_fields(fields: Fields<'_>) -> Option<Self>;

    /// Writes every field, the type aside.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    fn read(raw: &RawValue) -> Option<Self> {
        Self::of(Fields::split(raw.get()).ok()?)
    }

    /// The elements of an array, each split as it is come upon.
    fn read_all(raw: &RawValue) -> Option<Vec<Self>> {
        crate::take::each(raw, Self::of)
    }

    /// As [`from_fields`](Self::from_fields), of the right type only.
    fn of(mut fields: Fields<'_>) -> Option<Self> {
        if let Some(kind) = Self::KIND {
            let Key(found) = fields.take("type")?;
            if found != kind {
                return None;
            }
        }
        Self::from_fields(fields)
    }

    fn write_whole<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(kind) = Self::KIND {
            map.serialize_entry("type", kind)?;
        }
        self.write(&mut map)?;
        map.end()
    }
}

/// An object: `Name "type" { required } { optional } [ optional, copied ] ( flags )`.
///
/// Setters of the second group convert, those of the third take numbers and words as they are,
/// those of the fourth set `true`. A required field may have another name on the wire: `a as "b"`.
macro_rules! object {
    (@kind) => { None };
    (@kind $kind:literal) => { Some($kind) };
    (@wire $name:ident) => { stringify!($name) };
    (@wire $name:ident $wire:literal) => { $wire };
    (
        $(#[$meta:meta])*
        $name:ident $($kind:literal)? {
            $( $(#[$required_meta:meta])* $required:ident $(as $wire:literal)? : $required_type:ty, )*
        } {
            $( $(#[$optional_meta:meta])* $optional:ident : $optional_type:ty, )*
        } [
            $( $(#[$plain_meta:meta])* $plain:ident : $plain_type:ty, )*
        ] (
            $( $(#[$flag_meta:meta])* $flag:ident, )*
        )
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$required_meta])* pub $required: $required_type, )*
            $( $(#[$optional_meta])* pub $optional: Option<$optional_type>, )*
            $( $(#[$plain_meta])* pub $plain: Option<$plain_type>, )*
            $( $(#[$flag_meta])* pub $flag: Option<bool>, )*
            /// Fields that are not modelled, byte for byte.
            pub extra: $crate::Extra,
        }

        impl $name {
            /// One with what it must have; setters add the rest.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default that means nothing invites use")]
            pub fn new($( $required: impl Into<$required_type> ),*) -> Self {
                Self {
                    $( $required: $required.into(), )*
                    $( $optional: None, )*
                    $( $plain: None, )*
                    $( $flag: None, )*
                    extra: $crate::Extra::default(),
                }
            }

            $(
                $(#[$optional_meta])*
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$optional_type>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*
            $(
                $(#[$plain_meta])*
                #[must_use]
                pub fn $plain(mut self, $plain: $plain_type) -> Self {
                    self.$plain = Some($plain);
                    self
                }
            )*
            $(
                $(#[$flag_meta])*
                #[must_use]
                pub fn $flag(mut self) -> Self {
                    self.$flag = Some(true);
                    self
                }
            )*

            /// Sets a field that is not modelled; one of that name is replaced.
            #[must_use]
            pub fn extra(mut self, name: &str, value: $crate::RawJson) -> Self {
                self.extra.set(name, value);
                self
            }
        }

        impl $crate::object::Object for $name {
            const KIND: Option<&'static str> = object!(@kind $($kind)?);

            #[allow(unused_mut, reason = "an object may have no field of its own")]
            fn from_fields(mut fields: $crate::extra::Fields<'_>) -> Option<Self> {
                Some(Self {
                    $( $required: fields.take(object!(@wire $required $($wire)?))?, )*
                    $( $optional: fields.take(stringify!($optional)), )*
                    $( $plain: fields.take(stringify!($plain)), )*
                    $( $flag: fields.take(stringify!($flag)), )*
                    extra: fields.into_extra(),
                })
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( map.serialize_entry(object!(@wire $required $($wire)?), &self.$required)?; )*
                $( if let Some(value) = &self.$optional {
                    map.serialize_entry(stringify!($optional), value)?;
                } )*
                $( if let Some(value) = &self.$plain {
                    map.serialize_entry(stringify!($plain), value)?;
                } )*
                $( if let Some(value) = &self.$flag {
                    map.serialize_entry(stringify!($flag), value)?;
                } )*
                // A field that came as `null` and was set since must not be there twice.
                self.extra.write_unless(map, &|_name| {
                    false
                    $( || _name == object!(@wire $required $($wire)?) )*
                    $( || (self.$optional.is_some() && _name == stringify!($optional)) )*
                    $( || (self.$plain.is_some() && _name == stringify!($plain)) )*
                    $( || (self.$flag.is_some() && _name == stringify!($flag)) )*
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::object::Object::write_whole(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
                <Self as $crate::object::Object>::read(&raw).ok_or_else(|| {
                    serde::de::Error::custom(concat!("expected an object that is a ", stringify!($name)))
                })
            }
        }

        impl std::fmt::Debug for $name {
            #[allow(unused_mut, reason = "an object may have no field of its own")]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $( shown.field(
                    stringify!($required),
                    &$crate::sketch::Sketched(stringify!($required), &self.$required),
                ); )*
                $( if let Some(value) = &self.$optional {
                    shown.field(
                        stringify!($optional),
                        &$crate::sketch::Sketched(stringify!($optional), value),
                    );
                } )*
                $( if let Some(value) = &self.$plain {
                    shown.field(stringify!($plain), value);
                } )*
                $( if let Some(value) = &self.$flag {
                    shown.field(stringify!($flag), value);
                } )*
                if !self.extra.is_empty() {
                    shown.field("extra", &self.extra);
                }
                shown.finish()
            }
        }

        impl<'a> $crate::take::Take<'a> for $name {
            fn take_from(raw: &'a serde_json::value::RawValue) -> Option<Self> {
                <Self as $crate::object::Object>::read(raw)
            }

            fn take_all(raw: &'a serde_json::value::RawValue) -> Option<Vec<Self>> {
                <Self as $crate::object::Object>::read_all(raw)
            }
        }

        sketch_as_debug!($name);
    };
}
