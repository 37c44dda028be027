//! What a client takes from the environment.

use std::env::VarError;

use evenkeel_error::Error;

use crate::{ClientBuilder, Credential};

/// Reads key, token and address into `builder`.
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
    Ok(builder)
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
}
