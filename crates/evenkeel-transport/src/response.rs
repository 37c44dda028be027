use evenkeel_error::{Error, Facts, Recovery};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Uri};

use crate::Body;

/// A response head, and the body that is still to come.
#[derive(Debug)]
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
        let target = self.headers.get(LOCATION);
        let uri = target.and_then(|target| Uri::try_from(target.as_bytes()).ok());
        let message = match uri.as_ref().map(|uri| (uri.scheme_str(), uri.host())) {
            Some((Some(scheme), Some(host))) => {
                let port = uri.as_ref().and_then(Uri::port_u16);
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("redirects are not followed; this one leads to {scheme}://{host}{port}")
            }
            Some((None, None)) => {
                "redirects are not followed; this one leads to another path of the same origin"
                    .to_owned()
            }
            _ => "redirects are not followed; this one does not say where it leads".to_owned(),
        };
        let error = Error::protocol(message).with_recovery(Recovery::Never);
        Some(error.with_facts(self.facts.clone()))
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
}
