use std::fmt;

use evenkeel_error::Error;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// What a call is authenticated with. Never printed, and wiped from memory when dropped; the header
/// that carries it is marked as sensitive, and lives as long as its request.
#[derive(Clone)]
pub struct Credential {
    form: Form,
}

#[derive(Clone)]
enum Form {
    ApiKey(SecretString),
    Bearer(SecretString),
}

impl Credential {
    /// An API key, sent as `x-api-key`.
    #[must_use]
    pub fn api_key(key: impl Into<String>) -> Self {
        Self {
            form: Form::ApiKey(key.into().into()),
        }
    }

    /// A token, sent as `authorization: Bearer`.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self {
            form: Form::Bearer(token.into().into()),
        }
    }

    /// Checks that a header can carry it. The error does not repeat any of it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.header().map(|_| ())
    }

    /// Writes the header that carries it, marked as sensitive.
    pub(crate) fn write(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let (name, value) = self.header()?;
        headers.insert(name, value);
        Ok(())
    }

    fn header(&self) -> Result<(&'static str, HeaderValue), Error> {
        let (field, name, text) = match &self.form {
            Form::ApiKey(key) => ("api_key", "x-api-key", key.expose_secret().to_owned()),
            Form::Bearer(token) => (
                "auth_token",
                "authorization",
                format!("Bearer {}", token.expose_secret()),
            ),
        };
        let secret = match &self.form {
            Form::ApiKey(secret) | Form::Bearer(secret) => secret.expose_secret(),
        };
        if secret.is_empty() {
            return Err(Error::invalid_config(field, "must not be empty"));
        }
        // A space or a line end inside is a slip of copy and paste that no server would accept.
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid_config(
                field,
                "must be visible ASCII without spaces or line ends; check how it was copied",
            ));
        }
        let mut value = HeaderValue::try_from(text).map_err(|error| {
            Error::invalid_config(field, "cannot be sent as a header").with_source(error)
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::ApiKey(_) => "Credential(api key)",
            Form::Bearer(_) => "Credential(bearer token)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_no_header_can_carry_is_named_and_not_repeated() {
        for secret in ["", "sk-ant-planted\n", "sk-ant planted", "sk-ant-plänted"] {
            for credential in [Credential::api_key(secret), Credential::bearer(secret)] {
                let error = credential.check().unwrap_err();
                let text = format!("{error} {error:?} {credential:?} {}", error.report());
                assert!(
                    !text.contains("planted") && !text.contains("sk-ant"),
                    "{text}"
                );
                let message = error.message().unwrap();
                assert!(message.starts_with("api_key ") || message.starts_with("auth_token "));
            }
        }
    }

    #[test]
    fn the_header_is_marked_as_sensitive() {
        let mut headers = HeaderMap::new();
        Credential::api_key("sk-ant-1").write(&mut headers).unwrap();
        assert!(headers["x-api-key"].is_sensitive());
        Credential::bearer("token").write(&mut headers).unwrap();
        assert_eq!(headers["authorization"], "Bearer token");
        assert!(headers["authorization"].is_sensitive());
    }
}
