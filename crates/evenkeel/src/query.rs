//! Parameters in a URL, and ids in its path.

use std::fmt::Write;

use evenkeel_error::Error;

/// `path` with `parameters` behind it, encoded.
pub(crate) fn append<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut all = path.to_owned();
    for (name, value) in parameters {
        all.push(if all.contains('?') { '&' } else { '?' });
        encode(&mut all, name);
        all.push('=');
        encode(&mut all, value);
    }
    all
}

/// An id as one segment of a path, whatever is in it.
pub(crate) fn segment(id: &str) -> Result<String, Error> {
    // Encoded dots are dots to every URL parser there is.
    if matches!(id, "" | "." | "..") {
        return Err(Error::invalid_config(
            "id",
            "must not be empty or only dots",
        ));
    }
    let mut encoded = String::with_capacity(id.len());
    encode(&mut encoded, id);
    Ok(encoded)
}

/// All but the unreserved characters of RFC 3986 §2.3, which mean nothing anywhere.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_follow_those_that_are_there() {
        assert_eq!(append("/v1", []), "/v1");
        assert_eq!(append("/v1", [("a b", "c&d")]), "/v1?a%20b=c%26d");
        assert_eq!(
            append("/v1?x=1", [("y", "ü"), ("z", "")]),
            "/v1?x=1&y=%C3%BC&z="
        );
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_segment(text in ".*") {
            if let Ok(segment) = segment(&text) {
                prop_assert!(!segment.contains(['/', '?', '#', ' ']));
                prop_assert!(segment != "." && segment != ".." && !segment.is_empty());
            }
        }
    }
}
