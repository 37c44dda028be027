use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Extra;
use crate::extra::Fields;

/// Tokens of one reply, as the server counted them. Absent is not zero.
///
/// In a stream the counts are cumulative: a later one replaces an earlier one, and a field that is
/// absent or `null` keeps what was known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens that were neither written to nor read from the cache.
    pub input_tokens: Option<u64>,
    /// Output tokens, thinking included.
    pub output_tokens: Option<u64>,
    /// Input tokens written to the cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read_input_tokens: Option<u64>,
    /// `standard`, `priority` or `batch`.
    pub service_tier: Option<String>,
    /// `standard` or `fast`.
    pub speed: Option<String>,
    /// Every other field: breakdowns by cache lifetime, server tools, iterations.
    pub extra: Extra,
}

impl Usage {
    /// Output tokens spent on thinking, where the server says so.
    #[must_use]
    pub fn thinking_tokens(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Details {
            thinking_tokens: Option<u64>,
        }
        let details: Details =
            serde_json::from_str(self.extra.get("output_tokens_details")?.get()).ok()?;
        details.thinking_tokens
    }

    /// Takes over what a later, cumulative count says; what it leaves out stays.
    pub fn overwrite(&mut self, newer: &Self) {
        fn replace<T: Clone>(old: &mut Option<T>, newer: Option<&T>) {
            if let Some(value) = newer {
                *old = Some(value.clone());
            }
        }
        replace(&mut self.input_tokens, newer.input_tokens.as_ref());
        replace(&mut self.output_tokens, newer.output_tokens.as_ref());
        replace(
            &mut self.cache_creation_input_tokens,
            newer.cache_creation_input_tokens.as_ref(),
        );
        replace(
            &mut self.cache_read_input_tokens,
            newer.cache_read_input_tokens.as_ref(),
        );
        replace(&mut self.service_tier, newer.service_tier.as_ref());
        replace(&mut self.speed, newer.speed.as_ref());
        self.extra.overwrite(&newer.extra);
    }

    /// Reads an object; `None` if it is none. A count of the wrong type stays among the extra
    /// fields: usage is information, it never fails a call.
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let mut fields = Fields::split(raw.get()).ok()?;
        fields.drop_nulls();
        Some(Self {
            input_tokens: fields.take("input_tokens"),
            output_tokens: fields.take("output_tokens"),
            cache_creation_input_tokens: fields.take("cache_creation_input_tokens"),
            cache_read_input_tokens: fields.take("cache_read_input_tokens"),
            service_tier: fields.take("service_tier"),
            speed: fields.take("speed"),
            extra: fields.into_extra(),
        })
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let counts = [
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
            (
                "cache_creation_input_tokens",
                self.cache_creation_input_tokens,
            ),
            ("cache_read_input_tokens", self.cache_read_input_tokens),
        ];
        for (name, count) in counts {
            if let Some(count) = count {
                map.serialize_entry(name, &count)?;
            }
        }
        for (name, text) in [("service_tier", &self.service_tier), ("speed", &self.speed)] {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        self.extra.write(&mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(&raw).ok_or_else(|| serde::de::Error::custom("usage: expected an object"))
    }
}
