/// One of several objects, told apart by `type`.
macro_rules! tagged {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident($type:ty), )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($type), )*
            /// Of a type, or of a shape, that this version does not know; byte for byte.
            Unknown($crate::UnknownObject),
        }

        impl $name {
            /// The `type` on the wire.
            #[must_use]
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$variant(_) => {
                        <$type as $crate::object::Object>::KIND.unwrap_or_default()
                    } )*
                    Self::Unknown(object) => &object.kind,
                }
            }

            /// Any, from its JSON.
            #[must_use]
            pub fn from_raw(raw: $crate::RawJson) -> Self {
                match Self::known(raw.as_raw()) {
                    Ok(known) => known,
                    Err(kind) => Self::Unknown($crate::UnknownObject { kind, raw }),
                }
            }

            pub(crate) fn read(raw: &serde_json::value::RawValue) -> Self {
                Self::known(raw).unwrap_or_else(|kind| {
                    let raw = $crate::RawJson::copy(raw);
                    Self::Unknown($crate::UnknownObject { kind, raw })
                })
            }

            /// The typed form, or else the type.
            fn known(raw: &serde_json::value::RawValue) -> Result<Self, String> {
                Self::of($crate::extra::Fields::split(raw.get()).unwrap_or_default())
            }

            /// As [`known`](Self::known), of what is split already.
            pub(crate) fn of(mut fields: $crate::extra::Fields<'_>) -> Result<Self, String> {
                let Some($crate::extra::Key(kind)) = fields.take("type") else {
                    return Err(String::new());
                };
                $( if Some(kind.as_ref()) == <$type as $crate::object::Object>::KIND {
                    return match <$type as $crate::object::Object>::from_fields(fields) {
                        Some(known) => Ok(Self::$variant(known)),
                        None => Err(kind.into_owned()),
                    };
                } )*
                Err(kind.into_owned())
            }
        }

        $( impl From<$type> for $name {
            fn from(known: $type) -> Self {
                Self::$variant(known)
            }
        } )*

        impl From<$crate::RawJson> for $name {
            fn from(raw: $crate::RawJson) -> Self {
                Self::from_raw(raw)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(known) => serde::Serialize::serialize(known, serializer), )*
                    Self::Unknown(object) => serde::Serialize::serialize(object, serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$crate::RawJson as serde::Deserialize>::deserialize(deserializer).map(Self::from_raw)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $( Self::$variant(known) => std::fmt::Debug::fmt(known, f), )*
                    Self::Unknown(object) => std::fmt::Debug::fmt(object, f),
                }
            }
        }

        impl<'a> $crate::take::Take<'a> for $name {
            fn take_from(raw: &'a serde_json::value::RawValue) -> Option<Self> {
                Some(Self::read(raw))
            }
        }

        sketch_as_debug!($name);
    };
}
