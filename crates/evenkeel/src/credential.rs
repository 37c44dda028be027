use std::fmt;
use std::sync::Arc;

use evenkeel_error::Error;
use evenkeel_transport::Secret;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use crate::CredentialProvider;
use crate::renewal::Renewable;

/// What a call is authenticated with. Never printed, and wiped from memory when dropped; so is the
/// header that carries it, which is marked as sensitive. A client keeps that of its own key for all
/// its calls. What the HTTP client writes to the connection is in its own buffers.
#[derive(Clone)]
pub struct Credential {
    form: Form,
}

#[derive(Clone)]
enum Form {
    ApiKey(SecretString),
    Bearer(SecretString),
    Provider(Arc<Renewable>),
}

/// Who somebody is, as far as it can be told without asking.
pub(crate) enum Principal<'a> {
    ApiKey(&'a str),
    Bearer(&'a str),
    /// The address of what both hold.
    Provider(usize),
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

    /// Tokens that are renewed: `provider` is asked before an attempt that finds none valid. Clones
    /// share the token, so that one renewal serves all calls of all clients that hold one.
    ///
    /// A token that the server refuses with 401 is renewed at once and the request sent again, once
    /// a call, beyond attempts and budget.
    #[must_use]
    pub fn provider(provider: impl CredentialProvider + 'static) -> Self {
        Self {
            form: Form::Provider(Arc::new(Renewable::new(Box::new(provider)))),
        }
    }

    /// Checks that a header can carry it. The error does not repeat any of it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.secret() {
            Some(secret) => secret.write(&mut HeaderMap::new()),
            None => Ok(()),
        }
    }

    /// The provider behind it, if it is renewed.
    pub(crate) fn renewable(&self) -> Option<&Renewable> {
        match &self.form {
            Form::Provider(renewable) => Some(renewable),
            Form::ApiKey(_) | Form::Bearer(_) => None,
        }
    }

    pub(crate) fn principal(&self) -> Principal<'_> {
        match &self.form {
            Form::ApiKey(key) => Principal::ApiKey(key.expose_secret()),
            Form::Bearer(token) => Principal::Bearer(token.expose_secret()),
            Form::Provider(renewable) => Principal::Provider(Arc::as_ptr(renewable).addr()),
        }
    }

    /// Lends it to whoever writes a request; `None` where a provider has to be asked.
    pub(crate) fn secret(&self) -> Option<Secret<'_>> {
        match self.principal() {
            Principal::ApiKey(key) => Some(Secret::ApiKey(key)),
            Principal::Bearer(token) => Some(Secret::Bearer(token)),
            Principal::Provider(_) => None,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::ApiKey(_) => "Credential(api key)",
            Form::Bearer(_) => "Credential(bearer token)",
            Form::Provider(_) => "Credential(provider)",
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
        for (credential, name, value) in [
            (Credential::api_key("sk-ant-1"), "x-api-key", "sk-ant-1"),
            (Credential::bearer("token"), "authorization", "Bearer token"),
        ] {
            let mut headers = HeaderMap::new();
            credential.secret().unwrap().write(&mut headers).unwrap();
            assert_eq!(headers[name], value);
            assert!(headers[name].is_sensitive());
        }
    }
}
