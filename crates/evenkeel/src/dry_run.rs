use std::fmt;

use evenkeel_error::Error;
use evenkeel_transport::Secret;
use http::{HeaderName, HeaderValue, Method};

use crate::Credential;
use crate::clock::Clock;
use crate::credential::Principal;
use crate::pipeline::Plan;
use crate::shared::Shared;

/// A call as it would be sent: a `curl` command for a shell of the POSIX family.
///
/// `Display` shows no secret: the credential is a variable that the shell puts in, other headers of
/// the caller's are left out by value, and of the body there is only the length.
/// [`with_body`](Self::with_body) shows the body, prompt and all.
#[derive(Clone)]
pub struct DryRun {
    method: Method,
    uri: String,
    headers: Vec<(String, Shown)>,
    body: bytes::Bytes,
    /// The parts of a form, as curl takes them; in place of a body.
    form: Vec<String>,
}

/// The variables of the shell that hold the credential.
const KEY: &str = "$ANTHROPIC_API_KEY";
const TOKEN: &str = "$ANTHROPIC_AUTH_TOKEN";

#[derive(Clone)]
enum Shown {
    Text(String),
    /// With a variable at its end, which the shell puts in.
    Variable(String),
    Hidden,
}

impl DryRun {
    /// What the back end makes of it, with variables in place of the credential: a secret of the
    /// same kind is written, so that a back end without a use for one says so here too.
    pub(crate) fn of(plan: &Plan, shared: &Shared) -> Result<Self, Error> {
        let mut request = plan.written().bare();
        let given = request.headers.clone();
        let variable = match plan.credential().map(Credential::principal) {
            None => None,
            Some(Principal::ApiKey(_)) => Some(Secret::ApiKey(KEY)),
            Some(Principal::Bearer(_) | Principal::Provider(_)) => Some(Secret::Bearer(TOKEN)),
        };
        if let Some(variable) = variable {
            let backend = &shared.backend;
            backend.authorize(&mut request, variable, Clock::wall())?;
        }
        let shown = |(name, value): (&HeaderName, &HeaderValue)| {
            let is_given = given.get_all(name).iter().any(|given| given == value);
            let shown = if is_given { of_caller } else { of_credential };
            (name.to_string(), shown(name, value))
        };
        Ok(Self {
            method: request.method,
            uri: request.uri.to_string(),
            headers: request.headers.iter().map(shown).collect(),
            body: request.body,
            form: Vec::new(),
        })
    }

    /// The same with a form for a body, which curl writes and names in the head by itself.
    pub(crate) fn with_form(mut self, form: Vec<String>) -> Self {
        self.form = form;
        self
    }

    /// The command with the whole body, which holds the prompt.
    #[must_use]
    pub fn with_body(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        self.command(&body)
    }

    fn command(&self, body: &str) -> String {
        let mut command = format!("curl --request {} {}", self.method, quoted(&self.uri));
        for (name, value) in &self.headers {
            let line = match value {
                Shown::Text(text) => quoted(&format!("{name}: {text}")),
                Shown::Variable(text) => format!("\"{name}: {text}\""),
                Shown::Hidden => quoted(&format!("{name}: …")),
            };
            command.push_str(" \\\n  --header ");
            command.push_str(&line);
        }
        for part in &self.form {
            command.push_str(" \\\n  --form ");
            command.push_str(&quoted(part));
        }
        if !self.body.is_empty() {
            command.push_str(" \\\n  --data-raw ");
            command.push_str(&quoted(body));
        }
        command
    }
}

/// A header of the caller's or of the back end's.
fn of_caller(name: &HeaderName, value: &HeaderValue) -> Shown {
    // What a caller's header holds is not known; a beta is a name.
    let hidden = value.is_sensitive() && name != "anthropic-beta";
    match value.to_str() {
        Ok(text) if !hidden => Shown::Text(text.to_owned()),
        _ => Shown::Hidden,
    }
}

/// A header that authenticates. A signature is of no use in a command.
fn of_credential(_: &HeaderName, value: &HeaderValue) -> Shown {
    match value.to_str() {
        Ok(text) if text.ends_with(KEY) || text.ends_with(TOKEN) => {
            Shown::Variable(text.to_owned())
        }
        _ => Shown::Hidden,
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("… {} bytes, not shown", self.body.len());
        f.write_str(&self.command(&body))
    }
}

impl fmt::Debug for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Credential, MessageRequest};

    #[test]
    fn a_call_prints_as_a_command_without_a_secret() {
        let client = Client::with_transport(crate::nowhere::Nowhere)
            .api_key("planted")
            .header("x-team", "planted")
            .build()
            .unwrap();
        let calls = client.messages().beta("files-2026").query("a", "b c");
        let request = MessageRequest::new("m", 1).user("it's a planted prompt");
        let dry = calls.dry_run(request).unwrap();
        insta::assert_snapshot!(dry, @r#"
        curl --request POST 'https://api.anthropic.com/v1/messages?a=b%20c' \
          --header 'x-team: …' \
          --header 'anthropic-beta: files-2026' \
          --header 'anthropic-version: 2026-10-21' \
          --header 'content-type: application/json' \
          --header "x-api-key: $ANTHROPIC_API_KEY" \
          --data-raw '… 105 bytes, not shown'
        "#);
        assert_eq!(format!("{dry:?}"), dry.to_string());
        let whole = dry.with_body();
        assert!(whole.contains(r"it'\''s a planted prompt"), "{whole}");
        assert!(!whole.contains("x-team: planted"), "{whole}");
    }

    #[test]
    fn a_token_prints_as_the_variable_that_would_hold_it() {
        let client = Client::with_transport(crate::nowhere::Nowhere)
            .build()
            .unwrap();
        let raw = client.raw().credential(Credential::bearer("planted"));
        let dry = raw
            .dry_run(Method::GET, "/v1/files", bytes::Bytes::new())
            .unwrap();
        insta::assert_snapshot!(dry, @r#"
        curl --request GET 'https://api.anthropic.com/v1/files' \
          --header 'anthropic-version: 2026-10-21' \
          --header "authorization: Bearer $ANTHROPIC_AUTH_TOKEN"
        "#);
    }
}
