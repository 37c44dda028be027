//! Who asks: keys, told apart without being kept.

use std::hash::{DefaultHasher, Hash, Hasher};

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// Whether there is a key, or a token behind `Bearer`, whatever it says.
pub(super) fn lets_in(headers: &HeaderMap) -> bool {
    let given = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let token = given("authorization").and_then(|value| value.split_once(' '));
    given("x-api-key").is_some_and(|key| !key.trim().is_empty())
        || token.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()
        })
}

/// What a request carries to be let in by.
pub(crate) fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = ["x-api-key", "authorization"]
        .into_iter()
        .filter_map(|name| headers.get(name));
    // Shells send an empty one for a variable that is not set.
    values
        .find(|value| !value.is_empty())
        .map(HeaderValue::as_bytes)
}

/// Tells keys apart without keeping any.
pub(super) fn key_hash(headers: &HeaderMap) -> u64 {
    let mut hasher = DefaultHasher::new();
    credential(headers).hash(&mut hasher);
    hasher.finish()
}

/// What a key and something else share: limits with a class of models, a cache with a model.
pub(super) fn pool(key: u64, with: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    with.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_does_not_hide_the_one_beside_it() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static(""));
        assert_eq!(credential(&headers), None);
        headers.insert("authorization", HeaderValue::from_static("Bearer k"));
        assert_eq!(credential(&headers), Some(&b"Bearer k"[..]));
    }

    #[test]
    fn only_a_key_or_a_bearer_token_lets_in() {
        for (name, value, expected) in [
            ("x-api-key", "k", true),
            ("x-api-key", " ", false),
            ("authorization", "Bearer k", true),
            ("authorization", "bearer k", true),
            ("authorization", "Bearer", false),
            ("authorization", "Bearer ", false),
            ("authorization", "Basic x", false),
            ("authorization", "k", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(lets_in(&headers), expected, "{name}: {value}");
        }
    }
}
