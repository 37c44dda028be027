use std::fmt;

use evenkeel_error::Error;
use evenkeel_transport::Secret;
use http::HeaderMap;
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
        self.secret().write(&mut HeaderMap::new())
    }

    /// Lends it to whoever writes a request.
    pub(crate) fn secret(&self) -> Secret<'_> {
        match &self.form {
            Form::ApiKey(key) => Secret::ApiKey(key.expose_secret()),
            Form::Bearer(token) => Secret::Bearer(token.expose_secret()),
        }
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
        Credential::api_key("sk-ant-1")
            .secret()
            .write(&mut headers)
            .unwrap();
        assert!(headers["x-api-key"].is_sensitive());
        Credential::bearer("token")
            .secret()
            .write(&mut headers)
            .unwrap();
        assert_eq!(headers["authorization"], "Bearer token");
        assert!(headers["authorization"].is_sensitive());
    }
}
