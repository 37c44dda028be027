use std::fmt;
use std::sync::Arc;

use evenkeel_error::Error;
use http::header::InvalidHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Backend;

/// Headers that a caller may not set anywhere: authentication, addressing, framing and encoding have an
/// owner each.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "anthropic-version",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amz-security-token",
    "x-api-key",
];

const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// What a caller adds to the headers of requests, checked as it is added.
///
/// Every value is marked as sensitive: it may be a gateway's key, for all we know.
///
/// ```
/// use evenkeel_transport::ExtraHeaders;
/// use http::HeaderMap;
///
/// let mut extra = ExtraHeaders::new();
/// extra.add("x-team", "billing")?;
/// extra.beta("context-1m-2026-08-07")?;
/// extra.beta("files-api-2026-04-14")?;
///
/// let mut headers = HeaderMap::new();
/// extra.write(&mut headers);
/// assert_eq!(headers["anthropic-beta"], "context-1m-2026-08-07,files-api-2026-04-14");
/// assert!(extra.add("host", "elsewhere").is_err());
/// # Ok::<(), evenkeel_error::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ExtraHeaders {
    headers: HeaderMap,
    betas: Vec<String>,
    /// What the back end writes itself, beside what is reserved anywhere.
    reserved: Arc<[HeaderName]>,
}

impl ExtraHeaders {
    /// The most headers, and the most betas, that there may be: servers take about a hundred.
    pub const MOST: usize = 100;

    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet, for a back end that may have [names of its own](Backend::reserved_headers).
    #[must_use]
    pub fn reserving(backend: &(impl Backend + ?Sized)) -> Self {
        Self {
            reserved: backend.reserved_headers().into(),
            ..Self::default()
        }
    }

    /// None yet, for the same back end as these.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            reserved: Arc::clone(&self.reserved),
            ..Self::default()
        }
    }

    /// Adds a header; the same name may be given several times. What is given as `anthropic-beta`
    /// joins the [betas](Self::beta).
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the header and never its value: a name that is none, a value with a
    /// line end or a control character, a header that has an owner here (host, framing, encoding,
    /// version, authentication) or that the [back end](Self::reserving) writes itself, or one more than
    /// [`MOST`](Self::MOST).
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let parsed: HeaderName = name.parse().map_err(|error: InvalidHeaderName| {
            let header = match quotable(name) {
                Some(name) => format!("header {name:?}"),
                None => "header".to_owned(),
            };
            Error::invalid_config(&header, "must have a name of letters, digits and -")
                .with_source(error)
        })?;
        if RESERVED.contains(&parsed.as_str()) {
            return Err(Error::invalid_config(
                &format!("header {parsed}"),
                "may not be set: host, framing, encoding, version and authentication are set \
                 elsewhere",
            ));
        }
        if self.reserved.contains(&parsed) {
            return Err(Error::invalid_config(
                &format!("header {parsed}"),
                "may not be set: the back end writes it itself",
            ));
        }
        if parsed == BETA {
            return value.split(',').try_for_each(|beta| self.beta(beta));
        }
        let value = sensitive(&parsed, value)?;
        if self.headers.len() >= Self::MOST {
            return Err(Error::invalid_config(
                "header",
                "must be one of 100 at most",
            ));
        }
        self.headers.append(parsed, value);
        Ok(())
    }

    /// Opts in to a beta of the API. All of them go out in one `anthropic-beta` header, in the order
    /// given, each once: the API takes them joined by commas.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a name that is empty or holds anything but letters, digits and `-._`, and for
    /// one more than [`MOST`](Self::MOST).
    pub fn beta(&mut self, name: &str) -> Result<(), Error> {
        let name = name.trim();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if name.is_empty() || !name.bytes().all(legal) {
            return Err(Error::invalid_config(
                "header anthropic-beta",
                "must be names of letters, digits and -, joined by commas",
            ));
        }
        if self.betas.iter().any(|known| known == name) {
            return Ok(());
        }
        if self.betas.len() >= Self::MOST {
            return Err(Error::invalid_config(
                "header anthropic-beta",
                "must name 100 betas at most",
            ));
        }
        self.betas.push(name.to_owned());
        Ok(())
    }

    /// Adds all of `more`, as one call's headers go on top of its client's: a name that both have
    /// keeps the values of `more` only, betas are joined.
    pub fn extend(&mut self, more: &Self) {
        for name in more.headers.keys() {
            self.headers.remove(name);
        }
        for (name, value) in &more.headers {
            self.headers.append(name, value.clone());
        }
        for beta in &more.betas {
            if !self.betas.contains(beta) {
                self.betas.push(beta.clone());
            }
        }
    }

    /// The value of a header, the first if it was given several times. The betas have
    /// [`betas`](Self::betas).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name)
    }

    /// The betas, in the order given.
    pub fn betas(&self) -> impl Iterator<Item = &str> {
        self.betas.iter().map(String::as_str)
    }

    /// Writes them into the headers of a request. What is there stays, except `anthropic-beta`: where there
    /// are betas here, they take its place.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        // Checked as they were added: letters, digits and commas are a legal value.
        if !self.betas.is_empty()
            && let Ok(betas) = HeaderValue::try_from(self.betas.join(","))
        {
            headers.insert(BETA, betas);
        }
    }
}

/// The names, never the values.
impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtraHeaders")
            .field("names", &self.headers.keys().collect::<Vec<_>>())
            .field("betas", &self.betas)
            .field("reserved", &self.reserved)
            .finish()
    }
}

fn sensitive(name: &HeaderName, value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value).map_err(|error| {
        Error::invalid_config(
            &format!("header {name}"),
            "must be one line of visible characters: no line end, no control character",
        )
        .with_source(error)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What of a name that is none can be quoted: words. A whole line that was given for one has its value
/// after the colon; and what has digits or signs may be a secret that was given in its place.
fn quotable(name: &str) -> Option<&str> {
    let name = name.split(':').next()?;
    let is_of_words = |of: char| of.is_alphabetic() || matches!(of, ' ' | '-' | '_');
    let is_short = name.chars().nth(LONGEST_QUOTE).is_none();
    (is_short && name.chars().all(is_of_words)).then_some(name)
}

/// In characters; the names of real headers are shorter.
const LONGEST_QUOTE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(extra: &ExtraHeaders) -> HeaderMap {
        let mut headers = HeaderMap::new();
        extra.write(&mut headers);
        headers
    }

    #[test]
    fn what_is_wrong_with_a_header_is_said_without_its_value() {
        for (name, value) in [
            ("X-Api-Key", "planted"),
            ("authorization", "planted"),
            ("Host", "planted"),
            ("accept-encoding", "planted"),
            ("x-trace", "planted\r\nx-api-key: planted"),
            ("anthropic-beta", "planted\n"),
            ("anthropic-beta", "planted planted"),
            ("bad name", "planted"),
            ("", "planted"),
        ] {
            let error = ExtraHeaders::new().add(name, value);
            if name == "anthropic-beta" && value == "planted\n" {
                assert!(error.is_ok(), "white space around a name is harmless");
                continue;
            }
            let error = error.unwrap_err();
            let all = format!("{error} {error:?} {}", error.report());
            assert!(all.contains("header") && !all.contains("planted"), "{all}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_quoted_and_what_may_be_its_value_is_not() {
        let long = "é".repeat(100);
        for (name, said) in [
            ("bad name", "header \"bad name\""),
            ("", "header \"\""),
            ("x-team: planted", "header \"x-team\""),
            ("bad\nname", "header"),
            ("pl4nted secret", "header"),
            ("pl/anted=", "header"),
            (&long, "header"),
        ] {
            let error = ExtraHeaders::new().add(name, "planted").unwrap_err();
            let rule = "must have a name of letters, digits and -";
            assert_eq!(error.to_string(), format!("invalid_config: {said} {rule}"));
        }
    }

    #[test]
    fn what_a_back_end_writes_itself_is_refused_by_its_name_and_for_a_call_too() {
        let aws = crate::ClaudePlatformOnAws::new("us-west-2", "wrkspc_01").unwrap();
        let mut client = ExtraHeaders::reserving(&aws);
        let name = "Anthropic-Workspace-Id";
        ExtraHeaders::new().add(name, "planted").unwrap();
        for refused in [
            client.add(name, "planted"),
            client.beside().add(name, "planted"),
        ] {
            let error = refused.unwrap_err();
            let message = error.message().unwrap();
            assert!(
                message.starts_with("header anthropic-workspace-id "),
                "{message}"
            );
            assert!(!format!("{error:?}").contains("planted"));
        }
        client.add("x-team", "billing").unwrap();
        assert_eq!(written(&client.beside()).len(), 0);
        let api = crate::ClaudeApi::public().unwrap();
        ExtraHeaders::reserving(&api)
            .add(name, "wrkspc_02")
            .unwrap();
    }

    #[test]
    fn a_header_may_be_given_twice_and_betas_become_one() {
        let mut extra = ExtraHeaders::new();
        extra.add("x-trace", "a").unwrap();
        extra.add("x-trace", "b").unwrap();
        extra.add("anthropic-beta", "one, two").unwrap();
        extra.beta("one").unwrap();
        let headers = written(&extra);
        assert_eq!(headers.get_all("x-trace").iter().count(), 2);
        assert_eq!(headers["anthropic-beta"], "one,two");
        assert!(headers["x-trace"].is_sensitive());
    }

    #[test]
    fn the_headers_of_a_call_go_over_those_of_its_client_and_betas_are_joined() {
        let mut client = ExtraHeaders::new();
        client.add("x-trace", "client").unwrap();
        client.add("x-team", "client").unwrap();
        client.beta("one").unwrap();
        let mut call = ExtraHeaders::new();
        call.add("x-trace", "call").unwrap();
        call.add("x-trace", "call too").unwrap();
        call.beta("two").unwrap();
        client.extend(&call);
        let headers = written(&client);
        let traces: Vec<_> = headers.get_all("x-trace").iter().collect();
        assert_eq!(traces, ["call", "call too"]);
        assert_eq!(headers["x-team"], "client");
        assert_eq!(headers["anthropic-beta"], "one,two");
        assert_eq!(written(&ExtraHeaders::new()).len(), 0);
    }

    #[test]
    fn there_may_be_a_hundred_headers_and_a_hundred_betas() {
        let mut extra = ExtraHeaders::new();
        for number in 0..ExtraHeaders::MOST {
            extra.add(&format!("x-{number}"), "planted").unwrap();
            extra.beta(&format!("beta-{number}")).unwrap();
        }
        extra.beta("beta-7").unwrap();
        for refused in [extra.clone().add("x-7", "planted"), extra.beta("more")] {
            let error = refused.unwrap_err();
            assert!(error.message().unwrap().contains("100"));
            assert!(!format!("{error:?}").contains("planted"));
        }
        // Those of a call beside those of its client are no panic either.
        let doubled = |_| extra.clone();
        let all = (0..4).map(doubled).reduce(|mut all, more| {
            all.extend(&more);
            all
        });
        assert_eq!(written(&all.unwrap()).len(), ExtraHeaders::MOST + 1);
    }

    #[test]
    fn debug_shows_names_and_no_value() {
        let mut extra = ExtraHeaders::new();
        extra.add("x-gateway-key", "planted").unwrap();
        let text = format!("{extra:?}");
        assert!(
            text.contains("x-gateway-key") && !text.contains("planted"),
            "{text}"
        );
    }
}
