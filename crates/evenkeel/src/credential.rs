use std::fmt;
use std::sync::Arc;

use evenkeel_error::Error;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::CredentialProvider;
use crate::renewal::Renewable;

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
        self.header().map(|_| ())
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

    /// The header that carries it, marked as sensitive; `None` where a provider has to be asked.
    pub(crate) fn header(&self) -> Result<Option<Header>, Error> {
        match &self.form {
            Form::ApiKey(key) => {
                let value = sensitive("api_key", key, key.expose_secret())?;
                Ok(Some((HeaderName::from_static("x-api-key"), value)))
            }
            Form::Bearer(token) => bearer(token).map(Some),
            Form::Provider(_) => Ok(None),
        }
    }
}

/// A header that authenticates.
pub(crate) type Header = (HeaderName, HeaderValue);

/// The header that carries a token, marked as sensitive.
pub(crate) fn bearer(token: &SecretString) -> Result<Header, Error> {
    let text = format!("Bearer {}", token.expose_secret());
    Ok((AUTHORIZATION, sensitive("auth_token", token, &text)?))
}

fn sensitive(field: &str, secret: &SecretString, text: &str) -> Result<HeaderValue, Error> {
    let secret = secret.expose_secret();
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
    Ok(value)
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
        let header = |credential: Credential| credential.header().unwrap().unwrap();
        let (name, value) = header(Credential::api_key("sk-ant-1"));
        assert_eq!((name.as_str(), value.is_sensitive()), ("x-api-key", true));
        let (name, value) = header(Credential::bearer("token"));
        assert_eq!(name, "authorization");
        assert_eq!(value, "Bearer token");
        assert!(value.is_sensitive());
    }
}
