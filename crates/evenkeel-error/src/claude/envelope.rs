//! The JSON of an error, read leniently: any shape, any types, whole or cut.
//!
//! The reader fills an [`Envelope`] as the bytes go by, so what stood before a cut, a mistake or a
//! nesting too deep is kept. Of a member written twice the first usable value counts.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::retry_after;

/// An envelope inside an envelope is a batch item's; more of them are nobody's.
const NESTED: u8 = 3;
/// The most entries of a list that are kept.
const LISTED: usize = 64;

/// `{"type":"error","error":{"type","message","details":{"error_code",…}},"request_id"}`, the same
/// without its outside, or a gateway's problem (RFC 9457).
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) error_type: Option<Cow<'a, str>>,
    pub(super) message: Option<Cow<'a, str>>,
    pub(super) code: Option<Cow<'a, str>>,
    pub(super) request_id: Option<Cow<'a, str>>,
    pub(super) details: Details<'a>,
    pub(super) problem: Problem<'a>,
    /// There was an `error` member that is an object.
    pub(super) enclosed: bool,
    /// The text ended before the JSON did.
    pub(super) cut: bool,
    /// Whether it held a mistake, behind which nothing was read.
    pub(super) broken: bool,
    outside_type: Option<Cow<'a, str>>,
}

/// What some codes carry beside `error_code`.
#[derive(Debug, Default)]
pub(super) struct Details<'a> {
    pub(super) appeal_url: Option<Cow<'a, str>>,
    pub(super) docs_url: Option<Cow<'a, str>>,
    pub(super) max_side_pixels: Option<f64>,
    pub(super) paths: Vec<Cow<'a, str>>,
    pub(super) unsupported: Vec<Cow<'a, str>>,
}

/// The members of a gateway's problem document that say something here.
#[derive(Debug, Default)]
pub(super) struct Problem<'a> {
    pub(super) cloudflare: bool,
    pub(super) title: Option<Cow<'a, str>>,
    pub(super) detail: Option<Cow<'a, str>>,
    pub(super) status: bool,
    pub(super) ray_id: Option<Cow<'a, str>>,
    pub(super) retry_after: Option<Duration>,
}

impl<'a> Envelope<'a> {
    /// Reads what can be read.
    pub(super) fn read(text: &'a str) -> Self {
        let mut envelope = Self::default();
        let mut json = serde_json::Deserializer::from_str(text);
        let root = Member {
            envelope: &mut envelope,
            place: Place::Root,
            key: "",
        };
        let read = root.deserialize(&mut json);
        if let Err(error) = read {
            envelope.cut = error.is_eof();
            envelope.broken = !envelope.cut;
        }
        // Everything on this wire has a type; an error that stands bare has a message too.
        if !envelope.enclosed && envelope.message.is_some() {
            let outside = envelope.outside_type.take();
            envelope.error_type = envelope.error_type.or(outside);
        }
        envelope
    }

    /// Whether it is the API's own shape, as far as it can be told.
    pub(super) fn is_api(&self) -> bool {
        self.error_type.is_some() || self.code.is_some() || self.message.is_some()
    }

    /// Whether it is a gateway's problem document.
    pub(super) fn is_problem(&self) -> bool {
        self.problem.cloudflare || (self.problem.title.is_some() && self.problem.status)
    }

    fn take(&mut self, place: Place, key: &str, value: Scalar<'a>) {
        match (place, key) {
            (Place::Outside | Place::Error { .. }, "message") => {
                first(&mut self.message, value.text());
            }
            (Place::Outside, "type") => first(&mut self.outside_type, value.type_name()),
            // OAuth (RFC 6749 §5.2) writes the type as the word that `error` is.
            (Place::Error { .. }, "type") | (Place::Outside, "error") => {
                first(&mut self.error_type, value.type_name());
            }
            (Place::Outside, "error_description") => first(&mut self.message, value.text()),
            (Place::Outside | Place::Error { .. }, "request_id") => {
                first(&mut self.request_id, value.text());
            }
            (Place::Details, "error_code") => first(&mut self.code, value.text()),
            (Place::Details, "appeal_url") => first(&mut self.details.appeal_url, value.text()),
            (Place::Details, "docs_url") => first(&mut self.details.docs_url, value.text()),
            (Place::Details, "max_side_length_pixels") => {
                first(&mut self.details.max_side_pixels, value.number());
            }
            (Place::Outside, key) => self.problem.take(key, value),
            _ => {}
        }
    }

    fn list(&mut self, place: Place, key: &str) -> Option<&mut Vec<Cow<'a, str>>> {
        match (place, key) {
            (Place::Details, "paths") => Some(&mut self.details.paths),
            (Place::Details, "unsupported") => Some(&mut self.details.unsupported),
            _ => None,
        }
    }
}

impl<'a> Problem<'a> {
    fn take(&mut self, key: &str, value: Scalar<'a>) {
        match key {
            "cloudflare_error" => self.cloudflare |= value.is_true(),
            "title" => first(&mut self.title, value.text()),
            "detail" => first(&mut self.detail, value.text()),
            "status" => self.status |= value.number().is_some(),
            "ray_id" => first(&mut self.ray_id, value.text()),
            "retry_after" => {
                first(
                    &mut self.retry_after,
                    value.number().and_then(retry_after::seconds),
                );
            }
            _ => {}
        }
    }
}

fn first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

#[derive(Clone, Copy)]
enum Place {
    Root,
    Outside,
    Error { depth: u8 },
    Details,
    Elsewhere,
}

impl Place {
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, _) => Self::Outside,
            (Self::Outside, "error") => Self::Error { depth: 1 },
            (Self::Error { depth }, "error") if depth < NESTED => Self::Error { depth: depth + 1 },
            (Self::Outside | Self::Error { .. }, "details") => Self::Details,
            _ => Self::Elsewhere,
        }
    }
}

enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A type, and not the word that envelopes have for one, nor a problem document's URL.
    fn type_name(self) -> Option<Cow<'a, str>> {
        let other = |text: &str| {
            matches!(text, "error" | "errored" | "about:blank") || text.contains("://")
        };
        self.text().filter(|text| !other(text))
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Flag(_) => None,
        }
    }

    fn is_true(&self) -> bool {
        matches!(self, Self::Flag(true))
    }
}

/// Reads the value of one member into the envelope, whatever it is.
struct Member<'e, 'k, 'a> {
    envelope: &'e mut Envelope<'a>,
    place: Place,
    key: &'k str,
}

impl<'a> DeserializeSeed<'a> for Member<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Member<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let place = self.place.under(self.key);
        if let Place::Elsewhere = place {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        self.envelope.enclosed |= matches!(place, Place::Error { .. });
        while let Some(Key(key)) = map.next_key()? {
            map.next_value_seed(Member {
                envelope: &mut *self.envelope,
                place,
                key: &key,
            })?;
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        if let Some(list) = self.envelope.list(self.place, self.key) {
            while list.len() < LISTED
                && let Some(entry) = seq.next_element()?
            {
                // The server may put more than names there one day.
                if let Entry::Text(text) = entry {
                    list.push(text);
                }
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.envelope
            .take(self.place, self.key, Scalar::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.envelope.take(
            self.place,
            self.key,
            Scalar::Text(Cow::Owned(text.to_owned())),
        );
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes and seconds, not identities"
    )]
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes and seconds, not identities"
    )]
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.envelope
            .take(self.place, self.key, Scalar::Number(number));
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.envelope.take(self.place, self.key, Scalar::Flag(flag));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// What stands in a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(IgnoredAny),
}

/// A string that is borrowed where no escape stands in it.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
