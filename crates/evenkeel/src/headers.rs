use evenkeel_error::Error;
use http::header::InvalidHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that a caller may not set: they are authentication, addressing and framing, which have
/// an owner each.
const RESERVED: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
    "anthropic-version",
];

/// Adds a header of the caller's.
pub(crate) fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let parsed: HeaderName = name.parse().map_err(|error: InvalidHeaderName| {
        Error::invalid_config("header", "must have a name of letters, digits and -")
            .with_source(error)
    })?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(Error::invalid_config(
            &format!("header {parsed}"),
            "may not be set: host, framing, version and authentication are set elsewhere",
        ));
    }
    let mut value = HeaderValue::from_str(value).map_err(|error| {
        Error::invalid_config(
            &format!("header {parsed}"),
            "must be one line of visible characters: no line end, no control character",
        )
        .with_source(error)
    })?;
    // It may be a gateway's key, for all we know.
    value.set_sensitive(true);
    headers.append(parsed, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_header_is_said_without_its_value() {
        for (name, value) in [
            ("X-Api-Key", "planted"),
            ("authorization", "planted"),
            ("Host", "planted"),
            ("x-trace", "planted\r\nx-api-key: planted"),
            ("bad name", "planted"),
        ] {
            let error = add(&mut HeaderMap::new(), name, value).unwrap_err();
            let message = error.message().unwrap();
            assert!(
                message.starts_with("header") && !message.contains("planted"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_header_may_be_given_twice() {
        let mut headers = HeaderMap::new();
        add(&mut headers, "anthropic-beta", "a").unwrap();
        add(&mut headers, "Anthropic-Beta", "b").unwrap();
        assert_eq!(headers.get_all("anthropic-beta").iter().count(), 2);
    }
}
