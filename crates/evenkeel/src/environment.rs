//! What a client takes from the environment.

use std::env::VarError;

use evenkeel_error::Error;
use evenkeel_transport::ExtraHeaders;

use crate::{ClientBuilder, Credential};

/// Reads key, token, address and headers into `builder`.
pub(crate) fn read(builder: ClientBuilder) -> Result<ClientBuilder, Error> {
    apply(builder, |name| std::env::var(name))
}

fn apply(
    mut builder: ClientBuilder,
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<ClientBuilder, Error> {
    let read = |name: &str| match variable(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::invalid_config(
            name,
            "must be text in UTF-8; check how it was set",
        )),
    };
    let key = read("ANTHROPIC_API_KEY")?;
    let token = read("ANTHROPIC_AUTH_TOKEN")?;
    let address = read("ANTHROPIC_BASE_URL")?;
    if key.is_none() && token.is_none() {
        // Whoever set one of these has a credential, only not one that this client can get.
        for name in ELSEWHERE {
            if read(name)?.is_some() {
                return Err(Error::invalid_config(
                    name,
                    "is set, and is not read here: profiles and identity tokens have to be \
                     exchanged. Set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, or give the builder \
                     a Credential::provider that makes the exchange",
                ));
            }
        }
    }
    if key.is_none() && token.is_none() && address.is_none() {
        return Err(Error::invalid_config(
            "credential",
            "must be given: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, or ANTHROPIC_BASE_URL \
             for a gateway that needs neither",
        ));
    }
    if let Some(address) = address {
        builder = builder.base_url(address);
    }
    match (key, token) {
        (Some(key), _) => builder = builder.credential(Credential::api_key(key)),
        (None, Some(token)) => builder = builder.credential(Credential::bearer(token)),
        (None, None) => {}
    }
    if let Some(headers) = read(HEADERS)? {
        for (number, line) in headers.lines().enumerate() {
            builder = header(builder, number + 1, line)?;
        }
    }
    Ok(builder)
}

/// The headers of every request, one a line.
const HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";

/// What the official SDKs read in place of a key, and exchange for a token.
const ELSEWHERE: [&str; 4] = [
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
    "ANTHROPIC_FEDERATION_RULE_ID",
];

/// One line of the variable: `Name: value`; an empty one is none.
fn header(builder: ClientBuilder, number: usize, line: &str) -> Result<ClientBuilder, Error> {
    if line.trim().is_empty() {
        return Ok(builder);
    }
    let at_fault = |rule: &str| Error::invalid_config(HEADERS, &format!("line {number} {rule}"));
    let Some((name, value)) = line.split_once(':') else {
        return Err(at_fault("must be of the form `Name: value`"));
    };
    let (name, value) = (name.trim(), value.trim());
    // The builder would say which header, and not where it comes from.
    ExtraHeaders::new().add(name, value).map_err(|error| {
        at_fault(&format!(
            "cannot be used: {}",
            error.message().unwrap_or_default()
        ))
    })?;
    Ok(builder.header(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    fn with(variables: &[(&str, &str)]) -> Result<ClientBuilder, Error> {
        apply(Client::builder(), |name| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn without_anything_every_way_to_give_a_credential_is_named() {
        for variables in [&[][..], &[("ANTHROPIC_API_KEY", "")]] {
            let error = with(variables).unwrap_err();
            let message = error.message().unwrap();
            for name in [
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_AUTH_TOKEN",
                "ANTHROPIC_BASE_URL",
            ] {
                assert!(message.contains(name), "{message}");
            }
        }
    }

    #[test]
    fn a_key_goes_before_a_token() {
        let builder = with(&[("ANTHROPIC_AUTH_TOKEN", "t"), ("ANTHROPIC_API_KEY", "k")]).unwrap();
        assert!(format!("{builder:?}").contains("api key"));
    }

    #[test]
    fn an_address_alone_is_enough() {
        assert!(
            with(&[("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")])
                .unwrap()
                .build()
                .is_ok()
        );
    }

    #[test]
    fn an_address_ends_before_what_the_client_adds_to_it() {
        for (address, rule) in [
            ("https://gateway.example", None),
            ("https://gateway.example/anthropic/", None),
            (
                "https://api.anthropic.com/v1",
                Some("base_url must end before /v1, which the client adds"),
            ),
            (
                "https://gateway.example/anthropic/v1/",
                Some("base_url must end before /v1, which the client adds"),
            ),
            (
                "https://api.anthropic.com/v1/messages",
                Some("base_url must end before /v1/messages, which is added for each request"),
            ),
        ] {
            let built = with(&[("ANTHROPIC_BASE_URL", address)]).unwrap().build();
            let refused = built.err();
            let message = refused.as_ref().and_then(|error| error.failure().message());
            assert_eq!(message, rule, "{address}");
        }
    }

    #[test]
    fn a_credential_that_has_to_be_exchanged_is_named_and_not_taken_for_none() {
        for name in ELSEWHERE {
            for more in [
                &[][..],
                &[("ANTHROPIC_BASE_URL", "https://gateway.example")],
            ] {
                let error = with(&[more, &[(name, "x")]].concat()).unwrap_err();
                assert!(
                    error
                        .message()
                        .unwrap()
                        .starts_with(&format!("{name} is set"))
                );
            }
            let builder = with(&[(name, "x"), ("ANTHROPIC_API_KEY", "k")]);
            assert!(builder.is_ok(), "a key goes before {name}");
        }
    }

    #[test]
    fn headers_are_read_one_a_line() {
        let key = ("ANTHROPIC_API_KEY", "k");
        let client = with(&[key, (HEADERS, "X-Team: a: b\n\n x-two :2 ")])
            .unwrap()
            .build();
        let client = client.unwrap();
        let shared = client.shared();
        let headers = |name| shared.headers.get(name).unwrap();
        assert_eq!(
            (headers("x-team"), headers("x-two")),
            (&"a: b".parse().unwrap(), &"2".parse().unwrap())
        );
    }

    #[test]
    fn a_header_that_cannot_be_is_named_by_its_line_without_its_value() {
        let key = ("ANTHROPIC_API_KEY", "k");
        for (value, words) in [
            ("x-team: a\nplanted", "line 2 must be of the form"),
            (
                "x-api-key: planted",
                "line 1 cannot be used: header x-api-key",
            ),
        ] {
            let error = with(&[key, (HEADERS, value)]).unwrap_err();
            let message = error.message().unwrap();
            assert!(
                message.contains(words) && !message.contains("planted"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_public_api_without_a_credential_is_refused_before_anything_is_sent() {
        let client = Client::builder().build().unwrap();
        let request = crate::MessageRequest::new("m", 1).user("x");
        let call = client.messages().create(request);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let error = runtime.unwrap().block_on(call).unwrap_err();
        let message = error.failure().message().unwrap();
        for way in ["ANTHROPIC_API_KEY", ".api_key(", "give the call one"] {
            assert!(message.contains(way), "{message}");
        }
        assert_eq!(error.delivery(), crate::Delivery::NotSent);
    }
}
