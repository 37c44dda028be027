//! Lengths of time as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A length of time: a number and its unit.
pub(super) struct Length(pub(super) Duration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        length(&text).map(Self).ok_or_else(|| {
            let form = "a number and a unit: \"200ms\", \"1.5s\", \"3m\", \"3h\"";
            de::Error::custom(format!(
                "\"{}\" is not a length of time; write {form}",
                text.escape_debug()
            ))
        })
    }
}

pub(super) fn length(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let number: f64 = number.trim_end().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}
