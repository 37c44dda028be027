use std::fmt;

use evenkeel_error::{Error, Facts, Recovery};
use http::header::{CONTENT_TYPE, LOCATION};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use crate::Body;

/// A response head, and the body that is still to come.
#[non_exhaustive]
pub struct Response {
    /// What status and headers say, read once: request id, rate limits, hints.
    pub facts: Facts,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The body. Dropping it closes the attempt.
    pub body: Body,
}

/// What a response says that its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// `text/event-stream`.
    EventStream,
    /// `application/json`.
    Json,
    /// Anything else, or nothing said: a page of somebody's on the way.
    Other,
}

impl Response {
    /// A response of these parts.
    #[must_use]
    pub fn new(facts: Facts, headers: HeaderMap, body: Body) -> Self {
        Self {
            facts,
            headers,
            body,
        }
    }

    /// What `content-type` says. Ask before decoding a 200: a captive portal has one too.
    #[must_use]
    pub fn form(&self) -> Form {
        let declared = self.headers.get(CONTENT_TYPE);
        // As nearly all of them are written.
        match declared.map(HeaderValue::as_bytes) {
            Some(b"application/json") => return Form::Json,
            Some(b"text/event-stream" | b"text/event-stream; charset=utf-8") => {
                return Form::EventStream;
            }
            _ => {}
        }
        let Some(text) = declared.and_then(|value| value.to_str().ok()) else {
            return Form::Other;
        };
        let essence = text.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("text/event-stream") {
            Form::EventStream
        } else if essence.eq_ignore_ascii_case("application/json") {
            Form::Json
        } else {
            Form::Other
        }
    }

    /// For a 3xx, the `protocol` failure that it is: never retried, and naming the target's origin
    /// only. Following it would hand key and prompt to whoever is there.
    #[must_use]
    pub fn redirect(&self) -> Option<Error> {
        if !(300..400).contains(&self.facts.status()) {
            return None;
        }
        let message = match self.facts.status() {
            300 => "a choice of places is no reply; none of them is asked".to_owned(),
            304 => "the status answers a condition that was not sent".to_owned(),
            _ => match self.target() {
                Target::Origin(origin) => {
                    format!("redirects are not followed; this one leads to {origin}")
                }
                Target::Path => {
                    "redirects are not followed; this one leads to another path of the \
                                 same origin"
                        .to_owned()
                }
                Target::Unsaid => {
                    "redirects are not followed; this one does not say where it leads".to_owned()
                }
            },
        };
        let error = Error::protocol("")
            .with_recovery(Recovery::Never)
            .with_message_naming_hosts(message);
        Some(error.with_facts(self.facts.clone()))
    }

    /// Where `location` leads. Read as whoever follows redirects reads it: tabs are nothing, a backslash
    /// is a slash, and two slashes begin an authority.
    fn target(&self) -> Target {
        let Some(location) = self.headers.get(LOCATION) else {
            return Target::Unsaid;
        };
        let location: String = String::from_utf8_lossy(location.as_bytes())
            .chars()
            .filter(|&sign| sign != '\t')
            .map(|sign| if sign == '\\' { '/' } else { sign })
            .collect();
        if let Some(rest) = location.strip_prefix("//") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let parsed = authority.parse::<Authority>().ok();
            return parsed.map_or(Target::Unsaid, |authority| Target::origin("", &authority));
        }
        if location.starts_with('/') {
            return Target::Path;
        }
        let Ok(parts) = location.parse::<Uri>().map(Uri::into_parts) else {
            return Target::Unsaid;
        };
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority)) => Target::origin(&format!("{scheme}:"), &authority),
            _ => Target::Unsaid,
        }
    }
}

enum Target {
    /// Scheme, where it is said, host and port.
    Origin(String),
    /// A path of the origin that was asked.
    Path,
    Unsaid,
}

impl Target {
    /// Without the user that an authority may have.
    fn origin(scheme: &str, authority: &Authority) -> Self {
        let host = authority.host();
        if host.is_empty() {
            return Self::Unsaid;
        }
        let port = authority.port_u16();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Self::Origin(format!("{scheme}//{host}{port}"))
    }
}

/// The names of the headers, and no value: there are cookies among them, and what a gateway echoes.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("facts", &self.facts)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use super::*;

    fn response(status: u16, name: &str, value: &str) -> Response {
        let mut headers = HeaderMap::new();
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
        let facts = Facts::read(status, &headers, SystemTime::UNIX_EPOCH);
        Response::new(facts, headers, Body::from_bytes(Bytes::new()))
    }

    #[test]
    fn the_form_is_what_the_content_type_says() {
        for (value, form) in [
            ("text/event-stream", Form::EventStream),
            ("text/event-stream; charset=utf-8", Form::EventStream),
            ("Text/Event-Stream; charset=utf-8", Form::EventStream),
            ("application/json", Form::Json),
            ("application/json;charset=UTF-8", Form::Json),
            ("application/jsonl", Form::Other),
            ("text/html", Form::Other),
            ("", Form::Other),
        ] {
            assert_eq!(response(200, "content-type", value).form(), form, "{value}");
        }
        assert_eq!(response(200, "x", "y").form(), Form::Other);
    }

    #[test]
    fn a_redirect_names_the_origin_it_leads_to_and_nothing_more() {
        let shown = |location| {
            let error = response(307, "location", location).redirect().unwrap();
            assert_eq!(error.recovery(), Recovery::Never);
            assert_eq!(error.status(), Some(307));
            let text = format!("{error} {error:?} {}", error.report());
            assert!(!text.contains("secret"), "{text}");
            error.message().unwrap().to_owned()
        };
        insta::assert_snapshot!(
            shown("https://user:secret@evil.example:8443/secret?secret#secret"),
            @"redirects are not followed; this one leads to https://evil.example:8443"
        );
        insta::assert_snapshot!(
            shown("/secret"),
            @"redirects are not followed; this one leads to another path of the same origin"
        );
        insta::assert_snapshot!(
            shown("secret secret"),
            @"redirects are not followed; this one does not say where it leads"
        );
        assert!(response(200, "location", "/x").redirect().is_none());
    }

    #[test]
    fn a_redirect_to_another_host_that_looks_like_a_path_is_named_as_what_it_is() {
        for location in [
            "//evil.example/secret",
            "/\\evil.example?secret",
            "\\\\evil.example#secret",
            "/\t/user:secret@evil.example",
        ] {
            let error = response(302, "location", location).redirect().unwrap();
            assert_eq!(
                error.message().unwrap(),
                "redirects are not followed; this one leads to //evil.example",
                "{location}"
            );
        }
        let numbered = response(302, "location", "http://192.0.2.7:8080/x").redirect();
        assert!(
            numbered
                .unwrap()
                .message()
                .unwrap()
                .ends_with("http://192.0.2.7:8080")
        );
        for (status, words) in [(300, "a choice of places"), (304, "a condition")] {
            let error = response(status, "location", "/x").redirect().unwrap();
            assert!(error.message().unwrap().contains(words));
            assert_eq!(error.recovery(), Recovery::Never);
        }
    }

    #[test]
    fn debug_shows_the_names_of_headers_and_no_value() {
        let shown = format!("{:?}", response(200, "set-cookie", "secret"));
        assert!(
            shown.contains("set-cookie") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
