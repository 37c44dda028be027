//! Bytes that no text can hold.

use serde::{Deserialize, Deserializer, de};

/// Bytes, written as pairs of hexadecimal digits; white space between them is for the reader.
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        bytes(&text).map(Self).ok_or_else(|| {
            let form = "pairs of hexadecimal digits: \"ff 00 e2\"";
            de::Error::custom(format!(
                "\"{}\" is not bytes; write {form}",
                text.escape_debug()
            ))
        })
    }
}

pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16))
        .collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}
