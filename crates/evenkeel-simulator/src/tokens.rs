//! What a token is here: optional white space and up to four characters. Near enough to the real
//! count for rate limits, and the same on every machine.

use serde_json::Value;

use crate::dice::Dice;

const CHARACTERS: usize = 4;

/// Splits a text into tokens; joined they are the text again.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let (mut start, mut letters) = (0, 0);
    for (at, letter) in text.char_indices() {
        let word_ends = letter.is_whitespace() && letters > 0;
        if word_ends || letters == CHARACTERS {
            tokens.extend(text.get(start..at));
            (start, letters) = (at, 0);
        }
        letters += usize::from(!letter.is_whitespace());
    }
    tokens.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    tokens
}

/// Gathers tokens into the pieces a stream sends, one to four at a time, with their numbers.
pub(crate) fn deltas(tokens: &[&str], dice: &mut Dice) -> Vec<(String, u64)> {
    let mut rest = tokens;
    let mut deltas = Vec::new();
    while !rest.is_empty() {
        let take = usize::try_from(dice.throw(4)).unwrap_or(1).min(rest.len());
        let (piece, left) = rest.split_at(take);
        deltas.push((piece.concat(), piece.len() as u64));
        rest = left;
    }
    deltas
}

/// What a message counts beside its texts.
pub(crate) const MESSAGE: u64 = 3;

/// Counts the input tokens of a request: its texts, and three for every message.
pub(crate) fn input_tokens(body: &Value) -> u64 {
    let part = |name: &str| body.get(name).map_or(0, characters);
    let texts = part("system") + part("messages") + part("tools");
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    of_characters(texts) + MESSAGE * messages as u64
}

pub(crate) fn of_characters(count: usize) -> u64 {
    count.div_ceil(CHARACTERS) as u64
}

/// The characters of every text in a value, but for what only says how to cache it.
pub(crate) fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(values) => values.iter().map(characters).sum(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "cache_control");
            fields.map(|(_, value)| characters(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_split_at_words_and_after_four_characters() {
        assert_eq!(
            tokens("Hello, dear world"),
            ["Hell", "o,", " dear", " worl", "d"]
        );
        assert_eq!(tokens("  "), ["  "]);
        assert!(tokens("").is_empty());
    }

    #[test]
    fn input_is_counted_from_texts_and_messages() {
        let body = json!({"system": "1234", "messages": [{"role": "user", "content": "5678"}]});
        // "1234" + "user" + "5678" are twelve characters.
        assert_eq!(input_tokens(&body), 3 + 3);
    }

    proptest! {
        #[test]
        fn pieces_joined_are_the_text_whatever_it_is(text in any::<String>(), seed in any::<u64>()) {
            let tokens = tokens(&text);
            prop_assert_eq!(tokens.concat(), text.clone());
            let deltas = deltas(&tokens, &mut Dice::new(seed, 1));
            prop_assert_eq!(deltas.iter().map(|(_, count)| count).sum::<u64>(), tokens.len() as u64);
            prop_assert!(deltas.iter().all(|(delta, _)| !delta.is_empty()));
            prop_assert_eq!(deltas.into_iter().map(|(delta, _)| delta).collect::<String>(), text);
        }
    }
}
